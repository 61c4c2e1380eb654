"""Scores of stated probabilities and circles: calibration error, Brier score, coverage and area of circles."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.evaluate.base import Column, Metric, Scored, Sums, mean_of

BINS = 15
"""Number of bins of equal width for stated probabilities (Guo et al. 2017)."""


def _stated(scored: Scored, km: float) -> NDArray[np.float64] | None:
    """Return the stated P(error <= km) of each photo; 0 for a photo without an answer."""
    stated = scored.answers.within.get(km)
    return None if stated is None else np.where(scored.failed, 0.0, np.clip(np.nan_to_num(stated), 0.0, 1.0))


def _reliability(km: float) -> tuple[str, str, str]:
    by = f"by stated P(error <= {km:g} km)"
    return f"photos {by}", f"hits {by}", f"stated {by}"


def reliability_columns(km: float, scored: Scored) -> dict[str, Column] | None:
    """Return the columns of photos, hits and stated probabilities, in bins of the stated probability."""
    stated = _stated(scored, km)
    if stated is None:
        return None
    code = np.minimum((stated * BINS).astype(np.int64), BINS - 1)
    parts = (np.ones(len(stated)), scored.hit(km), stated)
    return {name: Column(part, code, BINS) for name, part in zip(_reliability(km), parts, strict=True)}


def ece(km: float) -> Metric:
    """Return the expected calibration error of P(error <= km): the mean over photos of |hits - stated| of their bin."""

    def value(scored: Scored, sums: Sums) -> NDArray[np.float64]:
        _, hits, stated = (sums[name] for name in _reliability(km))
        result: NDArray[np.float64] = np.abs(hits - stated).sum(axis=1) / sums["photos"][:, 0]
        return result

    return Metric(lambda scored: reliability_columns(km, scored), value, curved=True)


def reliability(km: float, sums: Sums) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean stated probability and the share of hits of each bin, (draws, bins); NaN for empty bins."""
    photos, hits, stated = (np.asarray(sums[name], np.float64) for name in _reliability(km))
    with np.errstate(invalid="ignore", divide="ignore"):
        return stated / photos, hits / photos


def bin_photos(km: float, sums: Sums) -> NDArray[np.int64]:
    """Return the number of photos in each bin of the stated probability, (bins,), over all photos."""
    return np.asarray(sums[_reliability(km)[0]][0]).astype(np.int64)


def brier(km: float) -> Metric:
    """Return the Brier score of P(error <= km): its mean squared difference from the outcome (Brier 1950)."""

    def squared(scored: Scored) -> NDArray[np.float64] | None:
        stated = _stated(scored, km)
        return None if stated is None else (stated - scored.hit(km)) ** 2

    return mean_of(f"brier_{km:g}", squared)


def coverage(level: float) -> Metric:
    """Return the share of photos inside their own circle of a level."""

    def inside(scored: Scored) -> NDArray[np.float64] | None:
        radius = scored.answers.radius_km.get(level)
        return None if radius is None else scored.hit(np.nan_to_num(radius))

    return mean_of(f"coverage_{round(100 * level)}", inside)


def circle_area(level: float) -> Metric:
    """Return the mean area in km² of the circles of a level; the whole Earth for a photo without an answer."""

    def area(scored: Scored) -> NDArray[np.float64] | None:
        radius = scored.answers.radius_km.get(level)
        if radius is None:
            return None
        angle = np.minimum(np.where(scored.failed, np.inf, radius) / sphere.EARTH_KM, math.pi)
        return np.nan_to_num(sphere.EARTH_AREA_KM2 * np.sin(angle / 2) ** 2, nan=sphere.EARTH_AREA_KM2)

    return mean_of(f"area_{round(100 * level)}_km2", area)
