"""Commands that measure and correct answers: evaluate, calibrate."""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whereshot.cli.base import (
    ColumnOption,
    DeviceOption,
    FormatOption,
    IncludeLearnedOption,
    WithinOption,
    check_file,
    check_folder,
    pairs,
    print_json,
    read_records,
    say,
    some_failed,
)
from whereshot.foundation import output_files
from whereshot.foundation.errors import InputError
from whereshot.report.answer_formats import ReportFormat, finite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whereshot.evaluate.evaluation import Evaluation, StatedFacts
    from whereshot.evaluate.prediction_files import PredictionFiles


class Distance(enum.StrEnum):
    """How distances are measured: on the sphere, or on the ellipsoid WGS84."""

    haversine = "haversine"
    geodesic = "geodesic"


class Threshold(enum.StrEnum):
    """Whether an error equal to a threshold counts as within it (le) or not (lt)."""

    le = "le"
    lt = "lt"


class UsedInformation(enum.StrEnum):
    """What a method uses; ``photos.test_sets.TRACKS`` explains each."""

    image = "image"
    gallery = "gallery"
    text = "text"
    metadata = "metadata"


ModelArgument = Annotated[str | None, typer.Argument(help="A model folder, or prior.")]
RecordsArgument = Annotated[Path | None, typer.Argument(help="Records, or a table with positions and images.")]
BesideOption = Annotated[list[str] | None, typer.Option(help="Another model to compare with. Repeatable.")]
PredictionsOption = Annotated[
    list[str] | None,
    typer.Option(help="Predictions of any method: FILE or NAME=FILE (CSV, Parquet, JSON lines). Repeatable."),
]
TruthOption = Annotated[Path | None, typer.Option(help="Table of the true positions of the predicted photos.")]
PosteriorOption = Annotated[
    list[str] | None,
    typer.Option(help="Whole distributions, as locate --posterior writes them: FILE or NAME=FILE. Repeatable."),
]
CalibrationOption = Annotated[
    Path | None, typer.Option(help="Correct the circles of the files by a calibration, a JSON file of calibrate.")
]
TruthColumnOption = Annotated[
    list[str] | None, typer.Option("--truth-column", help="Name a column of the truth, as id=KEY. Repeatable.")
]
ClusterOption = Annotated[
    str | None, typer.Option(help="Column whose photos the bootstrap draws together; by default group or user.")
]
RadiusOption = Annotated[
    float | None, typer.Option(help="Radius of the Earth in km; published scores use 6371, 6372.795 or 6378.137.")
]
DistanceOption = Annotated[Distance, typer.Option(help="Measure on the sphere, or on the ellipsoid WGS84.")]
ThresholdOption = Annotated[
    Threshold, typer.Option(help="le: an error equal to a threshold counts as within it; lt: it does not.")
]
RoundedOption = Annotated[bool, typer.Option(help="Round the GeoScore of each photo, as PIGEON does.")]
DrawsOption = Annotated[int, typer.Option(min=1, help="Number of bootstrap draws.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Seed of all random draws.")]
CellLevelOption = Annotated[
    int, typer.Option(help="S2 level (0 to 5) of the cells for macro averages and frequencies.")
]
ReportOption = Annotated[
    Path | None, typer.Option(help="Also write report.html with figures, report.md and report.json into this folder.")
]
LatexOption = Annotated[bool, typer.Option("--latex", help="With --report: write report.tex, tables to paste.")]
ThumbnailsOption = Annotated[
    bool, typer.Option("--thumbnails", help="With --report: show small copies of the worst and best photos.")
]
BenchmarkOption = Annotated[
    str | None, typer.Option(help="Check that the photos are those of im2gps, im2gps3k, yfcc4k, yfcc26k or osv5m.")
]
TrackOption = Annotated[
    UsedInformation | None, typer.Option(help="State what the method uses besides the photo; the protocol prints it.")
]
AuditOption = Annotated[
    Path | None, typer.Option(help="audit.json of whereshot audit; the protocol prints its result in one line.")
]
ProblemsOption = Annotated[Path | None, typer.Option(help="Write all faulty rows and all misses as CSV.")]
AllOption = Annotated[bool, typer.Option("--all", help="Print all usual scores and the protocol, as a Markdown table.")]
GroupOption = Annotated[
    str | None, typer.Option(help="Also calibrate by group: scene, confidence, or a column of the truth.")
]


def evaluate(
    model: ModelArgument = None,
    records: RecordsArgument = None,
    beside: BesideOption = None,
    predictions: PredictionsOption = None,
    truth: TruthOption = None,
    posterior: PosteriorOption = None,
    calibration: CalibrationOption = None,
    column: ColumnOption = None,
    truth_column: TruthColumnOption = None,
    cluster: ClusterOption = None,
    radius: RadiusOption = None,
    distance: DistanceOption = Distance.haversine,
    threshold: ThresholdOption = Threshold.le,
    geoscore_rounded: RoundedOption = False,
    draws: DrawsOption = 1000,
    seed: SeedOption = 0,
    cell_level: CellLevelOption = 4,
    report: ReportOption = None,
    latex: LatexOption = False,
    thumbnails: ThumbnailsOption = False,
    benchmark: BenchmarkOption = None,
    track: TrackOption = None,
    audit: AuditOption = None,
    problems: ProblemsOption = None,
    within: WithinOption = None,
    include_learned: IncludeLearnedOption = False,
    every: AllOption = False,
    form: FormatOption = "table",
    device: DeviceOption = None,
) -> None:
    """Score a model on photos with known positions, or the predictions of any method: MODEL RECORDS, or --predictions
    FILE --truth FILE."""
    from whereshot.evaluate.base import DEFAULT, Protocol
    from whereshot.evaluate.evaluation import ModelOptions, evaluate_files, evaluate_models
    from whereshot.foundation import progress

    facts = _facts(benchmark, track, audit)
    _check_outputs(report, problems, latex, thumbnails)
    radius_km = DEFAULT.radius_km if radius is None else radius
    protocol = Protocol(
        radius_km, distance.value, threshold.value, geoscore_rounded, draws, seed=seed, cell_level=cell_level
    )
    if predictions or posterior:
        _refuse_model(model, records, beside, include_learned)
        files = _read_files(predictions or (), posterior or (), truth, column, truth_column, cluster)
        evaluation = evaluate_files(files, protocol, facts=facts, calibration=calibration)
    else:
        if model is None or records is None:
            raise InputError("evaluate takes MODEL RECORDS, or --predictions FILE --truth FILE")
        _refuse_file_options(calibration, truth, benchmark)
        photos = read_records(records, column)
        table = None if truth is None else read_records(truth, truth_column)
        options = ModelOptions([model, *(beside or ())], table, include_learned, within, cluster, device)
        evaluation = evaluate_models(photos, options, protocol, source=records.name, facts=facts, track=progress.bar)
        _say_remarks(evaluation, records)
    thumbnail_folder = _folder_of(truth or records) if thumbnails else None
    _write_and_print(evaluation, report, latex, thumbnail_folder, problems, form, every)
    _say_failed(evaluation, "have no usable answer" if predictions or posterior else "could not be read")


def _say_remarks(evaluation: Evaluation, records: Path) -> None:
    """Report how many photos the models had learned from, and which models answer from text that is not read."""
    say(f"{records}: {evaluation.learned_in_words}")
    if evaluation.remark:
        say(evaluation.remark)


def _facts(benchmark: str | None, track: UsedInformation | None, audit: Path | None) -> StatedFacts:
    """Return what the options state about the photos and the method."""
    from whereshot.evaluate.evaluation import StatedFacts
    from whereshot.photos.curate.audit import read_line
    from whereshot.photos.test_sets import find

    return StatedFacts(
        benchmark=None if benchmark is None else find(benchmark),
        track=None if track is None else track.value,
        audit=None if audit is None else read_line(audit),
    )


def _check_outputs(report: Path | None, problems: Path | None, latex: bool, thumbnails: bool) -> None:
    """Fail before the work where an output cannot be written, or where an option has no effect without --report."""
    if report is None and (latex or thumbnails):
        raise InputError(f"--{'latex' if latex else 'thumbnails'} goes with --report DIR")
    check_folder(report)
    check_file(problems)


def _refuse_model(model: str | None, records: Path | None, beside: Sequence[str] | None, include_learned: bool) -> None:
    """Raise InputError for arguments that need a model, where files are given."""
    if include_learned:
        raise InputError(
            "--include-learned goes with a model; it is not known which photos the predictions in a file come from"
        )
    if model is not None or records is not None or beside:
        raise InputError("give either a model or --predictions and --posterior, not both")


def _refuse_file_options(calibration: Path | None, truth: Path | None, benchmark: str | None) -> None:
    """Raise InputError for options that need files of predictions, where a model is given."""
    if calibration is not None:
        raise InputError("--calibration corrects --posterior or --predictions; a model is calibrated when trained")
    if truth is not None and benchmark is None:
        raise InputError("--truth goes with --predictions or --posterior; a model is scored on RECORDS")


def _read_files(
    predictions: Sequence[str],
    posterior: Sequence[str],
    truth: Path | None,
    column: list[str] | None,
    truth_column: list[str] | None,
    cluster: str | None,
) -> PredictionFiles:
    """Read files of predictions and of the truth. Raises InputError where there is no truth."""
    from whereshot.evaluate.prediction_files import read_prediction_files

    if truth is None:
        raise InputError("predictions are scored against the true positions: give --truth FILE")
    truth_columns = pairs(truth_column, "--truth-column")
    return read_prediction_files(predictions, posterior, truth, pairs(column, "--column"), truth_columns, cluster)


def _folder_of(table: Path | None) -> Path | None:
    """Return the folder from which the paths of pictures in a table start."""
    return None if table is None else table.absolute().parent


def _write_and_print(
    evaluation: Evaluation,
    folder: Path | None,
    latex: bool,
    thumbnail_folder: Path | None,
    problems: Path | None,
    form: ReportFormat,
    every: bool,
) -> None:
    """Write the scorecard and the table of problems where they are wanted, and print the scores and the notes.

    Print all usual scores with ``every``, else the seven that people ask for first.
    """
    from whereshot.report import scorecard
    from whereshot.report.scorecard_files import write_scorecard

    if folder is not None:
        names = write_scorecard(evaluation, folder, latex=latex, thumbnails=thumbnail_folder)
        say(f"wrote {folder}: {', '.join(names)}")
    if problems is not None:
        output_files.write_text(problems, evaluation.problems.to_csv())
        say(f"wrote {problems}: {len(evaluation.problems.rows)} rows")
    if form == "json":
        print_json(evaluation.to_json())
    else:
        words = scorecard.summary if every else scorecard.for_terminal
        print(words(evaluation.report, evaluation.benchmark), end="")
    for note in evaluation.report.notes:
        say(note)


def _say_failed(evaluation: Evaluation, reason: str) -> None:
    """Report how many photos have no answer, and set exit code 1 where there are any."""
    row = evaluation.report.rows[0]
    if row.failed:
        say(f"{row.failed} of {row.photos} photos {reason} and count as misses")
        some_failed()


def calibrate(
    model: ModelArgument = None,
    records: RecordsArgument = None,
    posterior: Annotated[Path | None, typer.Option(help="Distributions of held-out photos, a Parquet file.")] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Decided points of these photos; by default the most likely ones.")
    ] = None,
    truth: TruthOption = None,
    column: ColumnOption = None,
    truth_column: TruthColumnOption = None,
    by: GroupOption = None,
    out: Annotated[Path | None, typer.Option(help="Write the calibration as JSON into this file.")] = None,
    include_learned: IncludeLearnedOption = False,
    form: FormatOption = "table",
    device: DeviceOption = None,
) -> None:
    """Calibrate on held-out photos, on which nothing was trained: temperatures, factors of circles and sets of cells,
    with what they guarantee."""
    from whereshot.evaluate import recalibrate, tables

    check_file(out)
    notes: list[str] = []
    if posterior is not None:
        _refuse_model(model, records, None, include_learned)
        point_files = [str(predictions)] if predictions is not None else []
        cluster = by if by not in (None, *recalibrate.GROUPINGS) else None
        files = _read_files(point_files, [str(posterior)], truth, column, truth_column, cluster)
        distributions = tables.read_distributions(posterior, files.truth, tables.Problems())
        (answers,) = files.answers
        fitted = recalibrate.fit(answers, files.truth, distributions, by=by)
        notes = files.problems.notes()
    else:
        if model is None or records is None:
            raise InputError("calibrate takes MODEL RECORDS, or --posterior FILE --truth FILE")
        from whereshot.foundation import progress
        from whereshot.locate.geolocator import Geolocator

        held_out = read_records(records, column)
        fitted = recalibrate.fit_model(
            Geolocator.load(model, device), held_out, by=by, include_learned=include_learned, track=progress.bar
        )
    document = fitted.to_json()
    if out is not None:
        output_files.write_text(out, json.dumps(finite(document), indent=1) + "\n")
        say(f"wrote {out}")
    if form == "json":
        print_json(document)
    else:
        print("\n".join(fitted.in_words()))
    for note in notes:
        say(note)
