"""The bootstrap: sums of columns over all photos, and over photos that are drawn by whole clusters.

Scores are functions of sums. So all draws are a product of two matrices: how often each cluster is drawn, and what it
adds to each sum. All scores use the same draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whereshot.evaluate.base import Column, Protocol, Sums
from whereshot.evaluate.results import Value

GROUPS = 8192
"""Largest number of units. More clusters are combined at random into this number of groups, which are drawn as wholes.
The expected variance of a sum does not change. Its error is sqrt(2 / 8192), 1.6 %, which is less than the error of
1,000 draws (4.5 %)."""
INTERVAL_DRAWS = 1000
_CHUNK = 1024  # number of units in one block
_EXACT = 3e9  # largest number of products for which sums are computed in double precision


def units(cluster: NDArray[Any] | None, photos: int, seed: int) -> tuple[NDArray[np.int64], int]:
    """Return the unit (n,) of each photo, and the number of units. A unit is drawn as a whole."""
    if cluster is None:
        unit, count = np.arange(photos), photos
    else:
        names, unit = np.unique(np.asarray(cluster), return_inverse=True)
        count = len(names)
    if count <= GROUPS:
        return unit, count
    return (np.random.default_rng([seed, 1]).permutation(count) % GROUPS)[unit], GROUPS


def draw_units(count: int, draws: int, seed: int) -> Iterator[tuple[slice, NDArray[np.int64]]]:
    """Yield how often each unit is drawn with replacement, in blocks of (draws, units)."""
    rng = np.random.default_rng(seed)
    starts = np.arange(0, count, _CHUNK)
    sizes = np.minimum(count - starts, _CHUNK)
    of_chunk = rng.multinomial(count, sizes / count, size=draws)
    for start, size, drawn in zip(starts.tolist(), sizes.tolist(), of_chunk.T, strict=True):
        row = np.repeat(np.arange(draws) * size, drawn)
        row += rng.integers(0, size, len(row))
        yield slice(start, start + size), np.bincount(row, minlength=draws * size).reshape(draws, size)


def interval_of_mean(
    values: NDArray[np.floating], weight: NDArray[np.float64], cluster: NDArray[Any], seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % interval of the mean of values (n,) with weights (n,), drawn by whole clusters (n,)."""
    unit, count = units(cluster, len(values), seed)
    adds = np.stack([np.bincount(unit, part, minlength=count) for part in (values * weight, weight)], axis=1)
    sums = np.zeros((INTERVAL_DRAWS, 2))
    for chunk, drawn in draw_units(count, INTERVAL_DRAWS, seed):
        sums += drawn @ adds[chunk]
    low, high = np.nanquantile(sums[:, 0] / np.maximum(sums[:, 1], 1e-300), [0.025, 0.975])
    return float(low), float(high)


def plain_sums(columns: Mapping[str, Column]) -> dict[str, NDArray[np.float64]]:
    """Return the sums (1, width) of columns over all photos."""
    return {
        name: np.array([[column.values.sum()]])
        if column.code is None
        else np.asarray(np.bincount(column.code, column.values, minlength=column.width), np.float64)[None]
        for name, column in columns.items()
    }


def drawn_sums(columns: Mapping[str, Column], cluster: NDArray[Any] | None, protocol: Protocol) -> Sums:
    """Return the sums (draws, width) over photos that are drawn by clusters. Equal seeds give equal draws."""
    photos = len(next(iter(columns.values())).values)
    unit, count = units(cluster, photos, protocol.seed)
    by_unit = None if cluster is None and count == photos else np.argsort(unit, kind="stable")
    first = np.searchsorted(unit if by_unit is None else unit[by_unit], np.arange(count + 1))
    ends = np.cumsum([0, *(column.width for column in columns.values())])
    exact = float(ends[-1]) * count * protocol.draws <= _EXACT
    dtype = np.float64 if exact else np.float32
    total = np.zeros((protocol.draws, ends[-1]), dtype)
    for chunk, drawn in draw_units(count, protocol.draws, protocol.seed):
        rows = slice(first[chunk.start], first[chunk.stop])
        size = chunk.stop - chunk.start
        photo = rows if by_unit is None else by_unit[rows]
        own = unit[photo] - chunk.start
        adds = np.empty((size, ends[-1]), dtype)
        for (_, column), start in zip(columns.items(), ends, strict=False):
            key = own if column.code is None else own * column.width + column.code[photo]
            summed = np.bincount(key, column.values[photo], minlength=size * column.width)
            adds[:, start : start + column.width] = summed.reshape(size, column.width)
        total += drawn.astype(dtype) @ adds
    return {
        name: total[:, start : start + column.width]
        for (name, column), start in zip(columns.items(), ends, strict=False)
    }


def ends(drawn: NDArray[np.float64], protocol: Protocol) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ends (m,), (m,) of the percentile intervals of draws (draws, m). NaN draws are left out."""
    ordered = np.sort(drawn, axis=0)  # NaN last
    known = np.isfinite(ordered).sum(axis=0)
    columns = np.arange(ordered.shape[1])

    def quantile(share: float) -> NDArray[np.float64]:
        at = share * np.maximum(known - 1, 0)
        below = np.floor(at).astype(np.int64)
        above = np.minimum(below + 1, np.maximum(known - 1, 0))
        low, high = ordered[below, columns], ordered[above, columns]
        return np.where(known > 0, low + (high - low) * (at - below), np.nan)

    return quantile((1 - protocol.interval) / 2), quantile((1 + protocol.interval) / 2)


def interval(
    value: float, drawn: NDArray[np.float64], protocol: Protocol, curved: bool = False
) -> tuple[Value, NDArray[np.float64]]:
    """Return a score with its percentile interval, and its draws.

    The draws of a ``curved`` score are moved to centre on its value.
    """
    drawn = np.asarray(drawn, np.float64)
    known = drawn[np.isfinite(drawn)]
    if len(known) == 0 or not np.isfinite(value):
        return Value(float(value), float("nan"), float("nan")), drawn
    if curved:
        shift = value - known.mean()
        drawn, known = drawn + shift, known + shift
    low, high = np.quantile(known, [(1 - protocol.interval) / 2, (1 + protocol.interval) / 2])
    return Value(float(value), float(low), float(high)), drawn
