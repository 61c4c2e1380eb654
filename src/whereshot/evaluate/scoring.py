"""Score answers against the truth, with bootstrap intervals, and put the scores into a report."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import sphere
from whereshot.evaluate import bootstrap, curves
from whereshot.evaluate.base import DEFAULT, Answers, Column, Metric, Protocol, Scored, Truth
from whereshot.evaluate.comparison import compare
from whereshot.evaluate.distances import distance_km
from whereshot.evaluate.metrics import METRICS
from whereshot.evaluate.results import Report, Row, Value
from whereshot.foundation.errors import InputError


def score(
    answers: Answers, truth: Truth | ArrayLike, protocol: Protocol = DEFAULT, *, metrics: dict[str, Metric] = METRICS
) -> Row:
    """Return all scores of one method, with bootstrap intervals over the clusters of the truth, else over photos.

    ``truth`` may be positions (n, 2) in degrees, latitude first. Metrics that the answers do not allow are left out.
    Raises InputError where the numbers of answers and of photos differ, or where there is no photo.

    >>> import numpy as np
    >>> row = score(Answers("always Paris", np.array([[48.86, 2.35]])), [[48.80, 2.13]])
    >>> round(row.scores["mean_km"].value)
    17
    """
    truth = truth if isinstance(truth, Truth) else Truth(sphere.points(truth))
    points = sphere.points(truth.points)
    if len(answers.points) != len(points):
        raise InputError(f"{len(answers.points)} answers for {len(points)} photos")
    if len(points) == 0:
        raise InputError("there is no photo to score")
    failed = np.asarray(~np.isfinite(answers.points).all(axis=1))
    error_km = np.full(len(points), protocol.farthest_km)
    error_km[~failed] = distance_km(answers.points[~failed], points[~failed], protocol)
    scored = Scored(answers, truth, error_km, failed, protocol)
    columns, used = {"photos": Column(np.ones(len(points)))}, {}
    for name, metric in metrics.items():
        needed = metric.columns(scored)
        if needed is not None:
            columns |= needed
            used[name] = metric
    clusters, _ = truth.clusters()
    plain, drawn = bootstrap.plain_sums(columns), bootstrap.drawn_sums(columns, clusters, protocol)
    scores: dict[str, Value] = {}
    draws: dict[str, NDArray[np.float64]] = {}
    for name, metric in used.items():
        value = float(metric.value(scored, plain)[0])
        scores[name], draws[name] = bootstrap.interval(value, metric.value(scored, drawn), protocol, metric.curved)
    return Row(
        answers.name,
        len(points),
        int(failed.sum()),
        scores,
        curves.curves(scored, plain, drawn),
        curves.groups(scored, plain, drawn),
        scored,
        draws,
    )


def make_report(rows: list[Row], **more: object) -> Report:
    """Return the report of methods on the same photos: the first is compared with each of the others.

    ``more`` is added to the protocol of the report.
    """
    scored = rows[0].scored
    protocol = (scored.protocol if scored is not None else Protocol()).describe(**more)
    if scored is not None:
        protocol |= _describe_bootstrap(scored.truth, rows)
    return Report(rows, protocol, [compare(rows[0], row) for row in rows[1:]])


def _describe_bootstrap(truth: Truth, rows: list[Row]) -> dict[str, str]:
    """Return two lines of the protocol: what the bootstrap draws, and which intervals were moved."""
    _, count = truth.clusters()
    drawn = f"each {truth.cluster_by} whole, {count:,} of them"
    if count > bootstrap.GROUPS:
        drawn += f", put together at random into {bootstrap.GROUPS:,} groups"
    moved = [re.sub(r"_\d+", "", name) for name, metric in METRICS.items() if metric.curved and name in rows[0].scores]
    names = ", ".join(dict.fromkeys(moved)) or "none"
    return {"drawn": drawn, "recentred": f"moved by the draws' bias, so that they centre on the score: {names}"}


def merge_reports(reports: list[Report]) -> Report:
    """Return one report of several models on the same photos.

    It holds the row of each model, and the baselines of the first. The first model is compared with all others.
    """
    first, *others = reports
    rows = [report.rows[0] for report in others]
    return Report(
        [first.rows[0], *rows, *first.rows[1:]],
        first.protocol | {"beside": ", ".join(str(report.protocol.get("model")) for report in others)},
        [compare(first.rows[0], row) for row in rows] + first.comparisons,
        [note for report in reports for note in report.notes],
    )
