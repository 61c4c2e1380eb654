"""Sum and normalise numbers that are given as logarithms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def log_sum_exp(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return log(sum(exp(values))) over the last axis: (..., k) becomes (...). An empty sum is -inf."""
    peak = values.max(axis=-1, initial=-np.inf)
    finite = np.where(np.isfinite(peak), peak, 0.0)
    with np.errstate(divide="ignore"):
        result: NDArray[np.float64] = finite + np.log(np.exp(values - finite[..., None]).sum(axis=-1))
        return result


def log_softmax(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the logarithms of the probabilities, in proportion to exp(scores), along the last axis."""
    shifted = np.asarray(scores, np.float64) - np.max(scores, axis=-1, keepdims=True)
    result: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result
