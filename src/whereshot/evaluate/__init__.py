"""Answers and truth -> scores with bootstrap intervals. METRICS names every score; no photo leaves the count.

A photo without an answer is a miss at every distance, is half the Earth's circumference away, scores zero, has
the likelihood of the uniform distribution and lies in no region.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whereshot import sphere
from whereshot.errors import InputError
from whereshot.posterior import GEOSCORE_KM, Posterior

DISTANCES_KM = (1, 25, 200, 750, 2500)
"""Street, city, region, country, continent (Hays and Efros 2008; Vo et al. 2017)."""
LEVELS = (0.5, 0.8, 0.9)
UNIFORM_NLL = math.log(4 * math.pi)
"""Negative log-likelihood of knowing nothing, in nats per steradian: 2.53."""


@dataclass(frozen=True)
class Answers:
    """What one method says of n photos.

    ``points`` (n, 2) with NaN where it failed; ``log_density`` (n,) of the truth in nats per steradian, or None for
    a method that gives no distribution; ``radius_km`` by level, each (n,), or empty.
    """

    name: str
    points: NDArray[np.float64]
    log_density: NDArray[np.float64] | None = None
    radius_km: dict[float, NDArray[np.float64]] = field(default_factory=dict)

    @classmethod
    def of_posterior(
        cls,
        name: str,
        posterior: Posterior,
        truth: ArrayLike,
        points: NDArray,
        radius_factor: float | None = 1.0,
    ) -> Answers:
        """Answers of a posterior at decided ``points``; regions are left out for ``radius_factor`` None."""
        radius = {}
        if radius_factor is not None:
            rings = posterior.around(points)
            radius = {level: rings.radius_km(level) * radius_factor for level in LEVELS}
        return cls(name, points, posterior.log_density(truth), radius)

    def scatter(self, rows: NDArray[np.int64], total: int) -> Answers:
        """The same among ``total`` photos, of which only ``rows`` were answered."""

        def spread(values: NDArray) -> NDArray:
            out = np.full((total, *values.shape[1:]), np.nan)
            out[rows] = values
            return out

        density = None if self.log_density is None else spread(self.log_density)
        return Answers(
            self.name, spread(self.points), density, {level: spread(r) for level, r in self.radius_km.items()}
        )


@dataclass(frozen=True)
class Scored:
    """Answers beside the truth: ``error_km`` (n,), ``failed`` (n,), and what was answered."""

    answers: Answers
    error_km: NDArray[np.float64]
    failed: NDArray[np.bool_]


class Metric(NamedTuple):
    """A value per photo (n,), or None where the method cannot be scored so; and how photos are put together."""

    per_photo: Callable[[Scored], NDArray[np.float64] | None]
    summary: Literal["mean", "median"] = "mean"


def _accuracy(km: float) -> Metric:
    return Metric(lambda scored: (scored.error_km <= km).astype(float))


def _coverage(level: float) -> Metric:
    def inside(scored: Scored) -> NDArray | None:
        radius = scored.answers.radius_km.get(level)
        return None if radius is None else (~scored.failed & (scored.error_km <= np.nan_to_num(radius))).astype(float)

    return Metric(inside)


def _nll(scored: Scored) -> NDArray | None:
    density = scored.answers.log_density
    return None if density is None else np.where(scored.failed, UNIFORM_NLL, -density)


METRICS: dict[str, Metric] = {
    **{f"accuracy_{km}": _accuracy(km) for km in DISTANCES_KM},
    "geoscore": Metric(lambda scored: np.where(scored.failed, 0.0, 5000 * np.exp(-scored.error_km / GEOSCORE_KM))),
    "mean_km": Metric(lambda scored: scored.error_km),
    "median_km": Metric(lambda scored: scored.error_km, "median"),
    "nll": Metric(_nll),
    **{f"coverage_{round(100 * level)}": _coverage(level) for level in LEVELS},
}


class Value(NamedTuple):
    """A score and its bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """One method's scores by metric name."""

    name: str
    photos: int
    failed: int
    scores: dict[str, Value]

    def to_json(self) -> dict[str, Any]:
        """The document of the command contract."""

        def group(prefix: str) -> dict[str, float]:
            return {
                key.removeprefix(prefix): score.value for key, score in self.scores.items() if key.startswith(prefix)
            }

        single = {
            key: self.scores[key].value if key in self.scores else None
            for key in ("geoscore", "mean_km", "median_km", "nll")
        }
        return {
            "name": self.name,
            "photos": self.photos,
            "failed": self.failed,
            "accuracy": group("accuracy_"),
            **single,
            "coverage": group("coverage_"),
            "intervals": {key: [score.low, score.high] for key, score in self.scores.items()},
        }


@dataclass(frozen=True)
class Report:
    """The scores of a model and of what it is compared with, and how they were computed."""

    rows: list[Row]
    protocol: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The first row's scores at the top, all others under "baselines"."""
        first = self.rows[0].to_json()
        return {**first, "baselines": [row.to_json() for row in self.rows[1:]], "protocol": self.protocol}


def score(
    answers: Answers,
    truth: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    draws: int = 1000,
    interval: float = 0.95,
    seed: int = 0,
) -> Row:
    """All metrics of one method; intervals by bootstrap over groups (photos of one user or place), else photos."""
    truth = sphere.points(truth)
    if len(answers.points) != len(truth):
        raise InputError(f"{len(answers.points)} answers for {len(truth)} photos")
    if len(truth) == 0:
        raise InputError("there is no photo to score")
    failed = ~np.isfinite(answers.points).all(axis=1)
    error_km = np.full(len(truth), sphere.HALF_CIRCUMFERENCE_KM)
    error_km[~failed] = sphere.distance_km(answers.points[~failed], truth[~failed])
    scored = Scored(answers, error_km, failed)
    weights = bootstrap_weights(np.arange(len(truth)) if groups is None else np.asarray(groups), draws, seed)
    scores = {}
    for name, metric in METRICS.items():
        values = metric.per_photo(scored)
        if values is not None:
            summarise = _weighted_mean if metric.summary == "mean" else _weighted_median
            drawn = summarise(values, weights)
            low, high = np.quantile(drawn, [(1 - interval) / 2, (1 + interval) / 2])
            scores[name] = Value(float(summarise(values, np.ones((1, len(values))))[0]), float(low), float(high))
    return Row(answers.name, len(truth), int(failed.sum()), scores)


def bootstrap_weights(groups: NDArray, draws: int, seed: int) -> NDArray[np.float64]:
    """How often each photo is drawn, (draws, n), when whole groups are drawn with replacement."""
    names, inverse = np.unique(groups, return_inverse=True)
    counts = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    return counts[:, inverse].astype(np.float64)


def _weighted_mean(values: NDArray, weights: NDArray) -> NDArray[np.float64]:
    return weights @ values / weights.sum(axis=1)


def _weighted_median(values: NDArray, weights: NDArray) -> NDArray[np.float64]:
    order = np.argsort(values)
    cumulated = np.cumsum(weights[:, order], axis=1)
    half = cumulated[:, -1:] / 2
    low = values[order][(cumulated >= half).argmax(axis=1)]
    high = values[order][(cumulated > half).argmax(axis=1)]
    return (low + high) / 2


def conformal_factor(
    error_km: ArrayLike, radius_km: ArrayLike, level: float, weights: ArrayLike | None = None
) -> float:
    """What radii are multiplied with so that a share ``level`` of held-out errors lies inside.

    Split conformal prediction with the radius as the measure of difficulty (Papadopoulos et al. 2002; weighted:
    Tibshirani et al. 2019): the (n + 1)-corrected quantile of error over radius. Raises InputError without photos.
    """
    ratio = np.asarray(error_km, float) / np.asarray(radius_km, float)
    if len(ratio) == 0:
        raise InputError("a conformal factor needs at least one held-out photo")
    weight = np.ones(len(ratio)) if weights is None else np.asarray(weights, float)
    order = np.argsort(ratio)
    total = weight.sum()
    # the photo to come counts as one more, of average weight, beyond all others
    cumulated = np.cumsum(weight[order]) / (total + total / len(ratio))
    row = min(int(np.searchsorted(cumulated, level, side="left")), len(ratio) - 1)
    return float(ratio[order][row])


def protocol(**more: Any) -> dict[str, Any]:
    """How distances, thresholds and failures are counted, for every report."""
    return {
        "distance": "great circle (haversine)",
        "radius_km": sphere.EARTH_KM,
        "threshold": "<=",
        "geoscore": "mean of 5000 exp(-km / 1492.7), not rounded",
        "failed_photos": "counted as misses, half the circumference away, GeoScore 0, uniform likelihood",
        "nll": "nats per steradian; knowing nothing is 2.531",
        "intervals": "95 %, bootstrap, 1000 draws",
        **more,
    }
