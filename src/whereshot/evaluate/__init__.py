"""Answers and truth -> scores with bootstrap intervals. METRICS names every score; no photo leaves the count."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import sphere
from whereshot.earth.sphere import DISTANCES_KM
from whereshot.evaluate import (
    abstention,
    accuracy,
    administrative,
    bootstrap,
    calibration,
    curves,
    distribution,
    grouped,
    likelihood,
    regions,
    samples,
)
from whereshot.evaluate.base import (
    LEVELS,
    RADII_KM,
    UNIFORM_NLL,
    Answers,
    Column,
    Comparison,
    Curve,
    Group,
    Metric,
    Protocol,
    Report,
    Row,
    Scored,
    Truth,
    Value,
)
from whereshot.evaluate.comparison import compare
from whereshot.evaluate.density import of_posterior
from whereshot.evaluate.distances import distance_km
from whereshot.foundation.errors import InputError

__all__ = [
    "DEFAULT",
    "DISTANCES_KM",
    "LEVELS",
    "METRICS",
    "RADII_KM",
    "UNIFORM_NLL",
    "Answers",
    "Comparison",
    "Curve",
    "Group",
    "Metric",
    "Protocol",
    "Report",
    "Row",
    "Scored",
    "Truth",
    "Value",
    "compare",
    "of_posterior",
    "score",
    "set_beside",
    "side_by_side",
]

METRICS: dict[str, Metric] = {
    **{f"accuracy_{km}": accuracy.accuracy(km) for km in DISTANCES_KM},
    "geoscore": accuracy.geoscore,
    "mean_km": accuracy.mean_km,
    "median_km": accuracy.quantile_km(0.5),
    **{f"p{percent}_km": accuracy.quantile_km(percent / 100) for percent in (10, 25, 75, 90, 95)},
    "nll": likelihood.nll,
    "bits": likelihood.bits,
    **{f"coverage_{round(100 * level)}": calibration.coverage(level) for level in LEVELS},
    **{f"area_{round(100 * level)}_km2": calibration.circle_area(level) for level in LEVELS},
    **{f"region_coverage_{round(100 * level)}": regions.region_coverage(level) for level in LEVELS},
    **{f"region_area_{round(100 * level)}_km2": regions.region_area(level) for level in LEVELS},
    **{f"recall_{area:.0f}_km2": regions.recall(area) for area in regions.SEARCHED_KM2},
    **{f"ece_{km}": calibration.ece(km) for km in DISTANCES_KM},
    **{f"brier_{km}": calibration.brier(km) for km in DISTANCES_KM},
    **{f"aurc_{km}": abstention.aurc(km) for km in abstention.RISKS_KM},
    **{level: administrative.polygon(level) for level in administrative.LEVELS},
    **{f"osv_{level}": administrative.labelled(level) for level in administrative.LEVELS},
    "kl": distribution.kl,
    "entropy_true": distribution.entropy_true,
    "entropy_predicted": distribution.entropy_predicted,
    **{name: samples.of_samples(name) for name in ("precision", "recall", "density", "sample_coverage")},
    **{
        f"{score}_by_{kind}": grouped.macro(score, kind)
        for kind in ("country", "continent", "cell")
        for score in grouped.SCORES
    },
    **{f"{score}_by_user": grouped.by_user(score) for score in grouped.SCORES},
    **{
        f"{score}_{name}": grouped.of_scenes(score, scenes)
        for name, scenes in grouped.SCENE_SETS.items()
        for score in grouped.SCORES
    },
}
"""Every score by name; all values of one kind are told with their intervals in ``Row.scores``."""


DEFAULT = Protocol()
"""Haversine on the mean radius, a photo at the threshold counts."""


def score(
    answers: Answers, truth: Truth | ArrayLike, protocol: Protocol = DEFAULT, *, metrics: dict[str, Metric] = METRICS
) -> Row:
    """All metrics of one method, with intervals by bootstrap over the truth's clusters, else photos.

    ``truth`` may be positions (n, 2). Raises InputError where the counts differ, or without a photo.
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
        own = metric.columns(scored)
        if own is not None:
            columns |= own
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


def set_beside(rows: list[Row], **more: Any) -> Report:
    """Rows of the same photos as a report: the first compared with each of the others."""
    scored = rows[0].scored
    protocol = (scored.protocol if scored is not None else Protocol()).describe(**more)
    if scored is not None:
        protocol |= _drawing(scored.truth, rows)
    return Report(rows, protocol, [compare(rows[0], row) for row in rows[1:]])


def _drawing(truth: Truth, rows: list[Row]) -> dict[str, str]:
    """What was drawn whole, and which intervals were moved."""
    _, count = truth.clusters()
    drawn = f"each {truth.cluster_by} whole, {count:,} of them"
    if count > bootstrap.GROUPS:
        drawn += f", put together at random into {bootstrap.GROUPS:,} groups"
    moved = [re.sub(r"_\d+", "", name) for name, metric in METRICS.items() if metric.curved and name in rows[0].scores]
    told = ", ".join(dict.fromkeys(moved)) or "none"
    return {"drawn": drawn, "recentred": f"moved by the draws' bias, so that they centre on the score: {told}"}


def side_by_side(reports: list[Report]) -> Report:
    """Reports of several models on the same photos as one: the first with its baselines, the others' own rows."""
    first, *others = reports
    own = [report.rows[0] for report in others]
    return Report(
        [first.rows[0], *own, *first.rows[1:]],
        first.protocol | {"beside": ", ".join(str(report.protocol.get("model")) for report in others)},
        [compare(first.rows[0], row) for row in own] + first.comparisons,
        [note for report in reports for note in report.notes],
    )
