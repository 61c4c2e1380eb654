"""Commands that clean records: curate, audit."""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from whereshot.cli.base import (
    ColumnOption,
    EngineOption,
    FormatOption,
    MasterOption,
    StartAgainOption,
    check_folder,
    check_records,
    print_json,
    print_kept,
    read_records,
    resumable,
    say,
)
from whereshot.foundation import output_files
from whereshot.foundation.errors import InputError, nearest_name
from whereshot.report.answer_formats import finite


class FacesAction(enum.StrEnum):
    """What to do with a photo whose faces cover too much of it."""

    drop = "drop"
    mask = "mask"


VerifyOption = Annotated[
    bool, typer.Option("--verify", help="Drop pictures that do not decode, are tiny, or are blank.")
]
MinSideOption = Annotated[
    int | None, typer.Option(help="Least pixels of the shorter side, for --verify; by default 64.")
]
FacesOption = Annotated[
    float | None,
    typer.Option(help="Largest share of a picture that faces may cover, 0 to 1; published: 0.035.", show_default=False),
]
FacesActionOption = Annotated[
    FacesAction, typer.Option(help="Drop pictures with larger faces, or fill the people with noise.")
]
SceneOption = Annotated[
    str | None, typer.Option(help="Scene to keep: indoor, natural, urban or outdoor.", show_default=False)
]
SceneHierarchyOption = Annotated[
    Path | None, typer.Option(help="CSV file with 0 or 1 for indoor, natural and urban, for each class.")
]
DuplicatesOption = Annotated[
    bool, typer.Option("--duplicates", help="Keep the first of equal and of similar pictures.")
]
OnePerUserCellOption = Annotated[
    int | None, typer.Option(help="S2 level: keep one photo of each user in each cell.", show_default=False)
]
BalanceOption = Annotated[
    int | None, typer.Option(help="Largest number of photos of each place; chosen at random.", show_default=False)
]
BalanceByOption = Annotated[str, typer.Option(help="Places to balance by: cell, country, or the name of a column.")]


def curate(
    records: Annotated[list[Path], typer.Argument(help="Folders of Parquet shards, or .parquet files.")],
    out: Annotated[Path, typer.Option(help="Folder to write; a stopped run continues there.", show_default=False)],
    verify: VerifyOption = False,
    min_side: MinSideOption = None,
    faces: FacesOption = None,
    faces_action: FacesActionOption = FacesAction.drop,
    scene: SceneOption = None,
    scene_model: Annotated[Path | None, typer.Option(help="Places365 classifier as an ONNX file.")] = None,
    scene_hierarchy: SceneHierarchyOption = None,
    duplicates: DuplicatesOption = False,
    look_bits: Annotated[int | None, typer.Option(help="Bits of 64 in which copies may differ; by default 8.")] = None,
    one_per_user_cell: OnePerUserCellOption = None,
    balance: BalanceOption = None,
    balance_by: BalanceByOption = "cell",
    balance_level: Annotated[int, typer.Option(help="S2 level of the cells, for --balance-by cell.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random choice.")] = 0,
    engine: EngineOption = "local",
    master: MasterOption = None,
    overwrite: StartAgainOption = False,
    form: FormatOption = "table",
) -> None:
    """Clean records by these steps, in this order. Dropped photos are listed in rejects/ with the reason.

    Of duplicates, the first photo stays. The same command continues a stopped run.
    """
    from whereshot.foundation import progress
    from whereshot.foundation.jobs import ENGINES
    from whereshot.photos import curate as curating

    if engine not in ENGINES:
        raise InputError(f"no engine {engine!r}; {nearest_name(engine, ENGINES)}")
    _refuse_without_step(
        ("--min-side", min_side, "--verify", verify),
        ("--look-bits", look_bits, "--duplicates", duplicates),
        ("--scene-model", scene_model, "--scene", scene is not None),
        ("--scene-hierarchy", scene_hierarchy, "--scene", scene is not None),
    )
    check_folder(out)
    resumable(drop=["--overwrite"])
    model, hierarchy = (path and str(path.absolute()) for path in (scene_model, scene_hierarchy))
    settings: dict[str, dict[str, Any] | None] = {
        "verify": _without_unset(min_side=min_side) if verify else None,
        "faces": None if faces is None else {"share": faces, "action": faces_action.value},
        "scene": None if scene is None else _without_unset(wanted=scene, model=model, hierarchy=hierarchy),
        "duplicates": _without_unset(look_bits=look_bits) if duplicates else None,
        "one_per_user_cell": None if one_per_user_cell is None else {"level": one_per_user_cell, "seed": seed},
        "balance": None
        if balance is None
        else {"most": balance, "by": balance_by, "level": balance_level, "seed": seed},
    }
    steps = {name: values for name, values in settings.items() if values is not None}
    document = curating.curate(records, out, steps, ENGINES[engine](master), overwrite=overwrite, track=progress.bar)
    print_kept(document, out, out / "rejects", form, "photos is left")


def _refuse_without_step(*options: tuple[str, object, str, bool]) -> None:
    """Raise InputError for an option that is given without the step that it belongs to.

    Each entry is the option, its value, the option of the step, and whether that step is wanted.
    """
    for option, value, step, wanted in options:
        if value is not None and not wanted:
            raise InputError(f"{option} goes with {step}")


def _without_unset(**settings: Any) -> dict[str, Any]:
    """Return the settings that have a value."""
    return {name: value for name, value in settings.items() if value is not None}


def audit(
    train: Annotated[Path, typer.Argument(help="Training photos: Records, or a table with positions.")],
    test: Annotated[Path, typer.Argument(help="Test photos: Records, or a table with positions.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder or .parquet file to write the remaining test photos to.", show_default=False),
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(help="Reason to leave a test photo out, as 'same user'. Repeatable; by default all reasons."),
    ] = None,
    gallery: Annotated[
        Path | None, typer.Option(help="Table of the positions that a model can answer.", show_default=False)
    ] = None,
    seconds: Annotated[
        float, typer.Option(help="Seconds within which photos of one user show the same moment.")
    ] = 60.0,
    look_bits: Annotated[int | None, typer.Option(help="Bits of 64 in which copies may differ; by default 8.")] = None,
    no_pictures: Annotated[bool, typer.Option("--no-pictures", help="Do not compare pictures.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Folder to write audit.md and audit.json to.", show_default=False)
    ] = None,
    column: ColumnOption = None,
    form: FormatOption = "table",
) -> None:
    """Find what a test set shares with a training set: pictures, users, albums, moments, places."""
    from whereshot.foundation import progress
    from whereshot.photos.curate import audit as auditing

    check_folder(report)
    if out is not None:
        check_records(out)
    tested = read_records(test, column)
    found = auditing.audit(
        read_records(train, column),
        tested,
        gallery=None if gallery is None else read_records(gallery, None).points,
        seconds=seconds,
        pictures=not no_pictures,
        drop=drop or None,
        track=progress.bar,
        **({} if look_bits is None else {"look_bits": look_bits}),
    )
    document = found.to_json()
    if report is not None:
        with output_files.new_files(report) as beside:
            output_files.write_text(beside / "audit.md", found.to_markdown())
            output_files.write_text(beside / "audit.json", json.dumps(finite(document), indent=1) + "\n")
        say(f"wrote {report / 'audit.md'}")
    if out is not None:
        found.write_cleaned(tested, out)
        say(f"wrote {found.kept} of {len(tested)} test photos to {out}")
    if form == "json":
        print_json(document)
    else:
        print(found.to_markdown(), end="")
