"""Find, for each of many million hashes of 64 bits, another hash that differs from it in few bits.

A hash may come with a second one that has to agree as well: columns (n, 2), and two numbers of bits.

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

from whereshot.photos.curate.hashes import distance

Hashes = NDArray[np.uint64]
"""(n,), or (n, 2) with a second hash of each."""

Most = int | tuple[int, int]
"""Bits in which the first hash may differ, and the second."""

MOST_BITS = 16
"""Beyond which too many hashes agree by chance for this to be quick, or of use."""

_BASE = 1024
_CANDIDATES = 1 << 21
_PROBE_COST = 0.5
"""What sorting and finding one hash costs, in comparisons of two."""


def earliest(known: Hashes, asked: Hashes, most: Most) -> NDArray[np.int64]:
    """For each asked hash (m,) the first of the known (n,) that differs in at most ``most`` bits; -1: none."""
    known, asked, most = _two(known), _two(asked), _both(most)
    found = np.full(len(asked), len(known), np.int64)
    if not len(known) or not len(asked):
        return np.full(len(asked), -1, np.int64)
    if len(known) * len(asked) <= 4 * _BASE**2:
        step = max(1, _CANDIDATES // len(known))
        for start in range(0, len(asked), step):
            near = _near(asked[start : start + step, None], known[None, :], most)
            found[start : start + step] = np.where(near.any(axis=1), near.argmax(axis=1), len(known))
    else:
        first, own = np.ascontiguousarray(known[:, 0]), np.ascontiguousarray(asked[:, 0])
        for mask in _keys(len(known), len(asked), most[0]):
            for row, candidate in _same(first & mask, own & mask):
                near = distance(own[row], first[candidate]) <= most[0]
                row, candidate = row[near], candidate[near]
                near = _near(asked[row], known[candidate], most)
                np.minimum.at(found, row[near], candidate[near])
    return np.where(found < len(known), found, -1)


def leaders(hashes: Hashes, most: Most) -> NDArray[np.int64]:
    """In order, each hash (n,) is kept, or dropped for the first kept one that differs in at most ``most`` bits.

    The row (n,) of what it is dropped for; its own where it is kept. So every dropped row names a kept one.
    """
    hashes = _two(hashes)
    order = np.lexsort(hashes.T)  # stable: of equal ones the first comes first
    fresh = np.ones(len(hashes), bool)
    fresh[1:] = (hashes[order][1:] != hashes[order][:-1]).any(axis=1)
    first = np.empty(len(hashes), np.int64)
    first[order] = order[fresh][np.cumsum(fresh) - 1]
    different = np.flatnonzero(first == np.arange(len(hashes)))
    chosen = np.empty(len(hashes), np.int64)
    chosen[different] = different[_leaders(hashes[different], _both(most))]
    return chosen[first]


def _two(hashes: Hashes) -> NDArray[np.uint64]:
    hashes = np.asarray(hashes, np.uint64)
    return hashes if hashes.ndim == 2 else np.stack([hashes, np.zeros_like(hashes)], axis=1)


def _both(most: Most) -> tuple[int, int]:
    return most if isinstance(most, tuple) else (most, 64)


def _near(a: Hashes, b: Hashes, most: tuple[int, int]) -> NDArray[np.bool_]:
    """Whether pairs of hashes (..., 2) differ in few enough bits, both of them."""
    near = distance(a[..., 0], b[..., 0]) <= most[0]
    if most[1] < 64:
        near &= distance(a[..., 1], b[..., 1]) <= most[1]
    return near


def _leaders(hashes: Hashes, most: tuple[int, int]) -> NDArray[np.int64]:
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


def _leaders_of_few(hashes: Hashes, most: tuple[int, int]) -> NDArray[np.int64]:
    near = np.tril(_near(hashes[:, None], hashes[None, :], most), -1)
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


def _same(
    known: NDArray[np.uint64], asked: NDArray[np.uint64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
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
