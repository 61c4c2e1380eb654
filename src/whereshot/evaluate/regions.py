"""Scores of regions of highest density: how often they contain the truth, their area, and recall by searched area."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.evaluate.base import Metric, Scored, mean_of

SEARCHED_KM2 = (1e2, 1e4, 1e6)
"""Areas in km²: a town, a province, a large country."""


def region_coverage(level: float) -> Metric:
    """Return the share of photos whose true place is in the smallest region with a given share of the mass."""

    def inside(scored: Scored) -> NDArray[np.float64] | None:
        own = scored.answers.region_level
        return None if own is None else (~scored.failed & (np.nan_to_num(own, nan=2.0) <= level)).astype(np.float64)

    return mean_of(f"region_coverage_{round(100 * level)}", inside)


def region_area(level: float) -> Metric:
    """Return the mean area of that region in km²; the whole Earth for a photo without an answer."""

    def area(scored: Scored) -> NDArray[np.float64] | None:
        own = scored.answers.region_area_km2.get(level)
        return None if own is None else np.where(scored.failed | np.isnan(own), sphere.EARTH_AREA_KM2, own)

    return mean_of(f"region_area_{round(100 * level)}_km2", area)


def _searched(scored: Scored) -> NDArray[np.float64] | None:
    own = scored.answers.searched_km2
    return None if own is None else np.where(scored.failed | np.isnan(own), sphere.EARTH_AREA_KM2, own)


def recall(area_km2: float) -> Metric:
    """Return the share of photos that are found by searching an area in km², the likeliest places first."""

    def found(scored: Scored) -> NDArray[np.float64] | None:
        searched = _searched(scored)
        return None if searched is None else (searched <= area_km2).astype(np.float64)

    return mean_of(f"recall_{area_km2:.0f}_km2", found)


def recall_curve(scored: Scored, areas_km2: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the share of photos (m,) that are found by searching each of the areas (m,) in km²."""
    searched = _searched(scored)
    return None if searched is None else np.searchsorted(np.sort(searched), areas_km2, side="right") / len(searched)
