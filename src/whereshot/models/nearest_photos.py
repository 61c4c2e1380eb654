"""Find the nearest known photos of a photo in feature space.

Up to a million photos the search is exact: products of blocks of matrices, so memory does not grow with the photos.
Beyond that a graph of neighbours is used (HNSW, Malkov and Yashunin 2016; usearch, extra ``retrieval``), which is built
once and cached on disk. In both cases the candidates are found in float32, measured again in float64, and then sorted.
Do not use positions as features: in float32 the inner products of neighbouring unit vectors are equal.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whereshot.foundation import output_files
from whereshot.foundation.errors import InputError, require
from whereshot.foundation.user_folders import cache_folder

Metric = Literal["cosine", "l2"]

EXACT_UP_TO = 1_000_000
"""Largest number of photos for the exact search. Above it a graph is used, whose answers are nearly always the same."""
SPARE = 32
"""Number of extra candidates. float32 cannot distinguish near-equal distances, so float64 chooses among more photos."""
_QUERIES = 64  # queries in one block
_PHOTOS = 16_384  # known photos in one block
_NUMBERS = 4_000_000  # numbers in one block of float64
_CONNECTIVITY, _EXPANSION_ADD, _EXPANSION_SEARCH = 32, 128, 256


class Found(NamedTuple):
    """The nearest known photos of n photos: their row numbers (n, k) and distances (n, k), nearest first."""

    rows: NDArray[np.int64]
    distance: NDArray[np.float64]


class Index(ABC):
    """An index of the features (m, d) of known photos.

    The distance is "cosine", 1 minus the cosine for features of any length, or "l2", the Euclidean distance, as in the
    paper on query by example. Where two photos are equally near, the lower number comes first. Features with NaN or
    infinity are never found; ``left_out`` holds their numbers. Raises InputError where no photo is left, or for
    features that look like positions.
    """

    def __init__(self, features: ArrayLike, metric: Metric = "cosine") -> None:
        given = np.asarray(features)
        if given.ndim != 2 or not np.issubdtype(given.dtype, np.number):
            raise InputError(f"features must have the shape (photos, numbers); got {given.shape} of {given.dtype}")
        if given.shape[1] == 3:
            raise InputError("features of 3 numbers look like positions; use sphere.Nearest for positions")
        self.metric: Metric = metric
        self.left_out, length = _invalid_and_lengths(given)
        if len(self.left_out) == len(given):
            raise InputError("there is no photo to search: no features, or none without NaN")
        self._features = self._prepared(given, length, self.left_out)

    def __len__(self) -> int:
        return len(self._features)

    def nearest(self, features: ArrayLike, k: int = 1) -> Found:
        """Return the ``k`` nearest known photos for each feature (n, d); all of them where there are fewer.

        Raises InputError for features that do not fit, or that hold NaN.
        """
        given = np.asarray(features)
        if given.ndim != 2 or given.shape[1] != self._features.shape[1]:
            raise InputError(f"the index takes features (n, {self._features.shape[1]}); got {given.shape}")
        if k < 1:
            raise InputError(f"k, the number of photos to find, must be at least 1; got {k}")
        bad, length = _invalid_and_lengths(given)
        if len(bad):
            raise InputError(f"{len(bad)} of {len(given)} features hold NaN or infinity, first {bad[0]}")
        queries = self._prepared(given, length, bad)
        usable = len(self) - len(self.left_out)
        k, pool = min(k, usable), min(k + SPARE, usable)
        found = [self._measured(queries[part], self._candidates(queries[part], pool), k) for part in _blocks(queries)]
        if not found:
            return Found(np.empty((0, k), np.int64), np.empty((0, k)))
        return Found(*(np.concatenate(parts) for parts in zip(*found, strict=True)))

    def pair_distances(self, pairs: int, seed: int = 0) -> NDArray[np.float64]:
        """Return the distances of random pairs of different known photos (about ``pairs``), in ascending order.

        The array is empty where there are fewer than two photos.
        """
        usable = np.setdiff1d(np.arange(len(self)), self.left_out)
        if len(usable) < 2:
            return np.empty(0)
        rng = np.random.default_rng(seed)
        first = rng.integers(len(usable), size=pairs)
        second = (first + rng.integers(1, len(usable), size=pairs)) % len(usable)
        known = self._features[usable[second]].astype(np.float64)
        return np.sort(self._distance(known[:, None], self._features[usable[first]][:, None])[:, 0])

    @abstractmethod
    def _candidates(self, queries: NDArray[np.float32], count: int) -> NDArray[np.int64]:
        """Return the numbers (n, count) of photos that include the nearest ones."""

    def _prepared(
        self, given: NDArray[np.float64], length: NDArray[np.float64], bad: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the features to compare: of unit length for the cosine. They are copied only where they change."""
        as_they_are = self.metric == "l2" or bool((np.abs(length[length > 0] - 1) < 1e-6).all())
        if given.dtype == np.float32 and as_they_are and not len(bad):
            return np.ascontiguousarray(given)
        divisor = np.ones_like(length) if as_they_are else np.where(length > 0, length, 1.0)
        prepared = np.empty(given.shape, np.float32)
        for start in range(0, len(given), _PHOTOS):
            part = slice(start, start + _PHOTOS)
            prepared[part] = given[part] / divisor[part, None]
        prepared[bad] = 0
        return prepared

    def _measured(self, queries: NDArray[np.float32], rows: NDArray[np.int64], k: int) -> Found:
        """Return the ``k`` nearest of the candidates (n, c), by distances in float64."""
        distance = np.empty(rows.shape)
        step = max(1, _NUMBERS // max(1, rows.shape[1] * queries.shape[1]))
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            distance[part] = self._distance(self._features[rows[part]].astype(np.float64), queries[part, None])
        order = np.lexsort((rows, distance), axis=1)[:, :k]
        return Found(np.take_along_axis(rows, order, 1), np.take_along_axis(distance, order, 1))

    def _distance(self, known: NDArray[np.float64], queries: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the distances (n, c) between known features (n, c, d) and queries (n, 1, d)."""
        queries = queries.astype(np.float64)
        if self.metric == "l2":
            straight: NDArray[np.float64] = np.sqrt(np.square(known - queries).sum(axis=2))
            return straight
        lengths = np.sqrt(np.square(known).sum(axis=2) * np.square(queries).sum(axis=2))
        dot = (known * queries).sum(axis=2)
        cosine = np.divide(dot, lengths, out=np.zeros_like(dot), where=lengths > 0)
        result: NDArray[np.float64] = np.maximum(1 - cosine, 0.0)
        return result


class Exact(Index):
    """An index that compares a query with all known photos, block by block."""

    def _candidates(self, queries: NDArray[np.float32], count: int) -> NDArray[np.int64]:
        best = np.empty((len(queries), 0), np.int64)
        for start in range(0, len(self), _PHOTOS):
            block = self._features[start : start + _PHOTOS]
            score = queries @ block.T
            if self.metric == "l2":
                score -= np.square(block).sum(axis=1) / 2
            score[:, self.left_out[(self.left_out >= start) & (self.left_out < start + len(block))] - start] = -np.inf
            best = _kept(best, score, start, count)
        return _row_of(best)


class Graph(Index):
    """An index with a graph of neighbours, which compares a query with a few thousand photos only.

    ``cache`` is the folder where the graph is stored, under a hash of the features. Raises MissingExtraError,
    OutputError.
    """

    def __init__(self, features: ArrayLike, metric: Metric = "cosine", *, cache: Path | None = None) -> None:
        super().__init__(features, metric)
        usearch = require("usearch.index", extra="retrieval")
        settings = {
            "ndim": self._features.shape[1],
            "metric": "cos" if metric == "cosine" else "l2sq",
            "dtype": "f32",
            "connectivity": _CONNECTIVITY,
            "expansion_add": _EXPANSION_ADD,
            "expansion_search": _EXPANSION_SEARCH,
        }
        path = None if cache is None else Path(cache) / f"{self._digest()}.usearch"
        self._graph = usearch.Index(**settings)
        if path is not None and path.is_file():
            try:
                self._graph.view(str(path))
                return
            except (RuntimeError, ValueError):  # the file is incomplete: build the graph again
                self._graph = usearch.Index(**settings)
        usable = np.setdiff1d(np.arange(len(self)), self.left_out)
        for start in range(0, len(usable), _PHOTOS):
            rows = usable[start : start + _PHOTOS]
            self._graph.add(rows.astype(np.uint64), self._features[rows])
        if path is not None:
            _keep(self._graph, path)

    def _digest(self) -> str:
        digest = hashlib.blake2b(f"{self.metric} {_CONNECTIVITY} {_EXPANSION_ADD}".encode(), digest_size=16)
        digest.update(np.ascontiguousarray(self.left_out).tobytes())
        for start in range(0, len(self), _PHOTOS):
            digest.update(self._features[start : start + _PHOTOS].tobytes())
        return digest.hexdigest()

    def _candidates(self, queries: NDArray[np.float32], count: int) -> NDArray[np.int64]:
        found = np.atleast_2d(self._graph.search(queries, count).keys).astype(np.int64)
        return found[:, :count]


def default_cache() -> Path:
    """Return the folder of stored graphs: ``$XDG_CACHE_HOME/whereshot/indexes``, by default under ``~/.cache``."""
    return cache_folder("indexes")


def index_of(
    features: ArrayLike, metric: Metric = "cosine", *, exact_up_to: int = EXACT_UP_TO, cache: Path | None = None
) -> Index:
    """Return an exact index for up to ``exact_up_to`` features (m, d), else a graph, which is stored in ``cache``."""
    if len(np.asarray(features)) <= exact_up_to:
        return Exact(features, metric)
    return Graph(features, metric, cache=cache)


def _kept(best: NDArray[np.int64], score: NDArray[np.float32], start: int, count: int) -> NDArray[np.int64]:
    """Return the ``count`` best keys of each row, from the best so far (n, c) and the scores (n, b) of a new block.

    ``start`` is the number of the first photo of the block. A key is one integer: the high bits are the bits of the
    score, in the order of scores. The low bits are the inverted number of the photo, so that the lower number wins
    where scores are equal.
    """
    bits = (score + np.float32(0)).view(np.int32)  # adding 0 makes -0.0 positive
    bits ^= (bits >> 31) & 0x7FFFFFFF
    turned = 0xFFFFFFFF - np.arange(start, start + score.shape[1], dtype=np.int64)
    if best.shape[1] < count:
        keys = (bits.astype(np.int64) << 32) | turned
        return _largest(np.concatenate([best, keys], axis=1), count)
    floor = (best.min(axis=1) >> 32).astype(np.int32)
    for row in np.flatnonzero((bits > floor[:, None]).any(axis=1)):  # an equal score of a later photo does not count
        fresh = np.flatnonzero(bits[row] > floor[row])
        keys = (bits[row, fresh].astype(np.int64) << 32) | turned[fresh]
        best[row] = _largest(np.concatenate([best[row], keys])[None], count)[0]
    return best


def _largest(keys: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    at = keys.shape[1] - count
    return keys if at <= 0 else np.partition(keys, at, axis=1)[:, at:]


def _row_of(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    return 0xFFFFFFFF - (keys & 0xFFFFFFFF)


def _invalid_and_lengths(features: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the numbers of the features with NaN or infinity, and the lengths (m,) of all features; 1 for these."""
    length = np.empty(len(features))
    for start in range(0, len(features), _PHOTOS):
        part = slice(start, start + _PHOTOS)
        with np.errstate(invalid="ignore", over="ignore"):
            length[part] = np.sqrt(np.square(features[part].astype(np.float64)).sum(axis=1))
    bad = np.flatnonzero(~np.isfinite(length))
    length[bad] = 1.0
    return bad, length


def _keep(graph: Any, path: Path) -> None:
    """Write a graph completely or not at all. Raises OutputError."""
    output_files.make_folder(path.parent)
    with output_files.new_file(path, failures=(RuntimeError,)) as beside:
        graph.save(str(beside))


def _blocks(queries: NDArray[np.floating]) -> Iterator[slice]:
    yield from (slice(start, start + _QUERIES) for start in range(0, len(queries), _QUERIES))
