"""Sums and normalisation of numbers that are kept as logarithms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def log_sum_exp(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """The log of the sum (...) of the exponentials of values (..., k); of none, or of -inf alone, -inf."""
    peak = values.max(axis=-1, initial=-np.inf)
    finite = np.where(np.isfinite(peak), peak, 0.0)
    with np.errstate(divide="ignore"):
        result: NDArray[np.float64] = finite + np.log(np.exp(values - finite[..., None]).sum(axis=-1))
        return result


def log_softmax(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Log probabilities of scores along the last axis."""
    shifted = np.asarray(scores, np.float64) - np.max(scores, axis=-1, keepdims=True)
    result: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result
