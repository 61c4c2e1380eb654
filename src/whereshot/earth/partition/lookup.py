"""Find the polygon of the map that holds each position, or is nearest to it. Exact, a million positions a second.

The map is cut into tiles. A tile that no border crosses has one answer, which is computed once; only positions in the
other tiles are tested against polygons.
"""

from __future__ import annotations

import itertools

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from shapely.geometry.base import BaseGeometry

from whereshot.earth import polygons, sphere
from whereshot.earth.sphere import one_spelling

_TILES_PER_DEGREE = 16
_PIECE = 32  # corners per piece of border
_CHUNK = 65_536
_SEGMENT_DEGREES = 0.05
_PAIRS = 1 << 19  # positions times edges at a time
_CROSSED = -2
_UNSEEN = -3


class Polygons:
    """Valid polygons (r,) of the map, cut at the date line. Where they overlap, the first polygon counts.

    A border belongs to the first of the polygons that meet at it. All ways to write a pole or the date line give one
    answer.
    """

    def __init__(self, shapes: list[BaseGeometry]) -> None:
        self.shapes = np.array(shapes, dtype=object)
        shapely.prepare(self.shapes)
        self._tree = shapely.STRtree(self.shapes)
        self._pieces = shapely.STRtree(_pieces(self.shapes))
        # answers minus _UNSEEN: 0 means not computed yet, so that the system gives memory only to tiles with positions
        self._tiles = np.zeros((180 * _TILES_PER_DEGREE, 360 * _TILES_PER_DEGREE), np.int32)
        self._edges: _Edges | None = None

    def index_of(self, points: sphere.Points, stray_km: float = 0.0) -> NDArray[np.int64]:
        """Return the polygon (n,) that holds each position (n, 2), or else the nearest at most ``stray_km`` away, or
        -1.
        """
        found = np.empty(len(points), np.int64)
        for start in range(0, len(points), _CHUNK):
            part = slice(start, start + _CHUNK)
            found[part] = self._holding(one_spelling(points[part]))
        strays = np.flatnonzero(found < 0)
        if stray_km > 0 and len(strays):
            self._edges = self._edges or _Edges(self.shapes)
            for start in range(0, len(strays), _CHUNK):
                rows = strays[start : start + _CHUNK]
                found[rows] = self._edges.nearest(sphere.xyz(points[rows]), stray_km)
        return found

    def _holding(self, points: sphere.Points) -> NDArray[np.int64]:
        rows, columns = self._tiles.shape
        row = np.minimum(((points[:, 0] + 90) * _TILES_PER_DEGREE).astype(np.int64), rows - 1)
        column = np.minimum(((points[:, 1] + 180) * _TILES_PER_DEGREE).astype(np.int64), columns - 1)
        tile = row * columns + column
        flat = self._tiles.ravel()  # a view
        found = flat[tile].astype(np.int64) + _UNSEEN
        if (unseen := np.unique(tile[found == _UNSEEN])).size:
            flat[unseen] = self._classified(unseen // columns, unseen % columns) - _UNSEEN
            found = flat[tile].astype(np.int64) + _UNSEEN
        crossed = np.flatnonzero(found == _CROSSED)
        if len(crossed):
            found[crossed] = self._tested(points[crossed], tile[crossed])
        result: NDArray[np.int64] = found
        return result

    def _classified(self, row: NDArray[np.int64], column: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return for each tile the one polygon that covers it, -1 for no polygon, or the mark of a tile that a border
        crosses.
        """
        south, west = row / _TILES_PER_DEGREE - 90, column / _TILES_PER_DEGREE - 180
        size = 1 / _TILES_PER_DEGREE
        boxes = shapely.box(west, south, west + size, south + size)
        answer = np.full(len(row), -1)
        tile, polygon = self._tree.query(shapely.points(west + size / 2, south + size / 2), predicate="intersects")
        order = np.argsort(-polygon, kind="stable")
        answer[tile[order]] = polygon[order]  # the lowest last, so it stays
        answer[self._pieces.query(boxes, predicate="intersects")[0]] = _CROSSED
        return answer

    def _tested(self, points: sphere.Points, tile: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the first polygon that holds each position, by trying those whose extent meets its tile."""
        distinct, place = np.unique(tile, return_inverse=True)
        columns = self._tiles.shape[1]
        south, west = distinct // columns / _TILES_PER_DEGREE - 90, distinct % columns / _TILES_PER_DEGREE - 180
        boxes = shapely.box(west, south, west + 1 / _TILES_PER_DEGREE, south + 1 / _TILES_PER_DEGREE)
        near, polygon = self._tree.query(boxes)
        order = np.argsort(place, kind="stable")
        first = np.searchsorted(place[order], np.arange(len(distinct) + 1))
        answer = np.full(len(points), -1)
        by_polygon = np.argsort(polygon, kind="stable")
        bounds = np.flatnonzero(np.diff(polygon[by_polygon], prepend=-1, append=-1))
        for start, end in itertools.pairwise(bounds):
            boxes_of_one = near[by_polygon[start:end]]
            rows = np.concatenate([order[first[box] : first[box + 1]] for box in boxes_of_one])
            rows = rows[answer[rows] < 0]
            number = int(polygon[by_polygon[start]])
            inside = shapely.intersects_xy(self.shapes[number], points[rows, 1], points[rows, 0])
            answer[rows[inside]] = number
        return answer


def _pieces(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the borders of all polygons as short lines, so that the index knows where they are."""
    lines = []
    for ring in shapely.get_rings(shapely.get_parts(shapes)):
        corners = shapely.get_coordinates(ring)
        lines += [corners[start : start + _PIECE + 1] for start in range(0, len(corners) - 1, _PIECE)]
    lengths = [len(line) for line in lines]
    if not lines:
        return np.empty(0, dtype=object)
    pieces = shapely.linestrings(np.concatenate(lines), indices=np.repeat(np.arange(len(lines)), lengths))
    return np.asarray(pieces, dtype=object)


class _Edges:
    """All borders as short chords of the unit sphere, to measure the distance to the nearest border."""

    def __init__(self, shapes: NDArray[np.object_]) -> None:
        starts, ends, owners = [], [], []
        for number, shape in enumerate(shapes):
            for ring in shapely.get_rings(shapely.get_parts(shapely.segmentize(shape, _SEGMENT_DEGREES))):
                unit = sphere.xyz(polygons.corners_of(ring))
                starts.append(unit[:-1])
                ends.append(unit[1:])
                owners.append(np.full(len(unit) - 1, number))
        self._start, self._end = np.concatenate(starts), np.concatenate(ends)
        self._owner = np.concatenate(owners)
        self._half = float(np.linalg.norm(self._end - self._start, axis=1).max()) / 2
        self._tree = cKDTree((self._start + self._end) / 2)

    def nearest(self, unit: NDArray[np.float64], km: float) -> NDArray[np.int64]:
        """Return the polygon whose border is nearest to each unit vector (n, 3), the first of several; -1 beyond
        ``km``.
        """
        answer = np.full(len(unit), -1)
        left, k = np.arange(len(unit)), 8
        while len(left):
            k = min(k, len(self._owner))
            unsure = []
            for start in range(0, len(left), _PAIRS // k + 1):
                rows = left[start : start + _PAIRS // k + 1]
                answer[rows], sure = self._nearest_of(unit[rows], float(sphere.km_to_chord(km)), k)
                unsure.append(rows[~sure])
            left, k = np.concatenate(unsure), k * 4
        return answer

    def _nearest_of(
        self, unit: NDArray[np.float64], limit: float, k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the nearest of the k edges whose middles are nearest (n,), and whether no other edge can be nearer."""
        bound = (limit + self._half) * (1 + 1e-9)
        found, edge = self._tree.query(unit, k=np.arange(1, k + 1), distance_upper_bound=bound)
        middle = np.asarray(found)
        missing = edge == len(self._owner)
        edge = np.where(missing, 0, edge)
        chord = np.where(missing, np.inf, self._distance(unit, edge))
        nearest = chord.min(axis=1)
        sure = missing[:, -1] | (middle[:, -1] > nearest + self._half) | (k == len(self._owner))
        # two polygons that share a border are equally near
        owner = np.where(chord <= nearest[:, None] + 1e-12, self._owner[edge], len(self._owner)).min(axis=1)
        return np.where(nearest <= limit, owner, -1), sure

    def _distance(self, unit: NDArray[np.float64], edge: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return straight distances (n, k) from unit vectors (n, 3) to edges (n, k)."""
        start, along = self._start[edge], self._end[edge] - self._start[edge]
        squared = np.maximum((along**2).sum(-1), 1e-300)
        share = np.clip(((unit[:, None] - start) * along).sum(-1) / squared, 0, 1)
        result: NDArray[np.float64] = np.linalg.norm(unit[:, None] - start - share[..., None] * along, axis=-1)
        return result
