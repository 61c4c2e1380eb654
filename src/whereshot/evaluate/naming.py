"""Positions in, numbers of their country, first-order division and nearest town out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import place_names
from whereshot.earth.towns import gazetteer
from whereshot.evaluate.base import Truth

_SAMPLE = 5000  # positions by which it is judged whether many are the same


def named(points: NDArray[np.float64]) -> dict[str, NDArray[np.int64]]:
    """The number (n,) of the country, the first-order division and the nearest town of positions; -1 for none."""
    spots = np.ascontiguousarray(points).view(np.complex128)[:, 0]
    some = spots[: _SAMPLE * (len(spots) // _SAMPLE) : max(1, len(spots) // _SAMPLE)]
    if len(np.unique(some)) > 0.9 * len(some):
        return _named(points)
    own, inverse = np.unique(spots, return_inverse=True)  # the same few places again and again
    return {level: number[inverse] for level, number in _named(own.view(np.float64).reshape(-1, 2)).items()}


def _named(points: NDArray[np.float64]) -> dict[str, NDArray[np.int64]]:
    country, region = place_names.region_index(points).T
    return {"country": country, "region": region, "city": gazetteer().nearest(points)[1]}


def named_truth(truth: Truth) -> dict[str, NDArray[np.int64]]:
    """The same of where photos were taken, made once."""
    return truth.once("named", lambda: named(truth.points))
