"""Scores for a method that answers only the photos it is most sure of: the risk-coverage curve and its area."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whereshot.evaluate.base import Column, Metric, Scored, Sums

BINS = 256
"""Largest number of steps of the curve. Photos of equal confidence are in the same step."""

RISKS_KM = (25, 200, 750)
"""Distances in km; an error above a distance is a miss."""

_PHOTOS = "photos by confidence"


def misses(km: float) -> str:
    """Return the name of the column of misses at a distance."""
    return f"misses at {km:g} km by confidence"


def risk_columns(km: float, scored: Scored) -> dict[str, Column] | None:
    """Return the columns of photos and misses, in steps of falling confidence; None without a confidence."""
    step = scored.once("confidence steps", lambda: _steps(scored))
    if step is None:
        return None
    width = int(step.max()) + 1
    return {_PHOTOS: Column(np.ones(len(step)), step, width), misses(km): Column(1 - scored.hit(km), step, width)}


def _steps(scored: Scored) -> NDArray[np.int64] | None:
    confidence = scored.confidence()
    if confidence is None:
        return None
    levels, step = np.unique(-confidence, return_inverse=True)
    if len(levels) <= BINS:
        return step
    rank = np.searchsorted(np.sort(-confidence), -confidence)  # equal confidences have equal ranks
    return np.unique(rank * BINS // len(rank), return_inverse=True)[1]


def aurc(km: float) -> Metric:
    """Return the area under the risk-coverage curve; smaller is better (Geifman and El-Yaniv 2017).

    The risk is the share of misses at a distance. Photos of equal confidence are in random order.
    """

    def value(scored: Scored, sums: Sums) -> NDArray[np.float64]:
        photos, lost = (np.asarray(sums[name], np.float64) for name in (_PHOTOS, misses(km)))
        before, missed = np.cumsum(photos, axis=1) - photos, np.cumsum(lost, axis=1) - lost
        rate = np.divide(lost, photos, out=np.zeros_like(lost), where=photos > 0)
        # the integral of (missed + rate t) / (before + t) over a step
        grows = np.log1p(np.divide(photos, before, out=np.zeros_like(photos), where=before > 0))
        result: NDArray[np.float64] = (rate * photos + (missed - rate * before) * grows).sum(axis=1) / photos.sum(
            axis=1
        )
        return result

    return Metric(lambda scored: risk_columns(km, scored), value, curved=True)


def risk_curve(km: float, sums: Sums) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the share of answered photos and the risk among them after each step, each (draws, steps)."""
    photos, lost = (np.cumsum(sums[name], axis=1, dtype=np.float64) for name in (_PHOTOS, misses(km)))
    risk = np.divide(lost, photos, out=np.full_like(lost, np.nan), where=photos > 0)
    return photos / photos[:, -1:], risk
