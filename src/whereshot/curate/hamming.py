"""Hashes of 64 bits -> for each one, an earlier or another one that differs in few bits; for many millions.

Two hashes that differ in at most d bits agree in at least b - d of b blocks, so they share one of the C(b, d) keys
that b - d blocks make (Manku, Jain and Das Sarma 2007). Each key is one sort and one search; how many blocks is a
matter of how many hashes there are. Memory: some numbers for each hash, and candidates some millions at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from whereshot.curate.hashes import distance

Hashes = NDArray[np.uint64]

MOST_BITS = 16
"""Beyond which too many hashes agree by chance for this to be quick, or of use."""

_BASE = 1024
_CANDIDATES = 1 << 21
_PROBE_COST = 8.0
"""What sorting and finding one hash costs, in comparisons of two."""


def earliest(known: Hashes, asked: Hashes, most: int) -> NDArray[np.int64]:
    """For each asked hash (m,) the first of the known (n,) that differs in at most ``most`` bits; -1: none."""
    known, asked = np.asarray(known, np.uint64), np.asarray(asked, np.uint64)
    found = np.full(len(asked), len(known), np.int64)
    if not len(known) or not len(asked):
        return np.full(len(asked), -1, np.int64)
    if len(known) * len(asked) <= 4 * _BASE**2:
        step = max(1, _CANDIDATES // len(known))
        for start in range(0, len(asked), step):
            near = distance(asked[start : start + step, None], known[None, :]) <= most
            found[start : start + step] = np.where(near.any(axis=1), near.argmax(axis=1), len(known))
    else:
        for mask in _keys(len(known), len(asked), most):
            for row, candidate in _same(known & mask, asked & mask):
                near = distance(asked[row], known[candidate]) <= most
                np.minimum.at(found, row[near], candidate[near])
    return np.where(found < len(known), found, -1)


def leaders(hashes: Hashes, most: int) -> NDArray[np.int64]:
    """In order, each hash (n,) is kept, or dropped for the first kept one that differs in at most ``most`` bits.

    The row (n,) of what it is dropped for; its own where it is kept. So every dropped row names a kept one.
    """
    hashes = np.asarray(hashes, np.uint64)
    unique, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")  # by where each occurs first
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    chosen = _leaders(unique[order], most)
    return first[order][chosen[place[inverse.ravel()]]]


def _leaders(hashes: Hashes, most: int) -> NDArray[np.int64]:
    """As ``leaders``, of different hashes: the first half, what of the second is near its kept ones, then the rest."""
    if len(hashes) <= _BASE:
        return _leaders_of_few(hashes, most)
    half = len(hashes) // 2
    result = np.empty(len(hashes), np.int64)
    result[:half] = _leaders(hashes[:half], most)
    kept = np.flatnonzero(result[:half] == np.arange(half))
    near = earliest(hashes[kept], hashes[half:], most)
    is_near = near >= 0
    result[half:][is_near] = kept[near[is_near]]
    rest = half + np.flatnonzero(~is_near)
    if len(rest):
        result[rest] = rest[_leaders(hashes[rest], most)]
    return result


def _leaders_of_few(hashes: Hashes, most: int) -> NDArray[np.int64]:
    near = np.tril(distance(hashes[:, None], hashes[None, :]) <= most, -1)
    result = np.arange(len(hashes))
    kept = np.ones(len(hashes), bool)
    for row in np.flatnonzero(near.any(axis=1)):
        before = np.flatnonzero(near[row] & kept)
        if len(before):
            result[row], kept[row] = before[0], False
    return result


def _keys(known: int, asked: int, most: int) -> Iterator[np.uint64]:
    """The masks of the fewest comparisons: of each choice of b - most of b blocks."""

    def cost(blocks: int) -> float:
        bits = 64 * (blocks - most) / blocks
        return math.comb(blocks, most) * (
            _PROBE_COST * math.log2(known + 1) * (known + asked) + known * asked / 2**bits
        )

    blocks = min(range(most + 1, most + 6), key=cost)
    edges = np.linspace(0, 64, blocks + 1).round().astype(int)
    masks = [((1 << int(high - low)) - 1) << int(low) for low, high in pairwise(edges)]
    for some in combinations(masks, blocks - most):
        yield np.uint64(sum(some))


def _same(known: Hashes, asked: Hashes) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """All pairs (row of asked, row of known) whose keys are the same, some millions at a time."""
    order = np.argsort(known, kind="stable")
    by_key = np.argsort(asked, kind="stable")  # searching in order stays in the cache
    keys = known[order]
    low = np.searchsorted(keys, asked[by_key], "left")
    counts = np.searchsorted(keys, asked[by_key], "right") - low
    met = np.flatnonzero(counts)
    by_key, low, counts = by_key[met], low[met], counts[met]
    ends = np.cumsum(counts)
    start = 0
    while start < len(counts):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + _CANDIDATES, "right")))
        some = counts[start:stop]
        row = np.repeat(np.arange(start, stop), some)
        within = np.arange(len(row)) - np.repeat(ends[start:stop] - some - done, some)
        yield by_key[row], order[low[row] + within]
        start = stop
