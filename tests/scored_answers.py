"""Answers, truths and formulas that the tests of the evaluation share."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.evaluate import (
    LEVELS,
    METRICS,
    Answers,
)
from whereshot.posterior.base import Posterior
from whereshot.posterior.samples import sample

HALF_KM = math.pi * 6371.0088


NOTHING = math.log(4 * math.pi)


def answers(rng: np.random.Generator, n: int, failed: list[int] | None = None) -> tuple[Answers, NDArray]:
    """Answers whose errors span metres to the other side of the Earth, some failed; and the truth."""
    truth = np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(-180, 180, n)], axis=1)
    error_km = 10 ** rng.uniform(-1, 4.2, n)
    points = sphere.move(truth, rng.uniform(0, 360, n), error_km)
    density, radius = rng.normal(0, 3, n), {level: error_km * rng.uniform(0.1, 4, n) for level in LEVELS}
    for row in failed or []:
        points[row] = density[row] = math.nan
        for values in radius.values():
            values[row] = math.nan
    return Answers("model", points, density, radius), truth


Photo = tuple[float | None, float, dict[float, float]]


EXPECTED: dict[str, Callable[[list[Photo]], float]] = {
    **{
        f"accuracy_{km}": lambda photos, km=km: sum(e is not None and e <= km for e, _, _ in photos) / len(photos)
        for km in (1, 25, 200, 750, 2500)
    },
    "geoscore": lambda photos: statistics.fmean(0 if e is None else 5000 * math.exp(-e / 1492.7) for e, _, _ in photos),
    "mean_km": lambda photos: statistics.fmean(HALF_KM if e is None else e for e, _, _ in photos),
    "median_km": lambda photos: statistics.median(HALF_KM if e is None else e for e, _, _ in photos),
    "nll": lambda photos: statistics.fmean(NOTHING if e is None else -density for e, density, _ in photos),
    **{
        f"coverage_{percent}": lambda photos, level=percent / 100: (
            sum(e is not None and e <= radius[level] for e, _, radius in photos) / len(photos)
        )
        for percent in (50, 80, 90, 95)
    },
}


ONE = {name: METRICS[name] for name in ("accuracy_25", "geoscore", "median_km")}


def stated(rng: np.random.Generator, n: int) -> tuple[Answers, NDArray, NDArray, NDArray]:
    """Answers that state P(error <= 200 km), not quite truly; and the truth, what was stated and what happened."""
    share = rng.uniform(0, 1, n)
    right = rng.uniform(size=n) < share**1.5
    points = np.where(right, 0.0, 30.0)[:, None] * np.ones(2)
    return Answers("a", points, within={200: share}), np.zeros((n, 2)), share, right


def known_process(rng: np.random.Generator, n: int) -> tuple[Posterior, NDArray]:
    """Posteriors of a few places each, and truths drawn from them."""
    places = np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, (n, 6)))), rng.uniform(-180, 180, (n, 6))], axis=-1)
    posterior = Posterior(places, rng.normal(0, 1.5, (n, 6)), 10 ** rng.uniform(0.5, 2.5, (n, 6)))
    return posterior, sample(posterior, 1, rng)[:, 0]
