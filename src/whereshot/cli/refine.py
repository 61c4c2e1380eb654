"""Commands that make posteriors better by what else is known of photos: refine fit, apply, switch, tracks."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whereshot.cli.base import (
    ColumnOption,
    DeviceOption,
    FormatOption,
    ReportFormat,
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

if TYPE_CHECKING:
    from whereshot.photos.records import Records
    from whereshot.training.refine_run import RowPosteriors

app = typer.Typer(
    no_args_is_help=True,
    help="Better posteriors by when photos were posted, and by the others of their user or album.",
    rich_markup_mode=None,
)


@app.command("fit")
def refine_fit(
    run: Annotated[Path, typer.Argument(help="A run file of a refiner.", show_default=False)],
    settings: SetOption = None,
    resume: Annotated[bool, typer.Option(help="Go on where a fit that was killed stopped.")] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace a refiner that stands in the way.")] = False,
    device: DeviceOption = None,
) -> None:
    """Fit a refiner from a run file, on photos that its base model never saw."""
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
    refiner: Annotated[Path, typer.Argument(help="A folder that refine fit wrote.", show_default=False)],
    records: Annotated[Path, typer.Argument(help="Records of the photos; positions are not looked at.")],
    out: Annotated[Path, typer.Option(help="The .parquet file of posteriors to write.", show_default=False)],
    posterior: Annotated[
        Path | None, typer.Option(help="What the base model found, as locate --posterior writes it.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="The base model; by default the one it was fitted for.")] = None,
    column: ColumnOption = None,
    form: FormatOption = ReportFormat.table,
    device: DeviceOption = None,
) -> None:
    """Refine what a base model says of photos; score it with: whereshot evaluate --posterior FILE --truth FILE."""
    from whereshot.foundation import errors, progress

    errors.require("torch", extra="torch")
    from whereshot.training import refine_run

    if posterior is not None and model is not None:
        raise InputError("give either --posterior or --model")
    _check_parquet(out)
    photos = _read_photos(records, column)
    found = refine_run.apply(refiner, photos, model=model, posterior=posterior, device=device, track=progress.bar)
    _write(found, photos, out, form)


@app.command("switch")
def refine_switch(
    records: Annotated[Path, typer.Argument(help="Records with scene_indoor, scene_natural, scene_urban.")],
    expert: Annotated[
        list[str], typer.Option(help="SCENE=FILE: posteriors by the expert for indoor, natural, urban or outdoor.")
    ],
    out: Annotated[Path, typer.Option(help="The .parquet file of posteriors to write.", show_default=False)],
    mixture: Annotated[bool, typer.Option("--mixture", help="Weigh all experts by the scenes' probabilities.")] = False,
    column: ColumnOption = None,
    form: FormatOption = ReportFormat.table,
) -> None:
    """Let the expert for each photo's likeliest scene answer, of posteriors that locate --posterior wrote."""
    from whereshot.foundation import errors

    errors.require("torch", extra="torch")
    from whereshot.training import refine_run

    _check_parquet(out)
    photos = _read_photos(records, column)
    experts = {name: Path(path) for name, path in pairs(expert, "--expert").items()}
    _write(refine_run.combine_experts(photos, experts, "mixture" if mixture else "likeliest"), photos, out, form)


def _check_parquet(out: Path) -> None:
    if out.suffix != ".parquet":
        raise InputError(f"--out names a .parquet file; got {out}")
    check_file(out)


def _read_photos(path: Path, column: list[str] | None) -> Records:
    """Records with or without positions; of a table, rows without one are left out."""
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
    if form is ReportFormat.json:
        print_json({"photos": len(photos), "refined": len(found.rows), "failed": len(found.errors), "out": str(out)})
    else:
        print(f"{len(found.rows)} of {len(photos)} photos; wrote {out}")


@app.command("tracks")
def refine_tracks(
    inputs: Annotated[Path, typer.Argument(help="Records, or a table, with positions, times and users or albums.")],
    out: Annotated[Path, typer.Option(help="The .toml file to write, for locate --album-model.", show_default=False)],
    by: Annotated[
        str | None, typer.Option(help="Column whose photos are of one library; by default all are.", show_default=False)
    ] = None,
    window: Annotated[float, typer.Option(min=0.01, help="Hours between photos beyond which they are alone.")] = 12.0,
    column: ColumnOption = None,
    form: FormatOption = ReportFormat.table,
) -> None:
    """Fit how far apart photos are by the time between them, for locate --album-model."""
    from whereshot.evidence.neighbours import AlbumModel

    if out.suffix != ".toml":
        raise InputError(f"--out names a .toml file; got {out}")
    check_file(out)
    fitted = AlbumModel.fit(read_records(inputs, column), by, window)
    fitted.save(out)
    hours = (1 / 60, 1 / 6, 1.0, window)
    spreads = {f"{gap:.3g}": float(fitted.spread_km(gap)) for gap in hours}
    if form is ReportFormat.json:
        print_json({"pairs": fitted.pairs, "reliability": fitted.reliability, "spread_km_by_hours": spreads})
        return
    told = ", ".join(f"{km:.3g} km after {gap} h" for gap, km in spreads.items())
    print(f"{fitted.pairs} pairs; half of the photos lie within {told}; wrote {out}")
