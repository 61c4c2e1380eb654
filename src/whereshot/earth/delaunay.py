"""Triangulate nodes on the sphere (Delaunay): the triangles are the faces of the convex hull of the unit vectors.

A structured grid starts it, nodes are inserted many at a time, and edges are flipped until no node is above the
plane of a triangle (Lawson 1977). There is no seam at the date line or the poles. Only triangles that an insertion
changes are tested again. Orientations are exact, so triangles of any size, from metres to continents, stay valid.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import triangles
from whereshot.foundation.errors import InputError

_FLAT = 1e-14
"""A node is above a plane if the excess is more than this share of the tetrahedron's edges; rounding gives 1e-15."""


class Triangulation:
    """``nodes`` (v, 3) unit vectors and ``corners`` (t, 3) node numbers, counter-clockwise seen from outside.

    Half-edge 3 t + i runs from corner i of triangle t to the next; ``_twin`` is the same edge seen from across.
    """

    def __init__(self, nodes: triangles.Vectors, corners: NDArray[np.int64]) -> None:
        self.nodes, self.corners = nodes, corners
        self._twin = twins(corners)

    def __len__(self) -> int:
        return len(self.corners)

    def positions(self, which: NDArray[np.int64] | slice = slice(None)) -> NDArray[np.float64]:
        """Return the unit vectors (m, 3 corners, 3) of some triangles."""
        return self.nodes[self.corners[which]]

    def insert(self, which: NDArray[np.int64], vectors: triangles.Vectors) -> NDArray[np.int64]:
        """Insert one node (m, 3) into each of m triangles. Return the numbers of all triangles that changed.

        Raises InputError where a node is not inside its triangle.
        """
        if not self.holds(which, vectors).all():
            raise InputError("a node must be inside the triangle that it is inserted into")
        first_node, first = len(self.nodes), len(self)
        self.nodes = np.concatenate([self.nodes, vectors])
        node = first_node + np.arange(len(which))
        second, third = first + 2 * np.arange(len(which)), first + 2 * np.arange(len(which)) + 1
        a, b, c = self.corners[which].T
        self.corners = np.concatenate([self.corners, np.empty((2 * len(which), 3), np.int64)])
        self._twin = np.concatenate([self._twin, np.empty(6 * len(which), np.int64)])
        self._move(np.concatenate([3 * which + 1, 3 * which + 2]), np.concatenate([3 * second, 3 * third]))
        self.corners[which, 2] = node
        self.corners[second] = np.stack([b, c, node], axis=1)
        self.corners[third] = np.stack([c, a, node], axis=1)
        for one, other in ((which, second), (second, third), (third, which)):
            self._twin[3 * one + 1], self._twin[3 * other + 2] = 3 * other + 2, 3 * one + 1
        changed = np.concatenate([which, second, third])
        return np.unique(np.concatenate([changed, self._flip(changed)]))

    def holds(self, which: NDArray[np.int64], vectors: triangles.Vectors) -> NDArray[np.bool_]:
        """Return whether each vector (m, 3) is inside its triangle, and not on an edge."""
        corners = self.positions(which)
        result: NDArray[np.bool_] = np.all(
            [triangles.side(corners[:, i], corners[:, (i + 1) % 3], vectors) > 0 for i in range(3)], axis=0
        )
        return result

    def _move(self, old: NDArray[np.int64], new: NDArray[np.int64]) -> None:
        """Give half-edges new numbers, and store these numbers at the half-edges across."""
        place = np.arange(len(self._twin))
        place[old] = new
        across = place[self._twin[old]]
        self._twin[new] = across
        self._twin[across] = new

    def _flip(self, changed: NDArray[np.int64]) -> NDArray[np.int64]:
        """Flip edges of these triangles and of those that arise, until all are Delaunay. Return the triangles that
        changed.
        """
        touched = [changed]
        while len(changed):
            half = (3 * np.unique(changed)[:, None] + np.arange(3)).ravel()
            half = np.unique(np.minimum(half, self._twin[half]))
            excess = self._excess(half)
            half, excess = half[excess > 0], excess[excess > 0]
            # an edge flips if it is the worst edge of both of its triangles
            order = np.lexsort([-half, excess])
            half = half[order]
            rank = np.zeros(len(self), np.int64)
            one, other = half // 3, self._twin[half] // 3
            np.maximum.at(rank, one, np.arange(len(half)))
            np.maximum.at(rank, other, np.arange(len(half)))
            chosen = (rank[one] == np.arange(len(half))) & (rank[other] == np.arange(len(half)))
            changed = self._flip_apart(half[chosen])
            touched.append(changed)
        return np.concatenate(touched)

    def _quad(
        self, half: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return four nodes of each edge: its start, its end, the corner to its left and the corner to its right."""
        corners = self.corners.ravel()
        twin = self._twin[half]
        a, b = corners[half], corners[twin]
        return a, b, corners[_next(_next(half))], corners[_next(_next(twin))]

    def _excess(self, half: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return by how much the opposite node is above the plane of the triangle, as a share of the edges.

        It is 0 if no flip is needed.
        """
        a, b, c, d = (self.nodes[node] for node in self._quad(half))
        ab, ac, ad = b - a, c - a, d - a
        volume = (np.cross(ab, ac) * ad).sum(axis=1)
        scale = np.sqrt((ab**2).sum(axis=1) * (ac**2).sum(axis=1) * (ad**2).sum(axis=1))
        excess = np.where(volume > _FLAT * scale, volume / scale, 0)
        due = np.flatnonzero(excess)
        a, b, c, d = a[due], b[due], c[due], d[due]
        convex = (triangles.side(d, b, c) > 0) & (triangles.side(a, d, c) > 0)
        excess[due[~convex]] = 0
        return excess

    def _flip_apart(self, half: NDArray[np.int64]) -> NDArray[np.int64]:
        """Flip edges of which no two share a triangle. Return the triangles on both sides."""
        a, b, c, d = self._quad(half)
        twin = self._twin[half]
        one, other = half // 3, twin // 3
        old = [_next(twin), _next(_next(half)), _next(_next(twin)), _next(half)]  # a-d, c-a, d-b, b-c
        self._move(np.concatenate(old), np.concatenate([3 * one, 3 * one + 2, 3 * other, 3 * other + 1]))
        self.corners[one] = np.stack([a, d, c], axis=1)
        self.corners[other] = np.stack([d, b, c], axis=1)
        self._twin[3 * one + 1], self._twin[3 * other + 2] = 3 * other + 2, 3 * one + 1
        return np.concatenate([one, other])


def twins(corners: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each half-edge 3 t + i of triangles (t, 3) the half-edge that runs the other way; -1 where there is
    none.
    """
    start, end = corners.ravel(), np.roll(corners, -1, axis=1).ravel()
    key = np.minimum(start, end) * (corners.max(initial=0) + 1) + np.maximum(start, end)
    order = np.argsort(key, kind="stable")
    pair = np.flatnonzero(key[order[1:]] == key[order[:-1]])
    result = np.full(corners.size, -1)
    result[order[pair]], result[order[pair + 1]] = order[pair + 1], order[pair]
    return result


def grid(nodes: int) -> Triangulation:
    """Return a triangulation of nodes uniform in longitude and in the sine of latitude, ``nodes`` (>= 3) of each. Each
    pole is one node.
    """
    longitude = -180 + 360 * np.arange(nodes) / nodes
    latitude = np.degrees(np.arcsin(np.linspace(-1, 1, nodes)[1:-1]))
    rings = np.stack(np.meshgrid(latitude, longitude, indexing="ij"), axis=-1).reshape(-1, 2)
    positions = np.concatenate([[[-90.0, 0.0]], rings, [[90.0, 0.0]]])
    number = 1 + np.arange(len(rings)).reshape(nodes - 2, nodes)
    east = np.roll(number, -1, axis=1)
    south, north = np.zeros(nodes, np.int64), np.full(nodes, len(positions) - 1)
    faces = [(south, east[0], number[0]), (number[-1], east[-1], north)]
    for row in range(nodes - 3):
        faces.append((number[row], east[row], east[row + 1]))
        faces.append((number[row], east[row + 1], number[row + 1]))
    corners = np.concatenate([np.stack(face, axis=1) for face in faces])
    return Triangulation(triangles.vectors(positions), corners)


def _next(half: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the next half-edge around the same triangle."""
    return half + np.where(half % 3 == 2, -2, 1)
