"""Commands that answer for photos: locate and check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whereshot.cli.base import (
    DeviceOption,
    FormatOption,
    LevelOption,
    ModelOption,
    OutFileOption,
    PhotoArgument,
    ReaderOption,
    TextOption,
    TopOption,
    UseExifOption,
    WithinOption,
    check_file,
    print_answer,
    say,
    say_unread,
    some_failed,
)
from whereshot.evidence.foreign_lines import TESSERACT
from whereshot.foundation.errors import InputError
from whereshot.locate.options import LocateOptions
from whereshot.report import answer_formats
from whereshot.report.answer_formats import LocatedPhotos, PredictionFormat

if TYPE_CHECKING:
    from whereshot.earth import areas
    from whereshot.locate.prediction import Prediction
    from whereshot.photos.unread_files import UnreadFiles


HoursOption = Annotated[
    Path | None,
    typer.Option(help="File of whereshot hours fit, to use the hour of the photo.", show_default=False),
]
AlbumOption = Annotated[
    bool, typer.Option("--album", help="Use the positions of photos that were taken shortly before and after.")
]
AlbumModelOption = Annotated[
    Path | None,
    typer.Option(help="File of whereshot refine tracks: distance between photos by time.", show_default=False),
]
RegionOption = Annotated[
    str | None,
    typer.Option(help="Only area to answer in: a country, a region of a country (Bavaria), or a GeoJSON file."),
]


def locate(
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.", show_default=False)],
    model: ModelOption = None,
    top: TopOption = LocateOptions.top,
    within: WithinOption = LocateOptions.within_km,
    level: LevelOption = LocateOptions.level,
    text: TextOption = LocateOptions.text,
    reader: ReaderOption = LocateOptions.reader,
    use_exif: UseExifOption = LocateOptions.use_exif,
    hours: HoursOption = None,
    album: AlbumOption = False,
    album_model: AlbumModelOption = None,
    region: RegionOption = None,
    all_evidence: Annotated[
        bool, typer.Option("--all-evidence", help="Also print evidence that did not move the answer.")
    ] = False,
    posterior: Annotated[Path | None, typer.Option(help="Parquet file to write the whole distribution to.")] = None,
    form: Annotated[PredictionFormat, typer.Option("--format", help="Format of the answer.")] = "table",
    out: OutFileOption = None,
    device: DeviceOption = None,
) -> None:
    """Find where photos were taken."""
    from whereshot.evidence.neighbours import AlbumModel
    from whereshot.evidence.time import HourModel
    from whereshot.foundation import progress
    from whereshot.locate.geolocator import Geolocator
    from whereshot.photos.unread_files import UnreadFiles

    _check_outputs(out, posterior)
    neighbours = AlbumModel() if album else None
    options = LocateOptions(
        within_km=within,
        level=level,
        top=top,
        region=None if region is None else _read_area(region),
        text=text,
        reader=reader,
        use_exif=use_exif,
        hours=None if hours is None else HourModel.load(hours),
        album=neighbours if album_model is None else AlbumModel.load(album_model),
    )
    unread = UnreadFiles()
    paths = [str(path) for path in _pictures(photos, unread)]
    locator = Geolocator.load(model, device)
    located = locator.locate_each(paths, options, track=progress.bar if len(paths) > 3 else progress.silent)
    answers = answer_formats.collect(located, locator.model, paths, form, posterior)
    answers = replace(answers, all_evidence=all_evidence)
    failed = [prediction for prediction in answers.predictions if prediction.error is not None]
    if posterior is not None:
        none = len(failed) == len(paths)
        say(f"no photo could be read, so {posterior} was not written" if none else f"wrote {posterior}")
    _print_answers(answers, form, out)
    say_unread(unread)
    if reader == TESSERACT:
        _say_missing_data(answers)
    if failed:
        some_failed()
    if form != "table" or out is not None:  # the table on the screen already has the errors
        _say_failed(failed)


def _check_outputs(out: Path | None, posterior: Path | None) -> None:
    """Check before the work that the answer and the posteriors can be written. Raises InputError and OutputError."""
    if posterior is not None and posterior.suffix != ".parquet":
        raise InputError(f"--posterior writes a .parquet file; got {posterior}")
    check_file(out)
    check_file(posterior)


def _print_answers(answers: LocatedPhotos, form: PredictionFormat, out: Path | None) -> None:
    """Print the answers, or write them to a file; remark on stderr on a model that looks at no picture."""
    from whereshot.foundation import progress

    with progress.waiting("writing the answers"):
        answer = answer_formats.PREDICTION_WRITERS[form](answers)
    if form != "json" and answers.remark is not None:
        say(answers.remark)
    print_answer(answer, out, is_words=form == "table")


def _say_failed(failed: Sequence[Prediction]) -> None:
    """Report why each of these photos has no answer."""
    for prediction in failed:
        say(f"failed: {prediction.error}")


def _say_missing_data(answers: LocatedPhotos) -> None:
    """Report which data tesseract lacks for writing that was seen and not read."""
    from whereshot.evidence import tesseract

    hint = tesseract.install_hint([seen.script for one in answers.predictions for seen in one.unread_scripts])
    if hint is not None:
        say(hint)


def check(
    photo: PhotoArgument,
    claim: Annotated[
        str, typer.Option(help="Claimed place: a town, a region, a country, or LAT,LON.", show_default=False)
    ],
    model: ModelOption = None,
    text: TextOption = LocateOptions.text,
    reader: ReaderOption = LocateOptions.reader,
    use_exif: UseExifOption = LocateOptions.use_exif,
    form: FormatOption = "table",
    device: DeviceOption = None,
) -> None:
    """Judge whether a claimed place is plausible for a photo."""
    from whereshot.locate import claim as claims
    from whereshot.locate.claimed_place import Claim
    from whereshot.locate.geolocator import Geolocator

    claimed = Claim.parse(claim)
    options = LocateOptions(text=text, use_exif=use_exif, reader=reader)
    verdict = claims.check(Geolocator.load(model, device), photo, claimed, options)
    print_answer(answer_formats.VERDICT_WRITERS[form](verdict), None, is_words=form == "table")


def _read_area(region: str) -> areas.Region:
    """Read the area that answers must lie in, and report what else its name means.

    The modules are imported here because only ``--region`` needs them.
    """
    from whereshot.earth import areas
    from whereshot.locate import claim_readings

    area = areas.read_area(region)
    others = claim_readings.other_meanings(region) if area.codes else ""
    if others:
        say(f"--region {region} is read as {area.name}; it may also mean {others}")
    return area


def _find(folder: Path, unread: UnreadFiles) -> list[Path]:
    """Return all pictures of a folder; ``unread`` takes the other files. Raises InputError where there are none."""
    from whereshot.photos.sources import find_pictures

    return [picture for _, picture in find_pictures([folder], unread)]


def _pictures(photos: list[Path], unread: UnreadFiles) -> list[Path]:
    """Return the photos that the user named, and all photos of the folders.

    A missing file stays in the list: only this photo fails. An empty folder is reported, and fails the run only where
    there is no other photo.
    """
    found: list[Path] = []
    problems: list[InputError] = []
    for path in photos:
        try:
            found += _find(path, unread) if path.is_dir() else [path]
        except InputError as error:
            problems.append(error)
    if not found:
        raise problems[0]
    for problem in problems:
        say(f"failed: {problem}")
        some_failed()
    return found
