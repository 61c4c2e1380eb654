"""The command line: one command per stage, no logic of its own.

Answers go to stdout, progress and remarks to stderr. Exit 0 when all went well, 1 when some photos failed, 2 on a
usage or input error, which is one line.
"""

from __future__ import annotations

import enum
import errno
import io
import json
import math
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from whereshot.errors import InputError, OutputError, WhereshotError, nearest_name

if TYPE_CHECKING:
    from whereshot.posterior import Posterior
    from whereshot.records import Records

app = typer.Typer(
    name="whereshot",
    help="Tells where a photo was taken, with an honest probability map.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
cells_app = typer.Typer(no_args_is_help=True, help="Divide the Earth into cells.", rich_markup_mode=None)
models_app = typer.Typer(no_args_is_help=True, help="Models on this machine.", rich_markup_mode=None)
app.add_typer(cells_app, name="cells")
app.add_typer(models_app, name="models")


class Format(enum.StrEnum):
    table = "table"
    json = "json"
    geojson = "geojson"
    csv = "csv"
    html = "html"


class ReportFormat(enum.StrEnum):
    table = "table"
    json = "json"


FormatOption = Annotated[ReportFormat, typer.Option("--format", help="table for people, json for programs.")]
ColumnOption = Annotated[list[str] | None, typer.Option("--column", help="Name a column, as latitude=LAT. Repeatable.")]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="A setting, as key=value. Repeatable.")]
ModelOption = Annotated[str | None, typer.Option("--model", help="A model folder; without one only the prior answers.")]
DeviceOption = Annotated[str | None, typer.Option("--device", help="cpu, cuda, cuda:1, ...")]


def main() -> NoReturn:
    """Run a command; an error of the user's becomes one line on stderr and exit 2."""
    global _exit_code
    _exit_code = 0
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may be no text
    try:
        stopped = app(standalone_mode=False)  # the exit code of help (0) and of Ctrl-C (130)
        sys.stdout.flush()
    except WhereshotError as error:
        _fail(str(error))
    except (typer.Abort, KeyboardInterrupt):  # versions of typer make either of Ctrl-C
        sys.exit(130)
    except BrokenPipeError:
        _reader_left()
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # typer makes of it exit 1, which is for failed photos
            _reader_left()
        raise
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        sys.stdout = None  # what it still holds cannot be written either
        _fail(f"the output cannot be written ({error.strerror})")
    except Exception as error:
        show = getattr(error, "format_message", None)  # typer's own usage errors
        if show is None:
            raise
        if show().startswith("Usage:"):  # a group of commands without a command: its help
            print(show(), file=sys.stderr)
            sys.exit(2)
        _fail(show())
    sys.exit(stopped or _exit_code)


_exit_code = 0


def _reader_left() -> NoReturn:
    """As with ``| head -1``: there is nothing to complain about."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)


def _some_failed() -> None:
    global _exit_code
    _exit_code = 1


def _fail(message: str) -> NoReturn:
    print("whereshot: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(2)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _print_json(document: Any) -> None:
    print(json.dumps(_finite(document), indent=1, ensure_ascii=False, default=str))


def _finite(value: Any) -> Any:
    """The document without NaN and infinity, which are no JSON."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return value


def _pairs(texts: Sequence[str] | None, option: str) -> dict[str, str]:
    pairs = {}
    for text in texts or ():
        key, sign, value = text.partition("=")
        if not sign or not key or not value:
            raise InputError(f"{option} takes name=value; got {text!r}")
        pairs[key.strip()] = value.strip()
    return pairs


def _write_text(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", errors="backslashreplace")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error


def _check_writable(path: Path | None) -> None:
    """Fail before the work, not after it, where an output cannot be written."""
    if path is None:
        return
    if path.is_dir():
        raise OutputError(f"{path}: a folder; name a file")
    folder = next(parent for parent in [path.parent, *path.parent.parents] if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise OutputError(f"{path}: cannot be written ({folder} is not a folder that may be written to)")


@app.command()
def locate(
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.", show_default=False)],
    model: ModelOption = None,
    top: Annotated[int, typer.Option(min=1, help="How many likely places to list.")] = 5,
    within: Annotated[
        float | None, typer.Option(help="Decide to be right within so many km.", show_default=False)
    ] = None,
    level: Annotated[float, typer.Option(help="What the circle holds.")] = 0.9,
    text: Annotated[bool, typer.Option("--text/--no-text", help="Read signs in the picture.")] = True,
    use_exif: Annotated[bool, typer.Option("--use-exif", help="Let a recorded position answer.")] = False,
    region: Annotated[str | None, typer.Option(help="Only inside a country, or a GeoJSON file's polygons.")] = None,
    posterior: Annotated[Path | None, typer.Option(help="Write the whole distribution as Parquet.")] = None,
    form: Annotated[Format, typer.Option("--format")] = Format.table,
    out: Annotated[Path | None, typer.Option(help="Write the answer to a file.")] = None,
    device: DeviceOption = None,
) -> None:
    """Tell where photos were taken."""
    from whereshot import places, progress, report
    from whereshot.geolocator import PRIOR, Geolocator
    from whereshot.sources import find_pictures

    if posterior is not None and posterior.suffix != ".parquet":
        raise InputError(f"--posterior writes a .parquet file; got {posterior}")
    _check_writable(out)
    _check_writable(posterior)
    area = None if region is None else places.read_region(region)
    pictures = _pictures(photos, find_pictures)
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
        track=track,
    )
    for located in each:
        predictions.append(located.prediction)
        if posterior is not None and located.posterior is not None:
            kept.append(([located.prediction.id], located.posterior))
        drawn = form is Format.html and located.posterior is not None
        posteriors.append(located.posterior.top(report.PLACES_DRAWN) if drawn else None)
    if posterior is not None and kept:
        _write_posterior(posterior, kept)
    elif posterior is not None:
        _say(f"no photo could be read, so {posterior} was not written")
    if form is Format.json:
        answer = json.dumps(
            _finite({"model": locator.name, "predictions": [p.to_json() for p in predictions]}),
            indent=1,
            ensure_ascii=False,
        )
    elif form is Format.geojson:
        answer = json.dumps(_finite(report.to_geojson(predictions)), ensure_ascii=False)
    elif form is Format.csv:
        answer = report.to_csv(predictions).rstrip("\n")
    elif form is Format.html:
        answer = report.to_html(predictions, posteriors, locator.name, [str(path) for path in pictures])
    else:
        answer = "\n\n".join(_in_words(prediction) for prediction in predictions)
    if form is not Format.json and locator.name == PRIOR:
        _say(report.PRIOR_NOTE)
    if out is None:
        print(answer)
    else:
        _write_text(out, answer + "\n")
        _say(f"wrote {out}")
    failed = [prediction for prediction in predictions if prediction.error is not None]
    if failed:
        for prediction in failed:
            _say(f"failed: {prediction.error}")
        _some_failed()


@app.command()
def check(
    photo: Annotated[Path, typer.Argument(help="A photo.", show_default=False)],
    claim: Annotated[str, typer.Option(help="A town, a country, or LAT,LON.", show_default=False)],
    model: ModelOption = None,
    text: Annotated[bool, typer.Option("--text/--no-text", help="Read signs in the picture.")] = True,
    form: FormatOption = ReportFormat.table,
    device: DeviceOption = None,
) -> None:
    """Judge whether a claimed place is plausible for a photo."""
    from whereshot import claim as claims
    from whereshot import report
    from whereshot.geolocator import Geolocator

    claimed = claims.Claim.parse(claim)
    verdict = claims.check(Geolocator.load(model, device), photo, claimed, text=text)
    if form is ReportFormat.json:
        _print_json(verdict.to_json())
    else:
        print("\n".join(report.verdict_words(verdict)))


def _pictures(photos: list[Path], find_pictures: Any) -> list[Path]:
    """All photos named or found; a file that does not exist is that photo's failure, not the run's.

    Nor is an empty folder, where there is something else to answer.
    """
    found: list[Path] = []
    problems: list[InputError] = []
    for path in photos:
        try:
            found += [picture for _, picture in find_pictures([path])] if path.is_dir() else [path]
        except InputError as error:
            problems.append(error)
    if not found:
        raise problems[0]
    for problem in problems:
        _say(f"failed: {problem}")
        _some_failed()
    return found


def _in_words(prediction: Any) -> str:
    from whereshot import report

    lines = [prediction.path, *("  " + line for line in report.in_words(prediction))]
    for number, candidate in enumerate(prediction.candidates, start=1):
        spot = f"{candidate.latitude:9.4f}, {candidate.longitude:9.4f}"
        lines.append(f"  {number}. {spot}  {report.percent(candidate.probability):>9}  {candidate.place}")
    return "\n".join(lines)


def _write_posterior(path: Path, kept: list[tuple[list[str], Posterior]]) -> None:
    import pyarrow as pa

    from whereshot.records import write_parquet

    write_parquet(pa.concat_tables([part.to_table(ids) for ids, part in kept]), path)
    _say(f"wrote {path}")


@app.command()
def ingest(
    source: Annotated[str, typer.Argument(help="folder or table.")],
    inputs: Annotated[list[Path], typer.Argument(help="Folders or tables.", show_default=False)],
    out: Annotated[Path, typer.Option(help="A folder of Parquet shards, or one .parquet file.", show_default=False)],
    column: ColumnOption = None,
    form: FormatOption = ReportFormat.table,
) -> None:
    """Make records of photos with positions; what cannot be used goes to rejects/ with its reason."""
    from whereshot import progress
    from whereshot.records import count_reasons, rejects_path, write_parquet
    from whereshot.sources import SOURCES

    if source not in SOURCES:
        raise InputError(f"no source {source!r}; {nearest_name(source, SOURCES)}")
    _check_folder(out)
    started = time.perf_counter()
    ingested = SOURCES[source](inputs, _pairs(column, "--column"), progress.bar)
    reasons = count_reasons(ingested.rejects)
    if len(ingested.rejects):
        write_parquet(ingested.rejects, rejects_path(out))
    else:
        rejects_path(out).unlink(missing_ok=True)
    for note in ingested.notes:
        _say(note)
    if len(ingested.records) == 0:
        listed = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
        raise InputError(f"none of {ingested.rows} rows can be used: {listed}; see {rejects_path(out)}")
    ingested.records.write(out)
    document = {
        "rows": ingested.rows,
        "kept": len(ingested.records),
        "rejected": reasons,
        "seconds": round(time.perf_counter() - started, 3),
    }
    if form is ReportFormat.json:
        _print_json(document)
        return
    print(f"{document['kept']} of {document['rows']} kept in {out} ({document['seconds']:.1f} s)")
    for reason, count in reasons.items():
        print(f"  rejected: {count} {reason}")
    if reasons:
        print(f"  listed in {rejects_path(out)}")


def _check_folder(out: Path) -> None:
    """Where records go must be a folder, or a .parquet file in one."""
    if out.suffix == ".parquet":
        _check_writable(out)
    elif out.exists() and not out.is_dir():
        raise OutputError(f"{out}: a file is in the way; name a folder or a .parquet file")
    else:
        _check_writable(out / "part-00000.parquet")


def _records(path: Path, column: list[str] | None) -> Records:
    """Records as they are, or any table with positions; a table is what --column names columns of."""
    from whereshot import progress
    from whereshot.records import Records
    from whereshot.sources import SOURCES

    if path.is_file() and (column or path.suffix.lower() != ".parquet"):
        ingested = SOURCES["table"]([path], _pairs(column, "--column"), progress.silent)
        records, lost = ingested.records, len(ingested.rejects)
    else:
        records = Records.read(path)
        lost = int((~records.has_position).sum())
        records = records[records.has_position]
    if lost:
        _say(f"{path}: {lost} of {len(records) + lost} rows have no usable position and are left out")
    return records


@cells_app.command("build")
def cells_build(
    inputs: Annotated[list[Path], typer.Argument(help="Records, or tables with positions.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The .parquet file to write.", show_default=False)],
    kind: Annotated[str, typer.Option(help="Kind of partition.")] = "s2",
    settings: SetOption = None,
    column: ColumnOption = None,
    form: FormatOption = ReportFormat.table,
) -> None:
    """Build a partition of the Earth from where photos were taken."""
    import numpy as np

    from whereshot import config, partition

    if out.suffix != ".parquet":
        raise InputError(f"--out names a .parquet file; got {out}")
    _check_writable(out)
    given = {key: config.toml_value(value) for key, value in _pairs(settings, "--set").items()}
    records = [_records(path, column) for path in inputs]
    points = np.concatenate([part.points for part in records])
    started = time.perf_counter()
    built = partition.build(kind, points, given)
    seconds = time.perf_counter() - started
    built.save(out)
    document = {
        "kind": kind,
        "cells": len(built),
        "photos": len(points),
        "photos_kept": int(built.counts.sum()),
        "seconds": round(seconds, 3),
    }
    if form is ReportFormat.json:
        _print_json(document)
    else:
        print(
            f"{len(built)} cells hold {document['photos_kept']} of {len(points)} photos; wrote {out} ({seconds:.2f} s)"
        )


@app.command()
def train(
    run: Annotated[Path, typer.Argument(help="A run file.", show_default=False)],
    settings: SetOption = None,
    resume: Annotated[bool, typer.Option(help="Go on where a run that was killed stopped.")] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace a model that stands in the way.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that compute features.")] = None,
    device: DeviceOption = None,
) -> None:
    """Train a model from a run file into a model folder."""
    from whereshot import config, errors, progress

    errors.require("torch", extra="torch")
    from whereshot import train as training

    settled = config.load(run, training.Run, settings or ())
    started = time.perf_counter()
    folder = training.train(
        settled, resume=resume, overwrite=overwrite, device=device, workers=workers, track=progress.bar, say=_say
    )
    print(f"{folder} ({time.perf_counter() - started:.0f} s)")


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="A model folder, or prior.")],
    records: Annotated[Path, typer.Argument(help="Records, or a table with positions and images.")],
    report: Annotated[Path | None, typer.Option(help="Also write report.md and report.json here.")] = None,
    within: Annotated[
        float | None, typer.Option(help="Decide to be right within so many km.", show_default=False)
    ] = None,
    column: ColumnOption = None,
    form: FormatOption = ReportFormat.table,
    device: DeviceOption = None,
) -> None:
    """Score a model on photos whose positions are known, beside its parts and plain baselines."""
    from whereshot import progress, trial
    from whereshot import report as reporting
    from whereshot.geolocator import Geolocator

    if report is not None:
        _check_writable(report / "report.md")
    locator = Geolocator.load(model, device)
    result = trial.try_model(locator, _records(records, column), within_km=within, track=progress.bar)
    document = result.to_json()
    if report is not None:
        _write_text(report / "report.md", reporting.to_markdown(result))
        _write_text(report / "report.json", json.dumps(_finite(document), indent=1) + "\n")
        _say(f"wrote {report / 'report.md'}")
    if form is ReportFormat.json:
        _print_json(document)
    else:
        print(reporting.to_markdown(result), end="")
    if document["failed"]:
        _say(f"{document['failed']} of {document['photos']} photos could not be read and count as misses")
        _some_failed()


@models_app.command("list")
def models_list(
    folder: Annotated[Path | None, typer.Argument(help="Where to look; by default the user's model folder.")] = None,
    form: FormatOption = ReportFormat.table,
) -> None:
    """List the models in a folder, and the prior."""
    from whereshot import checkpoint

    place = folder or _user_models()
    if folder is not None and not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    candidates = sorted(path for path in place.iterdir() if checkpoint.is_model(path)) if place.is_dir() else []
    rows = [{"name": "prior", "path": None, "photos": None, "backbone": None}]
    for path in candidates:
        try:
            described = checkpoint.ModelFolder(path).description
        except WhereshotError as error:
            _say(f"left out: {error}")
            _some_failed()
            continue
        rows.append(
            {
                "name": described.name,
                "path": str(path),
                "photos": described.training.get("photos"),
                "backbone": described.backbone.name,
            }
        )
    if form is ReportFormat.json:
        _print_json({"models": rows})
        return
    for row in rows:
        print(f"{row['name']:20} {row['path'] or 'built in: where photos are taken at all'}")


def _user_models() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "whereshot" / "models"


@models_app.command("show")
def models_show(
    model: Annotated[Path, typer.Argument(help="A model folder.")], form: FormatOption = ReportFormat.table
) -> None:
    """Describe a model and check its files."""
    from whereshot import checkpoint

    folder = checkpoint.ModelFolder(model)
    if form is ReportFormat.json:
        _print_json(folder.description.model_dump(mode="json") | {"cells": list(folder.hierarchy.sizes)})
    else:
        print((folder.path / "README.md").read_text("utf-8"), end="")


@models_app.command("get")
def models_get(name: Annotated[str, typer.Argument(help="A model's name.")]) -> None:
    """Fetch a model by name; none is published yet."""
    raise InputError(f"no model is published under the name {name!r} yet; train one with: whereshot train RUN.toml")


if __name__ == "__main__":
    main()
