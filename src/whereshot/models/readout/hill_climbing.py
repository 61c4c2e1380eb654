"""Find the maxima of a similarity on the sphere from given starts, by the method of Levenberg and Marquardt.

The cosine between an encoding and the encodings of positions has many maxima, which are called hills here. Each climb
begins at a start near a hill. How fast the encoding turns at the top determines the width of the hill. NumPy only.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from whereshot.earth import sphere
from whereshot.foundation.settings_file import Settings

Slopes = Callable[
    [NDArray[np.int64], NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
]
"""A function of rows (m,) of encodings and positions (m, 2). It returns the cosine (m,), its slope (m, 2) per km north
and east, and the metric (m, 2, 2) of the encoding."""

HALF_MASS = math.sqrt(2 * math.log(2))
"""Radius that contains half the mass of a round Gaussian, in standard deviations."""


class ClimbSettings(Settings):
    """Settings of the search."""

    hills: int = Field(8, ge=1)
    """Number of starts for each encoding."""
    considered: int = Field(64, ge=1)
    """Number of most similar places among which the starts are chosen."""
    apart_km: float = Field(12.0, ge=0)
    """Smallest distance between two starts in km. Nearer starts would climb the same hill."""
    steps: int = Field(12, ge=0)
    longest_km: float = Field(4.0, gt=0)
    """Longest step in km. Farther away, the shape of the hill at a point says nothing."""


class Hills:
    """The maxima of a similarity: ``positions`` (n, k, 2) and ``similarity`` (n, k), -inf where a climb ended early.

    ``metric`` (n, k, 2, 2) is how fast the encoding turns, in squared radians per squared km, north first.
    """

    def __init__(
        self, positions: NDArray[np.float64], similarity: NDArray[np.floating], metric: NDArray[np.float64]
    ) -> None:
        self.positions, self.similarity, self.metric = positions, similarity, metric


def climb(
    slopes: Slopes, dim: int, starts: NDArray[np.float64], settings: ClimbSettings, patience: float = 15.0
) -> Hills:
    """Climb from ``starts`` (n, k, 2) to the nearest maxima of the cosine with encodings of ``dim`` numbers.

    A climb ends early when its maximum would be ``patience`` nats lower than the best maximum of its row.
    """
    n, k = starts.shape[:2]
    row = np.repeat(np.arange(n), k)
    position = sphere.points(starts.reshape(-1, 2))
    similarity, slope, metric = slopes(row, position)
    damping = np.full(n * k, 1e-2)
    active = np.ones(n * k, bool)
    for _ in range(settings.steps):
        gain, step = steps(similarity, slope, metric, damping, settings.longest_km)
        best = similarity.reshape(n, k).max(axis=1)[row]
        nats = concentration(best, dim) * (best - similarity - 2 * gain)
        worth = concentration(best, dim) * gain
        active &= (nats < patience) & (worth > 1e-3) & (np.hypot(*step.T) > 2e-4)
        if not active.any():
            break
        rows = np.flatnonzero(active)
        ahead = moved(position[rows], step[rows])
        new_similarity, new_slope, new_metric = slopes(row[rows], ahead)
        better = new_similarity > similarity[rows]
        taken = rows[better]
        position[taken], similarity[taken] = ahead[better], new_similarity[better]
        slope[taken], metric[taken] = new_slope[better], new_metric[better]
        damping[rows] = np.where(better, damping[rows] / 10, damping[rows] * 10)
        active[rows[damping[rows] > 1e4]] = False
    gain, _ = steps(similarity, slope, metric, np.zeros(n * k), settings.longest_km)
    best = similarity.reshape(n, k).max(axis=1)[row]
    given_up = concentration(best, dim) * (best - similarity - 2 * gain) >= patience
    similarity = np.where(given_up, -np.inf, similarity)
    return Hills(position.reshape(n, k, 2), similarity.reshape(n, k), metric.reshape(n, k, 2, 2))


def starts_among(near: NDArray[np.float64], settings: ClimbSettings) -> NDArray[np.float64]:
    """Return starts (n, hills, 2) from the most similar places (n, m, 2), best first, at least ``apart_km`` apart."""
    rows, count = np.arange(len(near)), min(settings.hills, near.shape[1])
    chosen = np.empty((len(near), count, 2))
    free = np.ones(near.shape[:2], bool)
    for number in range(count):
        first = np.where(free.any(axis=1), free.argmax(axis=1), 0)  # where no place is left, repeat the best
        chosen[:, number] = near[rows, first]
        free &= sphere.distance_km(near, chosen[:, number, None]) > settings.apart_km
    return chosen


def concentration(cosine: NDArray[np.floating], dim: int) -> NDArray[np.float64]:
    """Return the concentration of a von Mises-Fisher distribution in ``dim`` dimensions, from the mean cosine.

    It is the log density in nats per unit of the cosine with the centre (approximation of Banerjee et al. 2005).
    """
    c = np.clip(cosine, 1e-3, 1 - 1e-7)
    result: NDArray[np.float64] = c * (dim - c * c) / (1 - c * c)
    return result


def steps(
    similarity: NDArray[np.floating],
    slope: NDArray[np.float64],
    metric: NDArray[np.float64],
    damping: NDArray[np.float64],
    longest_km: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the expected gain (m,) and the step (m, 2) in km, north and east, to the maximum.

    The maximum is estimated from the slope (m, 2) and the metric (m, 2, 2).
    """
    curvature = metric * np.maximum(similarity, 0.05)[:, None, None]
    size = np.trace(curvature, axis1=1, axis2=2)
    curvature = curvature + (damping * size + 1e-12)[:, None, None] * np.eye(2)
    step = np.linalg.solve(curvature, slope[..., None])[..., 0]
    length = np.hypot(*step.T)
    step *= np.minimum(1, longest_km / np.maximum(length, 1e-12))[:, None]
    return np.maximum((slope * step).sum(1) / 2, 0), step


def moved(positions: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return positions (m, 2) after steps (m, 2) in km, north and east."""
    return sphere.move(positions, np.degrees(np.arctan2(step[:, 1], step[:, 0])), np.hypot(*step.T))


def without_repeats(hills: Hills, same_km: float = 0.05) -> NDArray[np.floating]:
    """Return the similarities (n, k), with -inf for a hill that a better climb has reached too."""
    similarity = hills.similarity.copy()
    for later in range(1, similarity.shape[1]):
        near = sphere.distance_km(hills.positions[:, :later], hills.positions[:, later, None]) < same_km
        again = near & (similarity[:, :later] > -np.inf)
        keep = np.where(again, similarity[:, :later], -np.inf).max(axis=1)
        first = np.where(again, similarity[:, :later], -np.inf).argmax(axis=1)
        twice = np.flatnonzero(again.any(axis=1))
        drop_later = twice[keep[twice] >= similarity[twice, later]]
        drop_first = twice[keep[twice] < similarity[twice, later]]
        similarity[drop_first, first[drop_first]] = -np.inf
        similarity[drop_later, later] = -np.inf
    return similarity
