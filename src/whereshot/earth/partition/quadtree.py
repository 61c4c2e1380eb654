"""A quadtree in latitude and longitude, as in OSV-5M (Astruc et al. 2024): a box with too many photos becomes four.

Positions go down the tree as whole arrays and become paths, two bits a level. As in S2, a box is a run of the sorted
paths. Boxes do not contain their northern and eastern edges; the start box contains all its edges.
"""

from __future__ import annotations

import json
from typing import Literal, NamedTuple, Self

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator
from shapely.geometry.base import BaseGeometry

from whereshot.earth import great_circles, polygons, sphere
from whereshot.earth.partition import base
from whereshot.foundation.errors import InputError

MAX_DEPTH = 30
"""4 cm on the whole map; a path then takes 60 bits."""

_CHUNK = 16_384
_TABLE_DEPTH = 12  # levels of the tree that one table of edges decides at once
_SMALLEST_DEGREES = 1e-4  # least width of a start box (11 m); 30 halvings of it still have different edges


class QuadtreeSettings(base.PartitionSettings):
    """Split a box in the middle while it holds more than ``max`` photos and is above ``max_depth``.

    OSV-5M's quadtree_10_1000 has depth 10 and ``do_split`` 1000, and splits at exactly 1,000 too; so ``max`` is 999
    here by default. It starts from the photos' bounding box (``extent`` "photos"), and leaves out only empty boxes.
    """

    max: int = Field(999, ge=1)
    max_depth: int = Field(10, ge=0, le=MAX_DEPTH)
    extent: Literal["world", "photos"] = "world"

    @model_validator(mode="after")
    def _ordered(self) -> QuadtreeSettings:
        base.check_limits(self.min, self.max)
        return self


class Box(NamedTuple):
    """The edges of a box in degrees."""

    south: float
    west: float
    north: float
    east: float


WORLD = Box(-90.0, -180.0, 90.0, 180.0)


class Quadtree(base.Partition):
    """Disjoint boxes of one quadtree, in the order of their paths: south-west, south-east, north-west, north-east.

    ``start`` is the box that was divided; ``boxes`` (k, 4) are south, west, north, east of each cell. A parallel is not
    a great circle, so the imagery centroid of a wide box may lie outside it.
    """

    kind = "quadtree"
    convex = False

    def __init__(
        self,
        start: Box,
        paths: NDArray[np.int64],
        depths: NDArray[np.int64],
        centers: sphere.Points,
        counts: NDArray[np.int64],
        spread_km: NDArray[np.float64],
    ) -> None:
        self.start, self.paths, self.depths = start, paths, depths
        self._depth = int(depths.max(initial=0))
        self._first, self._last = runs(paths, depths, self._depth)
        if (self._first[1:] <= self._last[:-1]).any():
            raise InputError("boxes of a quadtree must be disjoint and sorted by path")
        self.boxes = boxes_of(start, paths, depths)
        south, west, north, east = self.boxes.T
        self.centers, self.counts, self.spread_km = centers, counts, spread_km
        self.cell_centers = np.stack([0.5 * (south + north), 0.5 * (west + east)], axis=1)
        self.area_sr = areas_sr(self.boxes)

    def assign(self, points: ArrayLike) -> NDArray[np.int64]:
        """Return cell numbers (n,) of positions (n, 2); -1 outside every cell."""
        return base.find_runs(self._first, self._last, _descend(sphere.points(points), self.start, self._depth))

    def boundary(self, cell: int) -> list[sphere.Points]:
        """Return the closed rings (m, 2) in degrees around one cell."""
        return [polygons.corners_of(shapely.segmentize(self.polygon(cell), great_circles.STEP_DEGREES))]

    def polygon(self, cell: int) -> BaseGeometry:
        """Return one cell as a valid polygon of the map."""
        south, west, north, east = self.boxes[cell]
        result: BaseGeometry = shapely.box(west, south, east, north)
        return result

    def own_columns(self) -> dict[str, pa.Array]:
        """Return the columns of the saved table that only this kind has."""
        edges = dict(zip(Box._fields, map(pa.array, self.boxes.T), strict=True))
        return {"path": pa.array(_digits(self.paths, self.depths), pa.string()), **edges}

    def to_table(self) -> pa.Table:
        """Return one row per cell; the metadata hold what only this kind needs."""
        about = json.dumps({"kind": self.kind, "start": list(self.start)})
        return super().to_table().replace_schema_metadata({base.METADATA_KEY: about})

    @classmethod
    def from_table(cls, table: pa.Table) -> Self:
        """Return the partition of a saved table."""
        common = base.common_columns(table)
        digits = table["path"].to_pylist()
        return cls(
            Box(*json.loads(table.schema.metadata[base.METADATA_KEY])["start"]),
            np.array([int(path, 4) if path else 0 for path in digits], np.int64),
            np.array([len(path) for path in digits], np.int64),
            common["centers"],
            common["counts"],
            common["spread_km"],
        )


def build(points: ArrayLike, settings: QuadtreeSettings) -> Quadtree:
    """Split boxes in the middle while they hold more than ``max`` photos; drop those with at most ``min``."""
    p = sphere.points(points)
    start = WORLD if settings.extent == "world" or len(p) == 0 else _bounding_box(p)
    leaves = _descend(p, start, settings.max_depth)
    ordered = np.sort(leaves)
    paths, finished = np.zeros(1, np.int64), []
    for depth in range(settings.max_depth + 1):
        first, last = runs(paths, np.full(len(paths), depth), settings.max_depth)
        counts = np.searchsorted(ordered, last, side="right") - np.searchsorted(ordered, first, side="left")
        split = (counts > settings.max) & (depth < settings.max_depth)
        split[split] = _can_be_split(start, paths[split], depth)
        kept = paths[~split & settings.dropping(counts)]
        finished.append(np.stack([kept, np.full(len(kept), depth)]))
        paths = (4 * paths[split, None] + np.arange(4)).ravel()
        if len(paths) == 0:
            break
    paths, depths = np.concatenate(finished, axis=1)
    order = np.argsort(paths << 2 * (settings.max_depth - depths))
    paths, depths = paths[order], depths[order]
    labels = base.find_runs(*runs(paths, depths, settings.max_depth), leaves)
    south, west, north, east = boxes_of(start, paths, depths).T
    middles = np.stack([0.5 * (south + north), 0.5 * (west + east)], axis=1)
    centers, spread_km = base.centroids(p, labels, len(paths), middles)
    counts = np.bincount(labels + 1, minlength=len(paths) + 1)[1:]
    return Quadtree(start, paths, depths, centers, counts, spread_km)


def _can_be_split(start: Box, paths: NDArray[np.int64], depth: int) -> NDArray[np.bool_]:
    """Return whether each of the four parts of a box still has a square metre."""
    parts = boxes_of(start, (4 * paths[:, None] + np.arange(4)).ravel(), np.full(4 * len(paths), depth + 1))
    result: NDArray[np.bool_] = np.all(areas_sr(parts).reshape(-1, 4) >= base.SMALLEST_SR, axis=1)
    return result


def areas_sr(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the area (k,) of boxes (k, 4) of south, west, north, east."""
    south, west, north, east = boxes.T
    # sin(north) - sin(south), written so that small boxes keep their digits
    height = 2 * np.cos(np.radians(0.5 * (south + north))) * np.sin(np.radians(0.5 * (north - south)))
    result: NDArray[np.float64] = np.radians(east - west) * height
    return result


def edges(low: float, high: float, depth: int) -> NDArray[np.float64]:
    """Return the 2^depth + 1 edges that halving makes between low and high, rounded as in the published code."""
    result = np.array([low, high])
    for _ in range(depth):
        finer = np.empty(2 * len(result) - 1)
        finer[::2], finer[1::2] = result, 0.5 * (result[:-1] + result[1:])
        result = finer
    return result


def path_of(rows: NDArray[np.int64], columns: NDArray[np.int64], depth: int) -> NDArray[np.int64]:
    """Return rows and columns of the grid at ``depth`` interleaved: two bits per level, north first."""
    path = np.zeros_like(rows)
    for level in range(depth):
        path |= ((rows >> level & 1) << 2 * level + 1) | ((columns >> level & 1) << 2 * level)
    return path


def _bounding_box(p: sphere.Points) -> Box:
    """Return the box around all points, at least some metres wide."""
    low, high = p.min(axis=0), p.max(axis=0)
    thin = high - low < _SMALLEST_DEGREES
    limit = np.array([90.0, 180.0])
    low = np.where(thin, np.maximum(low - _SMALLEST_DEGREES / 2, -limit), low)
    high = np.where(thin, np.minimum(high + _SMALLEST_DEGREES / 2, limit), high)
    box = Box(*map(float, (*low, *high)))
    if areas_sr(np.array([box]))[0] < base.SMALLEST_SR:  # at a pole, where meridians meet
        return box._replace(west=-180.0, east=180.0)
    return box


def _descend(p: sphere.Points, start: Box, depth: int) -> NDArray[np.int64]:
    """Return the path at ``depth`` of every position (n, 2); -1 outside ``start``."""
    table_depth = min(depth, _TABLE_DEPTH)
    axes = ((0, start.south, start.north), (1, start.west, start.east))
    tables = [edges(low, high, table_depth) for _, low, high in axes]
    spread = path_of(np.zeros(1 << table_depth, np.int64), np.arange(1 << table_depth), table_depth)
    paths = np.empty(len(p), np.int64)
    for begin in range(0, len(p), _CHUNK):  # in chunks that stay in the processor's cache
        x = p[begin : begin + _CHUNK].T.copy()
        # each place is in one box: poles and the date line are west, or east where the start box ends there
        x[1, np.abs(x[0]) == 90] = start.west
        x[1, np.abs(x[1]) == 180] = -180 if start.west == -180 else 180
        path = np.zeros(x.shape[1], np.int64)
        outside = np.zeros(x.shape[1], bool)
        ends = []
        for (axis, low, high), table in zip(axes, tables, strict=True):
            value = x[axis]
            outside |= ~((value >= low) & (value <= high))
            slot = _slots(value, table)
            path |= spread[slot] << (1 - axis)
            ends.append([table[slot], table[slot + 1]])
        for _ in range(table_depth, depth):
            for axis, end in enumerate(ends):
                middle = 0.5 * (end[0] + end[1])
                upper = x[axis] >= middle
                end[:] = np.where(upper, middle, end[0]), np.where(upper, end[1], middle)
                path = 2 * path + upper
        path[outside] = -1
        paths[begin : begin + _CHUNK] = path
    return paths


def _slots(values: NDArray[np.float64], table: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the two edges of an even table between which each value lies: a guess that is corrected by the edges."""
    last = len(table) - 2
    guess = (values - table[0]) * ((last + 1) / (table[-1] - table[0]))
    slot = np.clip(guess.astype(np.int64), 0, last)
    slot -= (values < table[slot]) & (slot > 0)
    slot += (values >= table[slot + 1]) & (slot < last)
    result: NDArray[np.int64] = slot
    return result


def runs(
    paths: NDArray[np.int64], depths: NDArray[np.int64], depth: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and the last path at ``depth`` of boxes that are at this depth or above it."""
    bits = 2 * (depth - depths)
    first = paths << bits
    return first, first + (np.int64(1) << bits) - 1


def boxes_of(start: Box, paths: NDArray[np.int64], depths: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return south, west, north, east (k, 4), halved level by level, with the same bits as in ``_descend``."""
    boxes = np.tile(np.array(start), (len(paths), 1))
    for level in range(int(depths.max(initial=0))):
        on = level < depths
        quadrant = np.where(on, paths >> 2 * np.maximum(depths - level - 1, 0), 0)
        for axis, upper in ((0, quadrant >> 1 & 1), (1, quadrant & 1)):
            middle = 0.5 * (boxes[:, axis] + boxes[:, axis + 2])
            boxes[:, axis] = np.where(on & (upper == 1), middle, boxes[:, axis])
            boxes[:, axis + 2] = np.where(on & (upper == 0), middle, boxes[:, axis + 2])
    return boxes


def _digits(paths: NDArray[np.int64], depths: NDArray[np.int64]) -> list[str]:
    """Return paths as OSV-5M writes its ids: a digit 0 to 3 per level."""
    pairs = zip(paths.tolist(), depths.tolist(), strict=True)
    return ["".join(str(path >> 2 * level & 3) for level in reversed(range(depth))) for path, depth in pairs]
