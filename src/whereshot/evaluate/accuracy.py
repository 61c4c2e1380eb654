"""Scores of the error in km: accuracy within a distance, GeoScore, mean and quantiles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whereshot.evaluate.base import Column, Metric, Scored, mean_of

BINS = 1024
"""Number of bins of photos in the order of their errors. Inside a bin a quantile is interpolated."""

_BY_ERROR = "photos by error"


def accuracy(km: float) -> Metric:
    """Return the share of photos within a distance."""
    return mean_of(f"accuracy_{km:g}", lambda scored: scored.hit(km))


geoscore = mean_of("geoscore", Scored.geoscore)
"""Mean over photos of 5000 exp(-error / 1492.7 km) (Astruc et al. 2024)."""

mean_km = mean_of("mean_km", lambda scored: scored.error_km)


def quantile_km(share: float) -> Metric:
    """Return the quantile of the errors at a share of the photos; between two photos the mean of their errors."""
    return Metric(_by_error, lambda scored, sums: _quantile(scored, sums[_BY_ERROR], share))


def _by_error(scored: Scored) -> dict[str, Column]:
    order, n = _order(scored), len(scored)
    lot = np.empty(n, np.int64)
    lot[order] = np.arange(n) * min(n, BINS) // n
    return {_BY_ERROR: Column(np.ones(n), lot, min(n, BINS))}


def _order(scored: Scored) -> NDArray[np.int64]:
    return scored.once("order", lambda: np.argsort(scored.error_km, kind="stable"))


def _quantile(scored: Scored, weights: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    errors = scored.once("sorted errors", lambda: scored.error_km[_order(scored)])
    cumulated = np.cumsum(weights, axis=1, dtype=np.float64)
    wanted = share * cumulated[:, -1:]
    tiny = 1e-9 * cumulated[:, -1:]
    reached = (cumulated >= wanted - tiny).argmax(axis=1)
    if len(errors) <= BINS:  # every photo has its own bin: weights are numbers of copies
        beyond = np.minimum((cumulated > wanted + tiny).argmax(axis=1), len(errors) - 1)
        middle: NDArray[np.float64] = (errors[reached] + errors[beyond]) / 2
        return middle
    rows, n = np.arange(len(cumulated)), len(errors)
    starts = -(-np.arange(BINS + 1) * n // BINS)
    weight = weights[rows, reached].astype(np.float64)
    inside = (wanted[:, 0] - (cumulated[rows, reached] - weight)) / weight
    position = starts[reached] + inside * (starts[reached + 1] - starts[reached])
    result: NDArray[np.float64] = np.interp(position, np.arange(n) + 0.5, errors)
    return result
