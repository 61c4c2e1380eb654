"""Whitening: unit features in which photos of the same place are alike.

The pooled features of a backbone go through a signed square root, are centred, and are whitened by how features differ
within a place. NumPy only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whereshot.foundation.errors import InputError

POWER = 0.5
USUAL_COUNTS = 20
SHRINKAGE = 0.4
"""Weight of the mean eigenvalue in the covariance, where there are enough photos to estimate it."""


@dataclass(frozen=True)
class Whitening:
    """``mean`` (d,) of the powered features, and ``factor`` (d, d), whose square is the inverse covariance."""

    mean: NDArray[np.float32]
    factor: NDArray[np.float32]

    def __call__(self, pooled: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return unit features (n, d) of pooled features (n, d)."""
        return _unit(_unit(powered(pooled) - self.mean) @ self.factor)


def powered(pooled: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the signed square root (n, d). It reduces the weight of few large activations (Jegou and Chum 2012)."""
    values = np.asarray(pooled, np.float32)
    return np.sign(values) * np.abs(values) ** np.float32(POWER)


def fit(pooled: NDArray[np.floating], place: NDArray[np.int64], usual: NDArray[np.floating] | None = None) -> Whitening:
    """Fit a whitening to pooled features (n, d) and each photo's place (n,). Raises InputError without a photo.

    Whitening by the covariance within classes is what linear discriminant analysis does; its estimate is shrunk
    towards a multiple of the identity, completely where no place has two photos. ``usual`` (d,) is the mean feature of
    other photos. It counts as twenty photos, because the mean of a few photos is a poor centre.
    """
    from scipy.linalg import cholesky, solve_triangular  # only fitting needs these modules

    if len(pooled) == 0:
        raise InputError("there is no photo to learn from")
    values = powered(pooled)
    mean = values.mean(axis=0)
    if usual is not None:
        mean = (len(values) * mean + USUAL_COUNTS * np.asarray(usual, np.float32)) / (len(values) + USUAL_COUNTS)
    unit = _unit(values - mean)
    _, number, counts = np.unique(place, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), unit.shape[1]), np.float32)
    np.add.at(sums, number, unit)
    several = counts[number] > 1
    within = (unit - sums[number] / counts[number, None])[several]
    dim = unit.shape[1]
    trust = (1 - SHRINKAGE) * min(1.0, len(within) / dim)
    factor = np.eye(dim, dtype=np.float32)
    if len(within):
        covariance = within.T.astype(np.float64) @ within / len(within)
        scale = max(float(np.trace(covariance)) / dim, 1e-12)
        shrunk = trust * covariance / scale + (1 - trust) * np.eye(dim)
        lower = cholesky(shrunk, lower=True, overwrite_a=True, check_finite=False)
        factor = solve_triangular(lower, np.eye(dim), lower=True, check_finite=False).T.astype(np.float32)
    return Whitening(mean, np.ascontiguousarray(factor))


def _unit(values: NDArray[np.floating]) -> NDArray[np.float32]:
    length = np.linalg.norm(values, axis=1, keepdims=True)
    result: NDArray[np.float32] = np.divide(values, length, out=np.zeros_like(values, np.float32), where=length > 0)
    return result
