"""Are stated probabilities and circles true: expected calibration error, Brier score, coverage and area of circles."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.evaluate.base import Column, Metric, Scored, Sums, mean_of

BINS = 15
"""Bins of equal width of stated probabilities (Guo et al. 2017)."""


def _stated(scored: Scored, km: float) -> NDArray[np.float64] | None:
    """The stated P(error <= km) of each photo; none was stated, so 0, where there is no answer."""
    stated = scored.answers.within.get(km)
    return None if stated is None else np.where(scored.failed, 0.0, np.clip(np.nan_to_num(stated), 0.0, 1.0))


def _reliability(km: float) -> tuple[str, str, str]:
    by = f"by stated P(error <= {km:g} km)"
    return f"photos {by}", f"hits {by}", f"stated {by}"


def reliability_columns(km: float, scored: Scored) -> dict[str, Column] | None:
    """Photos, hits and stated probabilities, in bins of what was stated."""
    stated = _stated(scored, km)
    if stated is None:
        return None
    code = np.minimum((stated * BINS).astype(np.int64), BINS - 1)
    parts = (np.ones(len(stated)), scored.hit(km), stated)
    return {name: Column(part, code, BINS) for name, part in zip(_reliability(km), parts, strict=True)}


def ece(km: float) -> Metric:
    """Expected calibration error of P(error <= km): mean over photos of |share of hits - stated| of their bin."""

    def value(scored: Scored, sums: Sums) -> NDArray[np.float64]:
        _, hits, stated = (sums[name] for name in _reliability(km))
        result: NDArray[np.float64] = np.abs(hits - stated).sum(axis=1) / sums["photos"][:, 0]
        return result

    return Metric(lambda scored: reliability_columns(km, scored), value, curved=True)


def reliability(km: float, sums: Sums) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean stated probability and share of hits of each bin, (draws, bins); NaN in empty bins."""
    photos, hits, stated = (np.asarray(sums[name], np.float64) for name in _reliability(km))
    with np.errstate(invalid="ignore", divide="ignore"):
        return stated / photos, hits / photos


def brier(km: float) -> Metric:
    """Brier score of P(error <= km): the mean squared difference from what happened (Brier 1950)."""

    def squared(scored: Scored) -> NDArray[np.float64] | None:
        stated = _stated(scored, km)
        return None if stated is None else (stated - scored.hit(km)) ** 2

    return mean_of(f"brier_{km:g}", squared)


def coverage(level: float) -> Metric:
    """Share of photos inside their own circle of a level."""

    def inside(scored: Scored) -> NDArray[np.float64] | None:
        radius = scored.answers.radius_km.get(level)
        return None if radius is None else scored.hit(np.nan_to_num(radius))

    return mean_of(f"coverage_{round(100 * level)}", inside)


def circle_area(level: float) -> Metric:
    """Mean area in km² of the circles of a level; the whole Earth for a photo without an answer."""

    def area(scored: Scored) -> NDArray[np.float64] | None:
        radius = scored.answers.radius_km.get(level)
        if radius is None:
            return None
        angle = np.minimum(np.where(scored.failed, np.inf, radius) / sphere.EARTH_KM, math.pi)
        return np.nan_to_num(sphere.EARTH_AREA_KM2 * np.sin(angle / 2) ** 2, nan=sphere.EARTH_AREA_KM2)

    return mean_of(f"area_{round(100 * level)}_km2", area)
