"""Find, for each of many million hashes of 64 bits, another hash that differs from it in few bits.

Each item can have a second hash that must agree too: then the hashes are (n, 2), with two limits of bits.

Method (Manku, Jain and Das Sarma 2007): divide a hash into b blocks of bits. Two hashes that differ in at most d bits
agree in at least b - d blocks. So they share at least one of the C(b, d) keys that consist of b - d blocks. Each key
needs one sort and one search. The best number of blocks depends on the number of hashes. Memory: a few numbers for each
hash, and some million candidates at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from whereshot.photos.curate.hashes import distance

Hashes = NDArray[np.uint64]
"""Hashes (n,), or (n, 2) with a second hash for each item."""

Most = int | tuple[int, int]
"""The most bits that can differ: in the first hash, or in the first and in the second hash."""

MOST_BITS = 16
"""The largest limit of bits. Beyond it, too many hashes agree by chance."""

_BASE = 1024
_CANDIDATES = 1 << 21
_PROBE_COST = 0.5
"""Cost of sorting and finding one hash, in units of one comparison of two hashes."""


def earliest(known: Hashes, asked: Hashes, most: Most) -> NDArray[np.int64]:
    """Return for each of ``asked`` (m,) the first row of ``known`` (n,) within ``most`` differing bits, or -1."""
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
            for row, candidate in _equal_pairs(first & mask, own & mask):
                near = distance(own[row], first[candidate]) <= most[0]
                row, candidate = row[near], candidate[near]
                near = _near(asked[row], known[candidate], most)
                np.minimum.at(found, row[near], candidate[near])
    return np.where(found < len(known), found, -1)


def leaders(hashes: Hashes, most: Most) -> NDArray[np.int64]:
    """Go through the hashes (n,) in order; drop each that differs in at most ``most`` bits from an earlier kept one.

    Returns for each row (n,) the first kept row that it is dropped for, or the row itself where it is kept.
    """
    hashes = _two(hashes)
    order = np.lexsort(hashes.T)  # stable, so equal hashes keep their order
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
    """Return whether pairs of hashes (..., 2) are within both limits of bits."""
    near = distance(a[..., 0], b[..., 0]) <= most[0]
    if most[1] < 64:
        near &= distance(a[..., 1], b[..., 1]) <= most[1]
    return near


def _leaders(hashes: Hashes, most: tuple[int, int]) -> NDArray[np.int64]:
    """Return ``leaders`` of hashes that are all different.

    Recursive: first the first half, then the rows of the second half that are near its kept rows, then the rest.
    """
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
    """Yield the bit mask of each key, for the number of blocks that costs the fewest comparisons."""

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


def _equal_pairs(
    known: NDArray[np.uint64], asked: NDArray[np.uint64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield all pairs (rows of ``asked``, rows of ``known``) with equal keys, some millions at a time."""
    order = np.argsort(known, kind="stable")
    by_key = np.argsort(asked, kind="stable")  # a search in sorted order stays in the cache
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
