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
    ReportFormat,
    check_folder,
    check_records,
    finite,
    print_json,
    print_kept,
    read_records,
    resumable,
    say,
)
from whereshot.foundation import output_files
from whereshot.foundation.errors import InputError, nearest_name

OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Start again, and drop what is there.")]


class FacesAction(enum.StrEnum):
    drop = "drop"
    mask = "mask"


def curate(
    records: Annotated[list[Path], typer.Argument(help="Folders of Parquet shards, or .parquet files.")],
    out: Annotated[Path, typer.Option(help="A folder; a run that was stopped goes on there.", show_default=False)],
    verify: Annotated[bool, typer.Option("--verify", help="Drop what does not decode, is tiny or blank.")] = False,
    min_side: Annotated[int | None, typer.Option(help="Pixels of the shorter side, for --verify; 64.")] = None,
    faces: Annotated[
        float | None, typer.Option(help="Most of a picture that faces may cover; published: 0.035.", show_default=False)
    ] = None,
    faces_action: Annotated[
        FacesAction, typer.Option(help="What becomes of those above: dropped, or people filled with noise.")
    ] = FacesAction.drop,
    scene: Annotated[
        str | None, typer.Option(help="Keep indoor, natural, urban or outdoor.", show_default=False)
    ] = None,
    scene_model: Annotated[Path | None, typer.Option(help="A classifier of Places365 in ONNX.")] = None,
    scene_hierarchy: Annotated[
        Path | None, typer.Option(help="CSV: of each of its classes, 0 or 1 for indoor, natural, urban.")
    ] = None,
    duplicates: Annotated[bool, typer.Option("--duplicates", help="Keep the first of the same and the alike.")] = False,
    look_bits: Annotated[int | None, typer.Option(help="Bits of 64 in which copies may differ; 8.")] = None,
    one_per_user_cell: Annotated[
        int | None, typer.Option(help="One photo of each user in each S2 cell of this level.", show_default=False)
    ] = None,
    balance: Annotated[
        int | None, typer.Option(help="At most so many photos of each place, drawn by lot.", show_default=False)
    ] = None,
    balance_by: Annotated[str, typer.Option(help="cell, country, or a column.")] = "cell",
    balance_level: Annotated[int, typer.Option(help="S2 level of the cells.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Of what is drawn by lot.")] = 0,
    engine: EngineOption = "local",
    master: MasterOption = None,
    overwrite: OverwriteOption = False,
    form: FormatOption = ReportFormat.table,
) -> None:
    """Clean records, in the order of these options; what goes is in rejects/ with its reason.

    Of several records the first of duplicates stays. A run that was stopped goes on with the same command.
    """
    from whereshot.foundation import progress
    from whereshot.foundation.jobs import ENGINES
    from whereshot.photos import curate as curating

    if engine not in ENGINES:
        raise InputError(f"no engine {engine!r}; {nearest_name(engine, ENGINES)}")
    for option, value, step, given in (
        ("--min-side", min_side, "--verify", verify),
        ("--look-bits", look_bits, "--duplicates", duplicates),
        ("--scene-model", scene_model, "--scene", scene is not None),
        ("--scene-hierarchy", scene_hierarchy, "--scene", scene is not None),
    ):
        if value is not None and not given:
            raise InputError(f"{option} goes with {step}")
    check_folder(out)
    resumable(drop=["--overwrite"])
    steps: dict[str, dict[str, Any]] = {}
    if verify:
        steps["verify"] = _given(min_side=min_side)
    if faces is not None:
        steps["faces"] = {"share": faces, "action": faces_action.value}
    if scene is not None:
        model, hierarchy = (path and str(path.absolute()) for path in (scene_model, scene_hierarchy))
        steps["scene"] = _given(wanted=scene, model=model, hierarchy=hierarchy)
    if duplicates:
        steps["duplicates"] = _given(look_bits=look_bits)
    if one_per_user_cell is not None:
        steps["one_per_user_cell"] = {"level": one_per_user_cell, "seed": seed}
    if balance is not None:
        steps["balance"] = {"most": balance, "by": balance_by, "level": balance_level, "seed": seed}
    document = curating.curate(records, out, steps, ENGINES[engine](master), overwrite=overwrite, track=progress.bar)
    print_kept(document, out, out / "rejects", form, "photos is left")


def _given(**settings: Any) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def audit(
    train: Annotated[Path, typer.Argument(help="Records, or a table with positions: what is trained on.")],
    test: Annotated[Path, typer.Argument(help="Records, or a table with positions: what is tested on.")],
    out: Annotated[
        Path | None, typer.Option(help="Write the test photos that are left here, as records.", show_default=False)
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(help="What a photo is left out for, as 'same user'. Repeatable; by default, all of training's."),
    ] = None,
    gallery: Annotated[
        Path | None, typer.Option(help="A table of coordinates that answers are chosen from.", show_default=False)
    ] = None,
    seconds: Annotated[float, typer.Option(help="Between photos of one user that are of one moment.")] = 60.0,
    look_bits: Annotated[int | None, typer.Option(help="Bits of 64 in which copies may differ; 8.")] = None,
    no_pictures: Annotated[bool, typer.Option("--no-pictures", help="Compare no pictures.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Also write audit.md and audit.json here.", show_default=False)
    ] = None,
    column: ColumnOption = None,
    form: FormatOption = ReportFormat.table,
) -> None:
    """Say what a test set shares with a training set: pictures, users, albums, moments, places."""
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
    if form is ReportFormat.json:
        print_json(document)
    else:
        print(found.to_markdown(), end="")
