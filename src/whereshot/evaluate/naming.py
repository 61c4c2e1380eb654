"""Find the country, the first-order division and the nearest town of positions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import place_names
from whereshot.earth.towns import gazetteer
from whereshot.evaluate.base import Truth

_SAMPLE = 5000  # number of positions that are checked for repetitions


def named(points: NDArray[np.float64]) -> dict[str, NDArray[np.int64]]:
    """Return the number (n,) of the country, the first-order division and the nearest town of positions; -1 for none.

    The keys are "country", "region" and "city". Repeated positions are looked up once.
    """
    codes = np.ascontiguousarray(points).view(np.complex128)[:, 0]
    sample = codes[: _SAMPLE * (len(codes) // _SAMPLE) : max(1, len(codes) // _SAMPLE)]
    if len(np.unique(sample)) > 0.9 * len(sample):
        return _named(points)
    distinct, inverse = np.unique(codes, return_inverse=True)
    return {level: number[inverse] for level, number in _named(distinct.view(np.float64).reshape(-1, 2)).items()}


def _named(points: NDArray[np.float64]) -> dict[str, NDArray[np.int64]]:
    country, region = place_names.region_index(points).T
    return {"country": country, "region": region, "city": gazetteer().nearest(points)[1]}


def named_truth(truth: Truth) -> dict[str, NDArray[np.int64]]:
    """Return the numbers of ``named`` for the true positions; computed once."""
    return truth.once("named", lambda: named(truth.points))
