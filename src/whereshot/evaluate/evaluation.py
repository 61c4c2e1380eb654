"""A whole evaluation, of models or of prediction files: the report, and what its protocol states about the photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from whereshot.earth import sphere
from whereshot.evaluate import known_photos
from whereshot.evaluate.base import DEFAULT, Protocol
from whereshot.evaluate.prediction_files import PredictionFiles, score_files
from whereshot.evaluate.results import Report
from whereshot.evaluate.scoring import merge_reports
from whereshot.evaluate.tables import MISS, Problem, Problems
from whereshot.foundation import progress
from whereshot.locate.geolocator import Geolocator
from whereshot.models.learned_photos import SeparatedPhotos
from whereshot.models.model import PRIOR
from whereshot.photos.records import Records
from whereshot.photos.test_sets import TRACKS, Benchmark


@dataclass(frozen=True)
class StatedFacts:
    """What the user states about the photos and the method; the protocol of the report prints it."""

    benchmark: Benchmark | None = None
    """The published test set that the photos must be."""
    track: str | None = None
    """What the method uses besides the pixels: a key of ``TRACKS``."""
    audit: str | None = None
    """The line of an audit for duplicates between training and test photos."""


NO_FACTS = StatedFacts()
"""Nothing is stated."""


@dataclass(frozen=True)
class Evaluation:
    """The report of an evaluation, and what is printed and written beside it."""

    report: Report
    problems: Problems
    facts: StatedFacts = NO_FACTS
    benchmark_check: str = ""
    """How it was checked that the photos are the photos of the benchmark."""
    learned: SeparatedPhotos | None = None
    """How many photos the models had learned from; None for prediction files."""
    training_points: sphere.Points | None = field(default=None, repr=False)
    """Positions (m, 2) of the training photos of the first model, where they are known."""
    without_sights: tuple[str, ...] = ()
    """The names of evaluated models that look at no picture, whose text is not read here."""

    @property
    def remark(self) -> str:
        """One line on models whose answers come from text, which is not read here; "" where there are none."""
        if not self.without_sights:
            return ""
        return (
            f"{', '.join(self.without_sights)}: no sights, and evaluate reads no text: the scores are of where photos "
            "are usually taken. With text: whereshot locate PHOTOS --posterior FILE.parquet; whereshot evaluate "
            "--posterior FILE.parquet --truth TABLE --truth-column id=COLUMN_OF_PATHS"
        )

    @property
    def benchmark(self) -> Benchmark | None:
        """Return the published test set, if one was stated."""
        return self.facts.benchmark

    @property
    def learned_in_words(self) -> str:
        """Return a sentence on how many photos the models had learned from; "" for prediction files."""
        return "" if self.learned is None else self.learned.in_words()

    def to_json(self) -> dict[str, object]:
        """Return the document that ``whereshot evaluate --format json`` prints."""
        document: dict[str, object] = dict(self.report.to_json())
        if self.learned is not None:
            document["learned_photos"] = self.learned.to_json()
        if self.benchmark is not None:
            document["benchmark"] = self.benchmark.to_json(self.facts.track or "not stated", self.benchmark_check)
        return document


def evaluate_files(
    files: PredictionFiles,
    protocol: Protocol = DEFAULT,
    *,
    facts: StatedFacts = NO_FACTS,
    calibration: Path | None = None,
) -> Evaluation:
    """Evaluate prediction files. Raises InputError where the photos are not the photos of the stated benchmark.

    ``calibration`` is a JSON file of ``whereshot calibrate``, which corrects the circles.
    """
    checked = "" if facts.benchmark is None else facts.benchmark.check(files.truth.known_ids.tolist())
    report = score_files(files, protocol, calibration)
    return Evaluation(_with_facts(report, facts, checked, None), files.problems, facts, checked)


@dataclass(frozen=True)
class ModelOptions:
    """Which models are evaluated, and how."""

    models: Sequence[str]
    """Each is the folder or the name of a model; the first is compared with the others."""
    published_table: Records | None = None
    """The whole table of the benchmark: a photo of it without a picture in the records counts as a miss."""
    include_learned: bool = False
    """Whether photos that a model learned from count; otherwise they are left out."""
    within_km: float | None = None
    """The distance in km within which decisions should be right; None for the default decision."""
    cluster: str | None = None
    """The column whose photos the bootstrap draws together."""
    device: str | None = None
    """The device of the models, for example "cuda"."""


def evaluate_models(
    records: Records,
    options: ModelOptions,
    protocol: Protocol = DEFAULT,
    *,
    source: str,
    facts: StatedFacts = NO_FACTS,
    track: progress.Track = progress.silent,
) -> Evaluation:
    """Evaluate models on records with positions and pictures.

    ``source`` is the name of the records in problems. Raises InputError where the photos are not the photos of the
    stated benchmark, where no picture can be read, or where the models learned from all photos.
    """
    checked = ""
    if facts.benchmark is not None:
        if options.published_table is not None:
            records = facts.benchmark.complete(records, options.published_table)
        checked = facts.benchmark.check(records.table["id"].to_pylist())
    geolocators = [Geolocator.load(name, options.device) for name in options.models]
    reports, learned = known_photos.score_models(
        geolocators,
        records,
        include_learned=options.include_learned,
        within_km=options.within_km,
        protocol=protocol,
        cluster=options.cluster,
        track=track,
    )
    report = reports[0] if len(reports) == 1 else merge_reports(reports)
    known = geolocators[0].model.known_points()
    training_points = known if len(known) else None
    if facts.track is None:
        facts = replace(facts, track=report.protocol.get("track"))
    report = _with_facts(report, facts, checked, learned)
    blind = tuple(one.name for one in geolocators if not one.model.looks_at_pictures and one.name != PRIOR)
    return Evaluation(report, unread_photos(report, source), facts, checked, learned, training_points, blind)


def unread_photos(report: Report, source: str) -> Problems:
    """Return the photos of a report that no model could read, each as a miss in the file ``source``."""
    scored = report.rows[0].kept
    ids, images = scored.truth.known_ids, scored.truth.images
    rows = []
    for number in scored.failed.nonzero()[0]:
        reason = "no picture" if images is None or not images[number] else "not read"
        rows.append(Problem(source, None, ids[number], reason, MISS))
    return Problems(rows)


def _with_facts(report: Report, facts: StatedFacts, checked: str, learned: SeparatedPhotos | None) -> Report:
    """Return the report with the stated facts in its protocol."""
    track = "not stated (--track)" if facts.track is None else f"{facts.track}: {TRACKS[facts.track]}"
    stated: dict[str, object] = {"track": track}
    if facts.benchmark is not None:
        stated["benchmark"] = f"{facts.benchmark.title}, {checked}"
    if learned is not None:
        stated["learned photos"] = learned.in_words()
    if facts.audit is not None:
        stated["audit"] = facts.audit
    return replace(report, protocol=report.protocol | stated)
