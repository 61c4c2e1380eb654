"""Split conformal prediction on the sphere: held-out photos give factors for circles and thresholds for sets of cells.

The guarantee: of new photos, a share of at least ``level`` lies inside, on average over held-out sets. The new photos
must be exchangeable with the held-out ones: drawn in the same way, and not seen in training. With groups, the guarantee
is for each group. It does not cover photos of another kind.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whereshot.foundation.errors import InputError

GUARANTEE = (
    "circles with the corrected radius, and sets of cells below the threshold, hold the truth of at least the stated "
    "share of new photos, on average over held-out sets; by group, within each group"
)
ASSUMPTION = (
    "the held-out and the new photos are exchangeable: drawn in the same way, and not seen in training; there is no "
    "guarantee for photos of another kind, or for a single photo"
)
ALL = "all"
"""The group of all photos. Its threshold is used for groups without held-out photos."""


def rank(level: float, photos: int) -> int | None:
    """Return the rank, from 0, of the held-out score that is the threshold: ceil(level (n + 1)) - 1.

    It is None where there are too few photos.
    """
    at = math.ceil(level * (photos + 1) - 1e-9) - 1
    return at if at < photos else None


def threshold(scores: ArrayLike, level: float) -> float:
    """Return the (n + 1)-corrected quantile of held-out scores (n,); infinity where they are too few for the level."""
    if not 0 < level < 1:
        raise InputError(f"a level lies between 0 and 1; got {level:g}")
    ordered = np.sort(np.asarray(scores, np.float64))
    at = rank(level, len(ordered))
    return math.inf if at is None else float(ordered[max(at, 0)])


def by_group(scores: ArrayLike, groups: ArrayLike | None, level: float) -> dict[Hashable, float]:
    """Return the threshold of all photos under "all", and the threshold of each group (Mondrian: Vovk et al. 2003)."""
    scores = np.asarray(scores, np.float64)
    found: dict[Hashable, float] = {ALL: threshold(scores, level)}
    if groups is not None:
        groups = np.asarray(groups)
        found |= {name: threshold(scores[groups == name], level) for name in np.unique(groups).tolist()}
    return found


def of_group(thresholds: Mapping[Hashable, float], groups: ArrayLike | None, count: int) -> NDArray[np.float64]:
    """Return the threshold (n,) of each photo by its group; an unknown group has the threshold of all photos."""
    if groups is None:
        return np.full(count, thresholds[ALL])
    return np.array([thresholds.get(name, thresholds[ALL]) for name in np.asarray(groups).tolist()])


def conformal_factor(
    error_km: ArrayLike, radius_km: ArrayLike, level: float, weights: ArrayLike | None = None
) -> float:
    """Return the factor on radii with which a share ``level`` of held-out errors lies inside the circles.

    It is the (n + 1)-corrected quantile of error / radius: split conformal prediction with the radius as the measure of
    difficulty (Papadopoulos et al. 2002; with weights, Tibshirani et al. 2019). Raises InputError without photos.
    """
    ratio = np.asarray(error_km, float) / np.asarray(radius_km, float)
    if len(ratio) == 0:
        raise InputError("a conformal factor needs at least one held-out photo")
    weight = np.ones(len(ratio)) if weights is None else np.asarray(weights, float)
    order = np.argsort(ratio)
    total = weight.sum()
    # the new photo counts as one more score of average weight, above all others
    cumulated = np.cumsum(weight[order]) / (total + total / len(ratio))
    row = min(int(np.searchsorted(cumulated, level, side="left")), len(ratio) - 1)
    return float(ratio[order][row])


def cell_scores(log_mass: ArrayLike, area_sr: ArrayLike) -> NDArray[np.float64]:
    """Return the conformal score of cells: minus the log of their density, which is mass / area.

    The result has the shape of ``log_mass``. Sets of all cells below one threshold of this score have the smallest mean
    area of all sets with the same coverage (Sadinle et al. 2019, with areas as the measure of size).
    """
    return np.log(np.asarray(area_sr, np.float64)) - np.asarray(log_mass, np.float64)


def cell_sets(log_mass: ArrayLike, area_sr: ArrayLike, limit: ArrayLike) -> NDArray[np.bool_]:
    """Return which cells (n, k) are in the set of each photo, for thresholds (n,) or one; always the densest cell."""
    scores = cell_scores(log_mass, area_sr)
    chosen = scores <= np.reshape(limit, (-1, 1)) + 1e-12
    chosen[np.arange(len(scores)), scores.argmin(axis=1)] = True
    return chosen


@dataclass(frozen=True)
class Temperature:
    """The divisor of the logits of a level, and the mean held-out NLL in nats before and after."""

    temperature: float
    before: float
    after: float


def fit_temperature(log_mass: ArrayLike, target: ArrayLike) -> Temperature:
    """Return the temperature with the highest likelihood of the true cells (Guo et al. 2017).

    ``target`` (n,) is the cell of each photo and ``log_mass`` (n, k) the masses. Photos with target -1, outside of all
    cells, are left out. Raises InputError where no photo is left.
    """
    from scipy.optimize import minimize_scalar

    cell = np.asarray(target, np.int64)
    inside = cell >= 0
    if not inside.any():
        raise InputError("a temperature needs at least one held-out photo inside the cells")
    known, cell = np.asarray(log_mass, np.float64)[inside], cell[inside]
    known = np.maximum(known, known.max(axis=1, keepdims=True) - 700.0)
    rows = np.arange(len(cell))

    def nll(log_temperature: float) -> float:
        scaled = known / math.exp(log_temperature)
        peak = scaled.max(axis=1)
        total = peak + np.log(np.exp(scaled - peak[:, None]).sum(axis=1))
        return float((total - scaled[rows, cell]).mean())

    best = minimize_scalar(nll, bounds=(math.log(0.05), math.log(20.0)), method="bounded")
    return Temperature(math.exp(best.x), nll(0.0), float(best.fun))
