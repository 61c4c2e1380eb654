"""Commands on how good answers are: evaluate, calibrate."""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whereshot.cli.base import (
    ColumnOption,
    DeviceOption,
    FormatOption,
    IncludeLearnedOption,
    ReportFormat,
    WithinOption,
    check_file,
    check_folder,
    finite,
    pairs,
    print_json,
    read_records,
    say,
    some_failed,
)
from whereshot.foundation import output_files
from whereshot.foundation.errors import InputError

if TYPE_CHECKING:
    from whereshot.evaluate import Answers, Protocol, Report, Truth
    from whereshot.evaluate.tables import Problems
    from whereshot.locate.geolocator import Geolocator
    from whereshot.models.learned_photos import Sifted


class Distance(enum.StrEnum):
    haversine = "haversine"
    geodesic = "geodesic"


class Threshold(enum.StrEnum):
    le = "le"
    lt = "lt"


class Track(enum.StrEnum):
    image = "image"
    gallery = "gallery"
    text = "text"
    metadata = "metadata"


ModelArgument = Annotated[str | None, typer.Argument(help="A model folder, or prior.")]
RecordsArgument = Annotated[Path | None, typer.Argument(help="Records, or a table with positions and images.")]
PredictionsOption = Annotated[
    list[str] | None,
    typer.Option(help="Anyone's predictions: FILE or NAME=FILE (CSV, Parquet, JSON lines). Repeatable."),
]
TruthOption = Annotated[Path | None, typer.Option(help="The true positions of the predicted photos.")]
PosteriorOption = Annotated[
    list[str] | None,
    typer.Option(help="Whole distributions, as locate --posterior writes them: FILE or NAME=FILE. Repeatable."),
]
TruthColumnOption = Annotated[
    list[str] | None, typer.Option("--truth-column", help="Name a column of the truth, as id=KEY. Repeatable.")
]
ClusterOption = Annotated[
    str | None, typer.Option(help="Column whose photos the bootstrap draws together; by default group or user.")
]


def evaluate(
    model: ModelArgument = None,
    records: RecordsArgument = None,
    beside: Annotated[list[str] | None, typer.Option(help="Another model to compare with. Repeatable.")] = None,
    predictions: PredictionsOption = None,
    truth: TruthOption = None,
    posterior: PosteriorOption = None,
    calibration: Annotated[
        Path | None, typer.Option(help="Correct the files' circles by what calibrate wrote.")
    ] = None,
    column: ColumnOption = None,
    truth_column: TruthColumnOption = None,
    cluster: ClusterOption = None,
    radius: Annotated[
        float | None, typer.Option(help="Radius of the Earth in km; published: 6371, 6372.795, 6378.137.")
    ] = None,
    distance: Annotated[Distance, typer.Option(help="On the sphere, or on the ellipsoid WGS84.")] = Distance.haversine,
    threshold: Annotated[Threshold, typer.Option(help="Whether the very distance counts.")] = Threshold.le,
    geoscore_rounded: Annotated[bool, typer.Option(help="Round each photo's GeoScore, as PIGEON does.")] = False,
    draws: Annotated[int, typer.Option(min=1, help="Bootstrap draws.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of what is drawn at random.")] = 0,
    cell_level: Annotated[int, typer.Option(help="S2 level of macro averages and frequencies.")] = 4,
    report: Annotated[
        Path | None, typer.Option(help="Also write report.html with figures, report.md and report.json here.")
    ] = None,
    latex: Annotated[bool, typer.Option("--latex", help="With --report: report.tex, tables to paste.")] = False,
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails", help="With --report: show the worst and best photos small.")
    ] = False,
    benchmark: Annotated[
        str | None, typer.Option(help="Check that the photos are those of im2gps, im2gps3k, yfcc4k, yfcc26k or osv5m.")
    ] = None,
    track: Annotated[
        Track | None, typer.Option(help="What the method uses besides the photo itself; printed in the protocol.")
    ] = None,
    audit: Annotated[
        Path | None, typer.Option(help="What whereshot audit found, audit.json; its line goes into the protocol.")
    ] = None,
    problems: Annotated[Path | None, typer.Option(help="Write all faulty rows and misses as CSV.")] = None,
    within: WithinOption = None,
    include_learned: IncludeLearnedOption = False,
    form: FormatOption = ReportFormat.table,
    device: DeviceOption = None,
) -> None:
    """Score a model on photos whose positions are known, or anyone's predictions: MODEL RECORDS, or --predictions FILE
    --truth FILE."""
    from dataclasses import replace

    from whereshot.evaluate import DEFAULT, Protocol
    from whereshot.photos.curate.audit import read_line
    from whereshot.photos.test_sets import TRACKS, find
    from whereshot.report import scorecard

    published = None if benchmark is None else find(benchmark)
    audited = {} if audit is None else {"audit": read_line(audit)}
    if report is None and (latex or thumbnails):
        raise InputError(f"--{'latex' if latex else 'thumbnails'} goes with --report DIR")
    protocol = Protocol(
        radius_km=DEFAULT.radius_km if radius is None else radius,
        distance=distance.value,
        threshold=threshold.value,
        geoscore_rounded=geoscore_rounded,
        draws=draws,
        seed=seed,
        cell_level=cell_level,
    )
    check_folder(report)
    check_file(problems)
    training, checked, learned = None, "", None
    if predictions or posterior:
        _no_model(model, records, beside, include_learned)
        known, answers, found = _read_files(predictions or (), posterior or (), truth, column, truth_column, cluster)
        if published is not None:
            checked = published.check(known.known_ids.tolist())
        result = _of_files(known, answers, found, protocol, calibration)
    else:
        if model is None or records is None:
            raise InputError("evaluate takes MODEL RECORDS, or --predictions FILE --truth FILE")
        if calibration is not None:
            raise InputError("--calibration corrects --posterior or --predictions; a model is calibrated when trained")
        if truth is not None and published is None:
            raise InputError("--truth goes with --predictions or --posterior; a model is scored on RECORDS")
        photos = read_records(records, column)
        if published is not None:
            if truth is not None:
                photos = published.complete(photos, read_records(truth, truth_column))
            checked = published.check(photos.table["id"].to_pylist())
        locators = _load([model, *(beside or ())], device)
        result, learned = _of_models(locators, photos, include_learned, within, protocol, cluster)
        training = None if locators[0].folder is None else locators[0].folder.training_points()
        say(f"{records}: {learned.in_words()}")
        found = _missed(result, records)
    used = track.value if track is not None else result.protocol.get("track")
    told = {"track": "not stated (--track)" if used is None else f"{used}: {TRACKS[used]}"}
    told |= {} if published is None else {"benchmark": f"{published.title}, {checked}"}
    told |= {} if learned is None else {"learned photos": learned.in_words()}
    result = replace(result, protocol=result.protocol | told | audited)
    document = result.to_json()
    if learned is not None:
        document["learned_photos"] = learned.to_json()
    if published is not None:
        document["benchmark"] = published.to_json(used or "not stated", checked)
    if report is not None:
        beside_them = truth or records
        base = beside_them.absolute().parent if thumbnails and beside_them is not None else None
        sections = scorecard.sections(result, benchmark=published, training=training, thumbnails=base)
        files = {"report.md": scorecard.to_markdown(result, sections, published)}
        files["report.json"] = json.dumps(finite(document), indent=1) + "\n"
        files["report.html"] = scorecard.to_html(result, sections)
        files |= {"report.tex": scorecard.to_latex(result, sections)} if latex else {}
        files |= {"missing.csv": found.to_csv(missed_only=True)} if published is not None else {}
        with output_files.new_files(report) as folder:
            for name, text in files.items():
                output_files.write_text(folder / name, text)
        say(f"wrote {report}: {', '.join(files)}")
    if problems is not None:
        output_files.write_text(problems, found.to_csv())
        say(f"wrote {problems}: {len(found.rows)} rows")
    if form is ReportFormat.json:
        print_json(document)
    else:
        print(scorecard.summary(result, published), end="")
    for note in result.notes:
        say(note)
    if document["failed"]:
        what = "have no usable answer" if predictions or posterior else "could not be read"
        say(f"{document['failed']} of {document['photos']} photos {what} and count as misses")
        some_failed()


def _no_model(model: str | None, records: Path | None, beside: Any, include_learned: bool) -> None:
    if include_learned:
        raise InputError(
            "--include-learned goes with a model; what anyone's predictions were learned from is not known"
        )
    if model is not None or records is not None or beside:
        raise InputError("give either a model or --predictions and --posterior, not both")


def _load(models: Sequence[str], device: str | None) -> list[Geolocator]:
    from whereshot.locate.geolocator import Geolocator

    return [Geolocator.load(name, device) for name in models]


def _of_models(
    locators: Sequence[Geolocator],
    records: Any,
    include_learned: bool,
    within: float | None,
    protocol: Any,
    cluster: str | None,
) -> tuple[Report, Sifted]:
    """The models' scores, and how many of the photos they learned from."""
    from whereshot import evaluate as scoring
    from whereshot.evaluate import known_photos
    from whereshot.foundation import progress

    results, learned = known_photos.try_models(
        locators,
        records,
        include_learned=include_learned,
        within_km=within,
        protocol=protocol,
        cluster=cluster,
        track=progress.bar,
    )
    return results[0] if len(results) == 1 else scoring.merge_reports(results), learned


def _missed(result: Report, records: Path) -> Problems:
    """The photos that no model could read."""
    from whereshot.evaluate.tables import MISS, Problem, Problems

    scored = result.rows[0].kept
    ids, images = scored.truth.known_ids, scored.truth.images
    return Problems(
        [
            Problem(records.name, None, ids[at], "no picture" if images is None or not images[at] else "not read", MISS)
            for at in scored.failed.nonzero()[0]
        ]
    )


def _named(texts: Sequence[str]) -> dict[str, Path]:
    """NAME=FILE, or FILE, which is named by itself."""
    found: dict[str, Path] = {}
    for text in texts:
        name, sign, file = text.partition("=")
        path = Path(file) if sign and not Path(text).exists() else Path(text)
        name = name if sign and path != Path(text) else path.stem
        if name in found:
            raise InputError(f"two files are called {name!r}; give them names as NAME=FILE")
        found[name] = path
    return found


def _read_files(
    predictions: Sequence[str],
    posterior: Sequence[str],
    truth: Path | None,
    column: list[str] | None,
    truth_column: list[str] | None,
    cluster: str | None,
) -> tuple[Truth, list[Answers], Problems]:
    from whereshot.evaluate import tables

    if truth is None:
        raise InputError("predictions are scored against the true positions: give --truth FILE")
    problems = tables.Problems()
    known = tables.read_truth(truth, pairs(truth_column, "--truth-column"), cluster, problems)
    files, spread = _named(predictions), _named(posterior)
    if len(files) == len(spread) == 1:  # they belong together, whatever they are called
        spread = dict(zip(files, spread.values(), strict=True))
    answers = []
    for name in {**files, **spread}:
        own: Answers | None = None
        if name in files:
            own = tables.read_answers(files[name], known, pairs(column, "--column"), name, problems)
        if name in spread:
            own = tables.read_posterior(spread[name], known, own, name, problems)
        if own is not None:
            answers.append(own)
    return known, answers, problems


def _of_files(
    truth: Truth, answers: list[Answers], problems: Problems, protocol: Protocol, calibration: Path | None
) -> Report:
    from dataclasses import replace

    from whereshot import evaluate as scoring

    if calibration is not None:
        from whereshot.evaluate import recalibrate

        try:
            document = json.loads(calibration.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{calibration}: cannot be read as JSON ({error})") from error
        answers = [recalibrate.apply(document, own, truth) for own in answers]
    rows = [scoring.score(own, truth, protocol) for own in answers]
    told = {"photos": len(truth), "failed": rows[0].failed, "bootstrap_by": truth.cluster_by}
    told["audit"] = "none: what it was trained on is not known"
    told |= {} if calibration is None else {"calibration": calibration.name}
    return replace(scoring.make_report(rows, **told), notes=problems.notes())


def calibrate(
    model: ModelArgument = None,
    records: RecordsArgument = None,
    posterior: Annotated[Path | None, typer.Option(help="Distributions of held-out photos.")] = None,
    predictions: Annotated[Path | None, typer.Option(help="Their decided points, by default the likeliest.")] = None,
    truth: TruthOption = None,
    column: ColumnOption = None,
    truth_column: TruthColumnOption = None,
    by: Annotated[str | None, typer.Option(help="Also by group: scene, confidence, or a column of the truth.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the calibration as JSON.")] = None,
    include_learned: IncludeLearnedOption = False,
    form: FormatOption = ReportFormat.table,
    device: DeviceOption = None,
) -> None:
    """Calibrate on photos that nothing was trained on: temperatures, factors for circles, sets of cells, with what they
    guarantee."""
    from whereshot.evaluate import recalibrate, tables

    check_file(out)
    if posterior is not None:
        _no_model(model, records, None, include_learned)
        files = [str(predictions)] if predictions is not None else []
        cluster = by if by not in (None, *recalibrate.GROUPINGS) else None
        known, (answers,), problems = _read_files(files, [str(posterior)], truth, column, truth_column, cluster)
        distributions = tables.read_distributions(posterior, known, tables.Problems())
        fitted = recalibrate.fit(answers, known, distributions, by=by)
        notes = problems.notes()
    else:
        if model is None or records is None:
            raise InputError("calibrate takes MODEL RECORDS, or --posterior FILE --truth FILE")
        from whereshot.foundation import progress
        from whereshot.locate.geolocator import Geolocator

        held_out = read_records(records, column)
        fitted = recalibrate.fit_model(
            Geolocator.load(model, device), held_out, by=by, include_learned=include_learned, track=progress.bar
        )
        notes = []
    document = fitted.to_json()
    if out is not None:
        output_files.write_text(out, json.dumps(finite(document), indent=1) + "\n")
        say(f"wrote {out}")
    if form is ReportFormat.json:
        print_json(document)
    else:
        print("\n".join(fitted.in_words()))
    for note in notes:
        say(note)
