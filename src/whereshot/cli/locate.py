"""Commands that answer for photos: locate and check."""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whereshot.cli.base import (
    DeviceOption,
    FormatOption,
    LevelOption,
    ModelOption,
    ReportFormat,
    TextOption,
    TopOption,
    WithinOption,
    check_file,
    finite,
    print_json,
    say,
    say_unread,
    some_failed,
)
from whereshot.foundation import output_files
from whereshot.foundation.errors import InputError, visible

if TYPE_CHECKING:
    from whereshot.earth import areas
    from whereshot.posterior.base import Posterior


class Format(enum.StrEnum):
    table = "table"
    json = "json"
    geojson = "geojson"
    csv = "csv"
    html = "html"


def locate(
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.", show_default=False)],
    model: ModelOption = None,
    top: TopOption = 5,
    within: WithinOption = None,
    level: LevelOption = 0.9,
    text: TextOption = True,
    use_exif: Annotated[bool, typer.Option("--use-exif", help="Let a recorded position answer.")] = False,
    hours: Annotated[
        Path | None, typer.Option(help="Weigh the hour of taking, by a file that hours fit wrote.", show_default=False)
    ] = None,
    album: Annotated[
        bool, typer.Option("--album", help="Let photos with a position speak for those taken shortly before and after.")
    ] = False,
    album_model: Annotated[
        Path | None,
        typer.Option(help="How far apart photos are by time: a file that refine tracks wrote.", show_default=False),
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="Only inside a country, a region of one (Bavaria), or a GeoJSON file's polygons.")
    ] = None,
    posterior: Annotated[Path | None, typer.Option(help="Write the whole distribution as Parquet.")] = None,
    form: Annotated[Format, typer.Option("--format")] = Format.table,
    out: Annotated[Path | None, typer.Option(help="Write the answer to a file.")] = None,
    device: DeviceOption = None,
) -> None:
    """Tell where photos were taken."""
    from whereshot.evidence.neighbours import AlbumModel
    from whereshot.evidence.time import HourModel
    from whereshot.foundation import progress
    from whereshot.locate import words
    from whereshot.locate.geolocator import Geolocator
    from whereshot.report import prediction_formats

    if posterior is not None and posterior.suffix != ".parquet":
        raise InputError(f"--posterior writes a .parquet file; got {posterior}")
    check_file(out)
    check_file(posterior)
    area = None if region is None else _read_area(region)
    hour_model = None if hours is None else HourModel.load(hours)
    beside = None if album_model is None else AlbumModel.load(album_model)
    if album and beside is None:
        beside = AlbumModel()
    pictures = _pictures(photos)
    locator = Geolocator.load(model, device)
    track = progress.bar if len(pictures) > 3 else progress.silent
    predictions, posteriors = [], []
    kept: list[tuple[list[str], Posterior]] = []
    each = locator.locate_each(
        [str(path) for path in pictures],
        within_km=within,
        level=level,
        top=top,
        region=area,
        text=text,
        use_exif=use_exif,
        hours=hour_model,
        album=beside,
        track=track,
    )
    for located in each:
        predictions.append(located.prediction)
        if posterior is not None and located.posterior is not None:
            kept.append(([located.prediction.id], located.posterior))
        drawn = located.posterior if form is Format.html else None
        posteriors.append(None if drawn is None else drawn.top(prediction_formats.PLACES_DRAWN))
    if posterior is not None and kept:
        _write_posterior(posterior, kept)
    elif posterior is not None:
        say(f"no photo could be read, so {posterior} was not written")
    if form is Format.json:
        answer = json.dumps(
            finite({"model": locator.name, "predictions": [p.to_json() for p in predictions]}),
            indent=1,
            ensure_ascii=False,
        )
    elif form is Format.geojson:
        answer = json.dumps(finite(prediction_formats.to_geojson(predictions)), ensure_ascii=False)
    elif form is Format.csv:
        answer = prediction_formats.to_csv(predictions).rstrip("\n")
    elif form is Format.html:
        answer = prediction_formats.to_html(predictions, posteriors, locator.name, [str(path) for path in pictures])
    else:
        answer = "\n\n".join(_in_words(prediction) for prediction in predictions)
    if form is not Format.json and locator.folder is None:
        say(words.PRIOR_NOTE)
    if out is None:
        print(answer)
    else:
        output_files.write_text(out, answer + "\n")
        say(f"wrote {out}")
    say_unread(photos)
    failed = [prediction for prediction in predictions if prediction.error is not None]
    if failed:
        some_failed()
        if form is not Format.table or out is not None:  # else they stand on the screen already
            for prediction in failed:
                say(f"failed: {prediction.error}")


def check(
    photo: Annotated[Path, typer.Argument(help="A photo.", show_default=False)],
    claim: Annotated[str, typer.Option(help="A town, a region, a country, or LAT,LON.", show_default=False)],
    model: ModelOption = None,
    text: TextOption = True,
    use_exif: Annotated[bool, typer.Option("--use-exif", help="Let a recorded position speak.")] = False,
    form: FormatOption = ReportFormat.table,
    device: DeviceOption = None,
) -> None:
    """Judge whether a claimed place is plausible for a photo."""
    from whereshot.locate import claim as claims
    from whereshot.locate import words
    from whereshot.locate.claimed_place import Claim
    from whereshot.locate.geolocator import Geolocator

    claimed = Claim.parse(claim)
    verdict = claims.check(Geolocator.load(model, device), photo, claimed, text=text, use_exif=use_exif)
    if form is ReportFormat.json:
        print_json(verdict.to_json())
    else:
        print("\n".join(map(visible, words.verdict_words(verdict))))


def _read_area(region: str) -> areas.Region:
    from whereshot.earth import areas  # what is not asked for is not imported: one photo is answered within a second

    return areas.read_area(region)


def _find(folder: Path) -> list[Path]:
    from whereshot.photos.sources import find_pictures

    return [picture for _, picture in find_pictures([folder])]


def _pictures(photos: list[Path]) -> list[Path]:
    """All photos named or found; a file that does not exist is that photo's failure, not the run's.

    Nor is an empty folder, where there is something else to answer.
    """
    found: list[Path] = []
    problems: list[InputError] = []
    for path in photos:
        try:
            found += _find(path) if path.is_dir() else [path]
        except InputError as error:
            problems.append(error)
    if not found:
        raise problems[0]
    for problem in problems:
        say(f"failed: {problem}")
        some_failed()
    return found


def _in_words(prediction: Any) -> str:
    from whereshot.locate import words

    lines = [visible(prediction.path), *("  " + visible(line) for line in words.in_words(prediction))]
    for number, candidate in enumerate(prediction.candidates, start=1):
        spot = f"{candidate.latitude:9.4f}, {candidate.longitude:9.4f}"
        lines.append(f"  {number}. {spot}  {words.percent(candidate.probability):>9}  {candidate.place}")
    return "\n".join(lines)


def _write_posterior(path: Path, kept: list[tuple[list[str], Posterior]]) -> None:
    import pyarrow as pa

    from whereshot.foundation.tables import write_parquet

    write_parquet(pa.concat_tables([part.to_table(ids) for ids, part in kept]), path)
    say(f"wrote {path}")
