"""Find exactly on which side of a great circle, and in which triangle of the sphere, unit vectors lie.

Corners and points are exact float64 vectors. Where rounding could change a sign, it is computed without rounding
(Shewchuk 1997: error-free products, one exact sum). A point exactly on a great circle is moved by an infinitesimal step
that is the same for all circles (Edelsbrunner and Muecke 1990, simulation of simplicity). So if triangles tile the
sphere, each point is in exactly one of them, also on edges and corners, and the order of the tests does not matter.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import s2, sphere

Vectors = NDArray[np.float64]
"""(..., 3) float64, about unit length."""

_OPEN = 4e-15
"""Sines of angles to a great circle below this, 25 nm on the Earth, may have a wrong sign; rounding gives 1.1e-15."""
_SLACK = 1e-13  # how much rounding may reduce the radius of a ball
_SPLITTER = 134217729.0  # 2^27 + 1, Dekker 1971
_TINY = 1e-60  # products of three such numbers are still exact
_CHUNK = 16_384
_LEAF = 8
_FAN = 4


def vectors(positions: sphere.Points) -> Vectors:
    """Return unit vectors (n, 3) of positions (n, 2). Each pole and each place on the date line has only one vector."""
    result = np.empty((len(positions), 3))
    for start in range(0, len(positions), _CHUNK):
        part = slice(start, start + _CHUNK)
        latitude, longitude = np.ascontiguousarray(positions[part].T)
        longitude = np.where(longitude == -180, 180, longitude)
        flat = np.where(np.abs(latitude) == 90, 0, np.cos(np.radians(latitude)))
        result[part, 0] = flat * np.cos(np.radians(longitude))
        result[part, 1] = flat * np.sin(np.radians(longitude))
        result[part, 2] = np.sin(np.radians(latitude))
    result[np.abs(result) < _TINY] = 0
    return result


def normals(a: Vectors, b: Vectors) -> Vectors:
    """Return unit vectors (..., 3) to the left of the great circles from ``a`` to ``b``, right to a few roundings."""
    # (a - b) x (a + b) = 2 a x b, and keeps its digits when a and b are near
    n = np.cross(a - b, a + b)
    length = np.linalg.norm(n, axis=-1, keepdims=True)
    return n / np.where(length > 0, length, 1)


def side(a: Vectors, b: Vectors, p: Vectors) -> NDArray[np.int8]:
    """Return 1 where ``p`` is left of the great circle from ``a`` to ``b``, -1 where it is right, 0 on it; each is (m,
    3). Exact.
    """
    n = normals(a, b)
    sine = (p * n).sum(axis=-1)
    signs: NDArray[np.int8] = np.sign(sine).astype(np.int8)
    signs[np.abs(sine) <= _OPEN] = 0
    # frequent cases that lie on the circle: a corner itself, the equator, the meridians of 0 and 90 degrees
    on = (p == a).all(axis=-1) | (p == b).all(axis=-1) | ((a == 0) & (b == 0) & (p == 0)).any(axis=-1)
    unsure = np.flatnonzero((signs == 0) & ~on)
    if len(unsure):
        signs[unsure] = _exact_side(a[unsure], b[unsure], p[unsure])
    return signs


def is_left(a: Vectors, b: Vectors, p: Vectors) -> NDArray[np.bool_]:
    """Return whether ``p`` is left of the great circle from ``a`` to ``b``. A point on the circle is moved a little to
    the north.
    """
    signs = side(a, b, p)
    on = np.flatnonzero(signs == 0)
    if len(on):
        north = a[on, 0] * b[on, 1] - a[on, 1] * b[on, 0]
        signs[on] = np.sign(north)
        unsure = on[np.abs(north) <= _OPEN]
        signs[unsure] = _tie(a[unsure], b[unsure])
    return signs > 0


def _product(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the rounded product and the rounding error: their sum is exact."""
    product = x * y
    x_high, y_high = _SPLITTER * x, _SPLITTER * y
    x_high, y_high = x_high - (x_high - x), y_high - (y_high - y)
    x_low, y_low = x - x_high, y - y_high
    return product, ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + x_low * y_low


def _cross_terms(a: Vectors, b: Vectors) -> NDArray[np.float64]:
    """Return terms (m, 3, 4) whose exact sums are the components of a x b."""
    i, j = [1, 2, 0], [2, 0, 1]
    return np.stack([*_product(a[:, i], b[:, j]), *_product(-a[:, j], b[:, i])], axis=-1)


def _signs_of_sums(terms: NDArray[np.float64]) -> NDArray[np.int8]:
    """Return signs (m,) of the exact sums of the rows (m, k)."""
    return np.array([(total > 0) - (total < 0) for total in map(math.fsum, terms.tolist())], np.int8)


def _exact_side(a: Vectors, b: Vectors, p: Vectors) -> NDArray[np.int8]:
    rows, again = np.unique(np.concatenate([a, b, p], axis=1), axis=0, return_inverse=True)
    terms = _product(_cross_terms(rows[:, :3], rows[:, 3:6]), rows[:, 6:, None])
    return _signs_of_sums(np.concatenate(terms, axis=-1).reshape(len(rows), -1))[again.ravel()]


def _tie(a: Vectors, b: Vectors) -> NDArray[np.int8]:
    """Return the side of a point on the circle that is moved by e along z, e^2 along y and e^3 along x, with e > 0
    infinitesimal.
    """
    rows, again = np.unique(np.concatenate([a, b], axis=1), axis=0, return_inverse=True)
    terms = _cross_terms(rows[:, :3], rows[:, 3:])
    x, y, z = (_signs_of_sums(terms[:, axis]) for axis in range(3))
    return np.where(z != 0, z, np.where(y != 0, y, x))[again.ravel()]


class Members(NamedTuple):
    """Which points are in which triangles: runs of points wholly inside (r,), and points one by one (m,)."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    run_triangle: NDArray[np.int64]
    point: NDArray[np.int64]
    triangle: NDArray[np.int64]


class PointTree:
    """Points in the order of the Hilbert curve, with a tree of balls around runs of them, to find points in triangles.

    ``vectors`` (n, 3) are the points in that order; ``order`` (n,) are their rows in the given positions. The order of
    the vectors does not depend on the order of the positions.
    """

    def __init__(self, positions: sphere.Points) -> None:
        leaves = s2.encode(positions)
        order = np.argsort(leaves)
        leaves = leaves[order]
        self.vectors = vectors(positions)[order]
        # several points can share a leaf cell of a few centimetres: they are sorted by their coordinates
        tied = np.flatnonzero((leaves[1:] == leaves[:-1]) & (self.vectors[1:] != self.vectors[:-1]).any(axis=1))
        if len(tied):
            shared = np.unique(leaves[tied])
            first, last = (np.searchsorted(leaves, shared, side=side) for side in ("left", "right"))
            rows = _ranges(first, last)
            by_coordinate = rows[np.lexsort([*self.vectors[rows].T, leaves[rows]])]
            order[rows], self.vectors[rows] = order[by_coordinate], self.vectors[by_coordinate]
        self.order = order
        self._sums = np.zeros((len(order) + 1, 3))
        np.cumsum(self.vectors, axis=0, out=self._sums[1:])
        self._balls: list[tuple[Vectors, NDArray[np.float64]]] = []
        centers, radii, fan = self.vectors, np.zeros(len(order)), _LEAF
        while len(centers) > 1 or not self._balls:
            if len(centers) == 0:
                break
            centers, radii = _parents(centers, radii, fan)
            self._balls.append((centers, radii))
            fan = _FAN

    def members(self, corners: NDArray[np.float64]) -> Members:
        """Return the points in each of the triangles (t, 3 corners counter-clockwise, 3)."""
        sides = np.stack([normals(corners[:, i], corners[:, (i + 1) % 3]) for i in range(3)], axis=1)
        runs: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = []
        nothing = np.empty(0, np.int64)
        if not self._balls or len(corners) == 0:
            return Members(nothing, nothing, nothing, nothing, nothing)
        top = len(self._balls[-1][1])
        node, triangle = np.tile(np.arange(top), len(corners)), np.repeat(np.arange(len(corners)), top)
        undecided = np.full(len(node), 7, np.int8)  # bits of the edges that may run through the ball
        for level in range(len(self._balls) - 1, -1, -1):
            centers, radii = self._balls[level]
            reach, meets = radii[node] + _SLACK, np.ones(len(node), bool)
            center = centers[node]
            for edge in range(3):
                sine = _dot(center, sides[triangle, edge])
                meets &= sine >= -reach
                undecided &= np.where(sine > reach, ~(1 << edge), -1).astype(np.int8)
            inside, open_ = np.flatnonzero(meets & (undecided == 0)), np.flatnonzero(meets & (undecided != 0))
            size = _LEAF * _FAN**level
            first = node[inside] * size
            runs.append((first, np.minimum(first + size, len(self.order)), triangle[inside]))
            fan = _FAN if level else _LEAF
            below = len(self._balls[level - 1][1]) if level else len(self.order)
            node = (node[open_, None] * fan + np.arange(fan)).ravel()
            triangle, undecided = np.repeat(triangle[open_], fan), np.repeat(undecided[open_], fan)
            if below < node.max(initial=0) + 1:
                real = node < below
                node, triangle, undecided = node[real], triangle[real], undecided[real]
        first, last, run_triangle = (np.concatenate(column) for column in zip(*runs, strict=True))
        held = [
            self._test(corners, sides, node[part], triangle[part], undecided[part])
            for part in (slice(start, start + 4 * _CHUNK) for start in range(0, len(node), 4 * _CHUNK))
        ]
        kept = np.concatenate([nothing.astype(bool), *held])
        return Members(first, last, run_triangle, node[kept], triangle[kept])

    def _test(
        self,
        corners: NDArray[np.float64],
        sides: NDArray[np.float64],
        point: NDArray[np.int64],
        triangle: NDArray[np.int64],
        undecided: NDArray[np.int8],
    ) -> NDArray[np.bool_]:
        """Return whether each point is in its triangle; only the undecided edges are tested."""
        held = np.ones(len(point), bool)
        for edge in range(3):
            asked = np.flatnonzero(held & (undecided & (1 << edge) != 0))
            sine = _dot(self.vectors[point[asked]], sides[triangle[asked], edge])
            left = sine > 0
            unsure = np.flatnonzero(np.abs(sine) <= _OPEN)
            if len(unsure):
                at = asked[unsure]
                ends = corners[triangle[at], edge], corners[triangle[at], (edge + 1) % 3]
                left[unsure] = is_left(*ends, self.vectors[point[at]])
            held[asked] = left
        return held

    def totals(self, members: Members, triangles: int) -> tuple[NDArray[np.int64], Vectors]:
        """Return number (t,) and sum (t, 3) of the points in each triangle."""
        counts = np.bincount(members.triangle, minlength=triangles)
        counts += np.bincount(members.run_triangle, weights=members.last - members.first, minlength=triangles).astype(
            np.int64
        )
        sums = self._sums[members.last] - self._sums[members.first]
        total = [
            np.bincount(members.run_triangle, sums[:, axis], triangles)
            + np.bincount(members.triangle, self.vectors[members.point, axis], triangles)
            for axis in range(3)
        ]
        return counts, np.stack(total, axis=1)

    def labels(self, members: Members) -> NDArray[np.int64]:
        """Return the triangle (n,) of each position in the order given; -1 for none."""
        result = np.full(len(self.order), -1)
        inside = self.order[_ranges(members.first, members.last)]
        result[inside] = np.repeat(members.run_triangle, members.last - members.first)
        result[self.order[members.point]] = members.triangle
        return result


def _ranges(first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return all numbers of the half-open ranges, one after the other."""
    size = last - first
    result: NDArray[np.int64] = np.arange(size.sum()) + np.repeat(first - np.cumsum(size) + size, size)
    return result


def _dot(p: Vectors, n: Vectors) -> NDArray[np.float64]:
    return p[:, 0] * n[:, 0] + p[:, 1] * n[:, 1] + p[:, 2] * n[:, 2]


def _parents(centers: Vectors, radii: NDArray[np.float64], fan: int) -> tuple[Vectors, NDArray[np.float64]]:
    """Return balls around each ``fan`` balls in a row."""
    missing = -len(centers) % fan
    centers = np.concatenate([centers, np.repeat(centers[-1:], missing, axis=0)]).reshape(-1, fan, 3)
    radii = np.concatenate([radii, np.repeat(radii[-1:], missing)]).reshape(-1, fan)
    middle = centers.mean(axis=1)
    apart = np.sqrt(((centers - middle[:, None]) ** 2).sum(axis=2))
    return middle, (apart + radii).max(axis=1) * (1 + 1e-12)
