"""The commands refine fit, apply, switch and tracks: improve posteriors by other facts about the photos."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whereshot.cli.base import (
    ColumnOption,
    DeviceOption,
    FormatOption,
    SetOption,
    check_file,
    check_folder,
    pairs,
    print_json,
    read_records,
    resumable,
    say,
    some_failed,
)
from whereshot.foundation.errors import InputError
from whereshot.report.answer_formats import ReportFormat

if TYPE_CHECKING:
    from whereshot.photos.records import Records
    from whereshot.training.refine_run import RowPosteriors

app = typer.Typer(
    no_args_is_help=True,
    help="Improve posteriors with the time of posting, and with other photos of the same user or album.",
    rich_markup_mode=None,
)


@app.command("fit")
def refine_fit(
    run: Annotated[Path, typer.Argument(help="Run file of a refiner (TOML).", show_default=False)],
    settings: SetOption = None,
    resume: Annotated[bool, typer.Option(help="Continue a stopped fit.")] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace an existing refiner.")] = False,
    device: DeviceOption = None,
) -> None:
    """Fit a refiner by a run file, on photos that its base model has never seen."""
    from whereshot.foundation import errors, progress, settings_file

    errors.require("torch", extra="torch")
    from whereshot.training import refine_run

    settled = settings_file.load(run, refine_run.RefineRun, settings or ())
    check_folder(settled.out, replaced=True)
    resumable(add=["--resume"])
    started = time.perf_counter()
    track = progress.bar
    folder = refine_run.fit(settled, resume=resume, overwrite=overwrite, device=device, track=track, say=say)
    print(f"{folder} ({time.perf_counter() - started:.0f} s)")


@app.command("apply")
def refine_apply(
    refiner: Annotated[Path, typer.Argument(help="Folder written by refine fit.", show_default=False)],
    records: Annotated[Path, typer.Argument(help="Records of the photos; their positions are not used.")],
    out: Annotated[Path, typer.Option(help="The .parquet file of posteriors to write.", show_default=False)],
    posterior: Annotated[
        Path | None, typer.Option(help="Posteriors of the base model, as locate --posterior writes them.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Base model; by default the model that it was fitted for.")] = None,
    column: ColumnOption = None,
    form: FormatOption = "table",
    device: DeviceOption = None,
) -> None:
    """Refine the posteriors of a base model. To score them: whereshot evaluate --posterior FILE --truth FILE."""
    from whereshot.foundation import errors, progress

    errors.require("torch", extra="torch")
    from whereshot.training import refine_run

    if posterior is not None and model is not None:
        raise InputError("give either --posterior or --model")
    check_file(out, ".parquet")
    photos = _read_photos(records, column)
    found = refine_run.apply(refiner, photos, model=model, posterior=posterior, device=device, track=progress.bar)
    _write(found, photos, out, form)


@app.command("switch")
def refine_switch(
    records: Annotated[Path, typer.Argument(help="Records with scene_indoor, scene_natural, scene_urban.")],
    expert: Annotated[
        list[str],
        typer.Option(
            help="Posteriors of the expert for a scene (indoor, natural, urban or outdoor), as SCENE=FILE. Repeatable."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The .parquet file of posteriors to write.", show_default=False)],
    mixture: Annotated[
        bool, typer.Option("--mixture", help="Weight all experts by the probability of their scene.")
    ] = False,
    column: ColumnOption = None,
    form: FormatOption = "table",
) -> None:
    """Take the posterior of each photo from the expert for its likeliest scene."""
    from whereshot.foundation import errors

    errors.require("torch", extra="torch")
    from whereshot.training import refine_run

    check_file(out, ".parquet")
    photos = _read_photos(records, column)
    experts = {name: Path(path) for name, path in pairs(expert, "--expert").items()}
    _write(refine_run.combine_experts(photos, experts, "mixture" if mixture else "likeliest"), photos, out, form)


def _read_photos(path: Path, column: list[str] | None) -> Records:
    """Read Records, with or without positions. From a table, rows without a position are left out."""
    from whereshot.photos.records import Records

    whole = path.is_dir() or path.suffix.lower() == ".parquet"
    return Records.read(path) if whole else read_records(path, column)


def _write(found: RowPosteriors, photos: Records, out: Path, form: ReportFormat) -> None:
    from whereshot.posterior import parquet

    ids = photos.strings("id")
    parquet.write(found.posterior, out, [ids[row] for row in found.rows])
    for error in found.errors.values():
        say(f"failed: {error}")
        some_failed()
    if form == "json":
        print_json({"photos": len(photos), "refined": len(found.rows), "failed": len(found.errors), "out": str(out)})
    else:
        print(f"{len(found.rows)} of {len(photos)} photos; wrote {out}")


@app.command("tracks")
def refine_tracks(
    inputs: Annotated[Path, typer.Argument(help="Records, or a table, with positions, times and users or albums.")],
    out: Annotated[Path, typer.Option(help="The .toml file to write, for locate --album-model.", show_default=False)],
    by: Annotated[
        str | None,
        typer.Option(
            help="Column that names the library of each photo; by default all are of one library.", show_default=False
        ),
    ] = None,
    window: Annotated[
        float, typer.Option(min=0.01, help="Longest time between two photos to compare, in hours.")
    ] = 12.0,
    column: ColumnOption = None,
    form: FormatOption = "table",
) -> None:
    """Learn how the distance between two photos depends on the time between them, for locate --album-model."""
    from whereshot.evidence.neighbours import AlbumModel

    check_file(out, ".toml")
    fitted = AlbumModel.fit(read_records(inputs, column), by, window)
    fitted.save(out)
    hours = (1 / 60, 1 / 6, 1.0, window)
    spreads = {f"{gap:.3g}": float(fitted.spread_km(gap)) for gap in hours}
    if form == "json":
        print_json({"pairs": fitted.pairs, "reliability": fitted.reliability, "spread_km_by_hours": spreads})
        return
    distances = ", ".join(f"{km:.3g} km after {gap} h" for gap, km in spreads.items())
    print(f"{fitted.pairs} pairs; half of the photos lie within {distances}; wrote {out}")
