"""Combinatorial partitions (CPlaNet, Seo et al. 2018): the overlaps of the cells of several coarse partitions.

A cell is a combination of one cell of each part that holds photos. The parts assign positions, so a combination may
have several pieces, and its polygon and area are as exact as the polygons of the parts.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from functools import cache, reduce
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from shapely.geometry.base import BaseGeometry

from whereshot.earth import great_circles, polygons, sphere
from whereshot.earth.partition import base
from whereshot.foundation.errors import InputError

_PARTS_KEY = b"whereshot.parts"

_ASIDE = np.array([1.1e-9, 1.7e-9])
"""Degrees, a tenth of a millimetre, by which positions are moved before the parts assign them: on a border (the
equator, the date line, a pole) each part has its own rule, and together they would name a combination without area.
"""

_CHUNK = 65_536
_TABLE_SIZE = 1 << 22
"""Up to this number of possible combinations they are looked up in a table; more are searched."""

_AT_A_POLE = -123.4567
"""The longitude that is given to a pole: no border of any part is likely to run there."""

_DOT_DEGREES = 1e-5
"""Half the width of the square that stands for an overlap that the drawn borders of the parts do not have."""

_PULLED = 1e-6  # how far corners are pulled inward, as a share of the cell, before the parts assign them

_DRAWING_ERROR = 0.01
"""A cell of the first part whose drawn parts differ from its area by at most this share counts as complete."""


class CombinatorialSettings(base.PartitionSettings):
    """``parts``: at least two tables, each with a ``kind`` and that kind's settings."""

    parts: list[dict[str, Any]] = Field(min_length=2)


class Combination(base.Partition):
    """Cells that are the overlaps of the parts' cells; ``members`` (k, parts) are the numbers of the parts' cells,
    sorted.

    ``within`` (k,) is the part whose cell lies in the cells of all other parts, so that the overlap is that cell; else
    -1. ``area_sr`` is exact for such cells. The others have the share of the drawn overlap in the first part's cell.
    Shares are corrected such that the overlaps in a cell of the first part sum to its exact area, where all are there
    (within 1 %).
    """

    kind = "combinatorial"
    kinds: ClassVar[Mapping[str, type[base.Partition]]] = {}
    """The kinds that parts can have. The package's ``__init__``, which knows all kinds, fills it in."""

    def __init__(
        self,
        parts: Sequence[base.Partition],
        members: NDArray[np.int64],
        within: NDArray[np.int64],
        common: Mapping[str, Any],
    ) -> None:
        self.parts, self.members, self.within = tuple(parts), members, within
        self.convex = all(part.convex for part in parts)  # type: ignore[misc]  # a constant of the class elsewhere
        self.centers, self.cell_centers = common["centers"], common["cell_centers"]
        self.counts, self.area_sr, self.spread_km = common["counts"], common["area_sr"], common["spread_km"]
        self._steps = _steps(members, [len(part) for part in parts])

    def assign(self, points: ArrayLike) -> NDArray[np.int64]:
        """Return cell numbers (n,) of positions (n, 2); -1 outside every cell."""
        return _look_up(self._steps, self.parts, off_the_borders(points))

    def boundary(self, cell: int) -> list[sphere.Points]:
        """Return the closed rings (m, 2) in degrees around one cell."""
        if self.within[cell] >= 0:
            result: list[sphere.Points] = self.parts[self.within[cell]].boundary(
                int(self.members[cell, self.within[cell]])
            )
            return result
        outlines = shapely.get_exterior_ring(shapely.get_parts(shapely.orient_polygons(self.polygon(cell))))
        return [polygons.corners_of(ring) for ring in shapely.segmentize(outlines, great_circles.STEP_DEGREES)]

    def polygon(self, cell: int) -> BaseGeometry:
        """Return one cell as a valid polygon of the map."""
        if self.within[cell] >= 0:
            result: BaseGeometry = self.parts[self.within[cell]].polygon(int(self.members[cell, self.within[cell]]))
            return result
        pairs = zip(self.parts, self.members[cell].tolist(), strict=True)
        return _with_center(_overlap([part.polygon(own) for part, own in pairs]), self.cell_centers[cell])

    def own_columns(self) -> dict[str, pa.Array]:
        """Return the columns of the saved table that only this kind has."""
        columns = {f"part_{number}": pa.array(self.members[:, number]) for number in range(len(self.parts))}
        return {**columns, "within": pa.array(self.within)}

    def to_table(self) -> pa.Table:
        """Return one row per cell; the metadata hold what only this kind needs."""
        table = super().to_table()
        parts = json.dumps([base64.b85encode(_ipc(part.to_table())).decode() for part in self.parts])
        return table.replace_schema_metadata({**table.schema.metadata, _PARTS_KEY: parts})

    @classmethod
    def from_table(cls, table: pa.Table) -> Self:
        """Return the partition of a saved table."""
        parts = []
        for text in json.loads(table.schema.metadata[_PARTS_KEY]):
            part = pa.ipc.open_stream(base64.b85decode(text)).read_all()
            kind = json.loads(part.schema.metadata[base.METADATA_KEY])["kind"]
            if kind not in cls.kinds:
                raise InputError(f"partition kind {kind!r} of a part is not known; known: {', '.join(cls.kinds)}")
            parts.append(cls.kinds[kind].from_table(part))
        members = np.stack([table[f"part_{number}"].to_numpy() for number in range(len(parts))], axis=1)
        return cls(parts, members, table["within"].to_numpy(), base.common_columns(table))


def combine(points: ArrayLike, parts: Sequence[base.Partition], settings: CombinatorialSettings) -> Combination:
    """Return the combinations of the parts' cells that hold more than ``min`` of the positions (n, 2)."""
    p, aside = sphere.points(points), off_the_borders(points)
    sizes = [len(part) for part in parts]
    tuples = np.stack([part.assign(aside) for part in parts], axis=1)
    inside = (tuples >= 0).all(axis=1)
    members, counts = _distinct(tuples[inside], sizes)
    members = members[settings.kept(counts)]
    labels = np.zeros(len(p), np.int64)
    for step, label in zip(_steps(members, sizes), tuples.T, strict=True):
        labels = step.find(labels, label) if len(members) else np.full(len(p), -1)
    counts = np.bincount(labels + 1, minlength=len(members) + 1)[1:]
    within = _within(parts, members)
    common = _geometry(parts, members, within, _one_each(p, labels, len(members)))
    centers, spread_km = base.centroids(p, labels, len(members), common["cell_centers"])
    common |= {"centers": centers, "counts": counts, "spread_km": spread_km}
    return Combination(parts, members, within, common)


def off_the_borders(points: ArrayLike) -> sphere.Points:
    """Return positions (n, 2) moved by a tenth of a millimetre, off borders that run along round degrees.

    Parts are built and looked up with them.

    The longitudes 180 and -180 become the same, and so do all longitudes at a pole.
    """
    p = sphere.points(points)
    longitude = np.where(np.abs(p[:, 0]) == 90, _AT_A_POLE, p[:, 1]) + _ASIDE[1]
    latitude = np.minimum(p[:, 0] + _ASIDE[0], 90 - _ASIDE[0])
    return np.stack([latitude, np.where(longitude >= 180, longitude - 360, longitude)], axis=1)


def _distinct(tuples: NDArray[np.int64], sizes: list[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct rows of (n, parts), sorted, and how often each occurs."""
    key, counts = np.zeros(len(tuples), np.int64), np.empty(0, np.int64)
    for column, size in zip(tuples.T, sizes, strict=True):  # renumbered at each step: the products would overflow
        key = key * size + column
        if key.max(initial=0) <= _TABLE_SIZE:
            dense = np.bincount(key)
            counts = dense[dense > 0]
            key = (np.cumsum(dense > 0) - 1)[key]
        else:
            _, key, counts = np.unique(key, return_inverse=True, return_counts=True)
    members = np.empty((len(counts), tuples.shape[1]), np.int64)
    members[key] = tuples  # all rows with one key are equal
    return members, counts


class _Step(NamedTuple):
    """One more part of the combinations.

    ``keys`` are sorted: (number of the combination so far) * ``size`` + (number of the cell in this part).
    """

    size: int
    keys: NDArray[np.int64]
    table: NDArray[np.int64] | None
    """The place of every possible key, or -1, with -1 at the end. None where the table would be too large."""

    def find(self, before: NDArray[np.int64], label: NDArray[np.int64]) -> NDArray[np.int64]:
        wanted = before * self.size + label
        wanted[(before < 0) | (label < 0)] = -1
        if self.table is not None:
            result: NDArray[np.int64] = self.table[wanted]
            return result
        place = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[place] == wanted, place, -1)


def _steps(members: NDArray[np.int64], sizes: list[int]) -> list[_Step]:
    """Return one step per part. After the last step, the numbers count the sorted combinations."""
    steps, before, total = [], np.zeros(len(members), np.int64), 1
    for column, size in zip(members.T, sizes, strict=True):
        keys, before = np.unique(before * size + column, return_inverse=True)
        table = None
        if total * size <= _TABLE_SIZE:
            table = np.full(total * size + 1, -1)
            table[keys] = np.arange(len(keys))
        steps.append(_Step(size, keys, table))
        total = len(keys)
    return steps


def _look_up(steps: list[_Step], parts: Sequence[base.Partition], points: sphere.Points) -> NDArray[np.int64]:
    """Return the combination (n,) of each position (n, 2) off the borders; -1 if it is not among the known
    combinations.
    """
    found = np.full(len(points), -1)
    if len(steps[-1].keys) == 0:
        return found
    for start in range(0, len(points), _CHUNK):
        chunk = points[start : start + _CHUNK]
        number = np.zeros(len(chunk), np.int64)
        for step, part in zip(steps, parts, strict=True):
            number = step.find(number, part.assign(chunk))
        found[start : start + _CHUNK] = number
    return found


def _one_each(p: sphere.Points, labels: NDArray[np.int64], cells: int) -> sphere.Points:
    """Return one of the photos of each cell (cells, 2): the southernmost, and of several the westernmost, whatever
    their order.
    """
    chosen = np.full((cells, 2), np.inf)
    kept = labels >= 0
    for axis in range(2):
        np.minimum.at(chosen[:, axis], labels[kept], p[kept, axis])
        kept[kept] = p[kept, axis] == chosen[labels[kept], axis]
    return chosen


def _within(parts: Sequence[base.Partition], members: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the part whose cell lies in all other parts' cells (k,), or -1. It can only be the part with the smallest
    cell.
    """
    if len(members) == 0:
        return np.empty(0, np.int64)
    areas = np.stack([part.area_sr[own] for part, own in zip(parts, members.T, strict=True)], axis=1)
    smallest = areas.argmin(axis=1)
    inside = np.ones(len(members), bool)
    for number, part in enumerate(parts):
        rows = np.flatnonzero(smallest == number)
        if len(rows) == 0:
            continue
        corners = [_pulled(part, int(cell)) for cell in members[rows, number]]
        owner = np.repeat(rows, [len(own) for own in corners])
        stacked = np.concatenate(corners)
        for other_number, other in enumerate(parts):
            if other_number != number:
                wrong = other.assign(stacked) != members[owner, other_number]
                inside[owner[wrong]] = False
    for row in np.flatnonzero(inside):  # corners alone decide only for convex cells
        number = smallest[row]
        bent = [other for other in range(len(parts)) if other != number and not parts[other].convex]
        own = [parts[other].polygon(int(members[row, other])) for other in bent]
        if own:
            inside[row] = shapely.covers(own, parts[number].polygon(int(members[row, number]))).all()
    return np.where(inside, smallest, -1)


def _pulled(part: base.Partition, cell: int) -> sphere.Points:
    """Return the corners and other drawn points (m, 2) of a cell's border, moved a little toward its middle."""
    border = sphere.xyz(np.concatenate([ring[:-1] for ring in part.boundary(cell)]))
    return sphere.latlon(border + _PULLED * (sphere.xyz(part.cell_centers[cell]) - border))


def _overlap(polygons: Sequence[Any]) -> Any:
    """Return the intersection of one polygon per part, or of arrays of them, without the lines and points where they
    touch.
    """
    met = np.atleast_1d(reduce(shapely.intersection, polygons))
    mixed = np.flatnonzero(~np.isin(shapely.get_type_id(met), (3, 6)))
    for row in mixed:
        pieces = [piece for piece in shapely.get_parts(met[row]) if piece.geom_type == "Polygon"]
        met[row] = shapely.union_all(pieces) if pieces else shapely.Polygon()
    return met if isinstance(polygons[0], np.ndarray) else met[0]


def _with_center(shape: BaseGeometry, center: NDArray[np.float64]) -> BaseGeometry:
    """Return the shape with a dot around a cell centre that lies beside it, because the parts' borders are drawn as
    short lines.
    """
    latitude, longitude = center
    if shapely.intersects_xy(shape, longitude, latitude):
        return shape
    low = np.maximum([longitude - _DOT_DEGREES, latitude - _DOT_DEGREES], [-180, -90])
    high = np.minimum([longitude + _DOT_DEGREES, latitude + _DOT_DEGREES], [180, 90])
    return shapely.union(shape, shapely.box(*low, *high))


def _geometry(
    parts: Sequence[base.Partition], members: NDArray[np.int64], within: NDArray[np.int64], photos: sphere.Points
) -> dict[str, Any]:
    """Return ``area_sr`` (k,) and ``cell_centers`` (k, 2) of the combinations, of each of which one photo (k, 2) is
    given.
    """
    centers, area_sr = photos.copy(), np.zeros(len(members))
    for number, part in enumerate(parts):
        rows = np.flatnonzero(within == number)
        centers[rows], area_sr[rows] = part.cell_centers[members[rows, number]], part.area_sr[members[rows, number]]
    cut = np.flatnonzero(within < 0)
    if len(cut) == 0:
        return {"area_sr": area_sr, "cell_centers": centers}
    draw = cache(lambda number, cell: parts[number].polygon(cell))
    drawn = [
        np.array([draw(number, cell) for cell in members[cut, number].tolist()], object) for number in range(len(parts))
    ]
    shapes = _overlap(drawn)
    steps = _steps(members, [len(part) for part in parts])
    for spot in (shapely.point_on_surface(shapes), shapely.centroid(shapes)):  # the best last
        usable = ~shapely.is_empty(spot)
        usable[usable] = shapely.intersects(shapes[usable], spot[usable])
        place = np.stack([shapely.get_y(spot[usable]), shapely.get_x(spot[usable])], axis=1)
        own = _look_up(steps, parts, off_the_borders(place)) == cut[usable]
        centers[cut[usable][own]] = place[own]
    measured = cache(lambda cell: polygons.area_sr(draw(0, cell)))
    for row, shape in zip(cut, shapes, strict=True):
        first = int(members[row, 0])
        shape = _with_center(shape, centers[row])
        area_sr[row] = polygons.area_sr(shape) * parts[0].area_sr[first] / measured(first)
    return {"area_sr": _evened(area_sr, within, members[:, 0], parts[0].area_sr), "cell_centers": centers}


def _evened(
    area_sr: NDArray[np.float64], within: NDArray[np.int64], first: NDArray[np.int64], whole: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return areas (k,) in which drawn areas are scaled such that complete cells of the first part keep their area."""
    cut = within < 0
    exact = np.bincount(first[~cut], area_sr[~cut], len(whole))
    drawn = np.bincount(first[cut], area_sr[cut], len(whole))
    complete = (np.abs(exact + drawn - whole) <= _DRAWING_ERROR * whole) & (drawn > 0) & (whole > exact)
    factor = np.where(complete, (whole - exact) / np.where(complete, drawn, 1), 1)
    return np.where(cut, area_sr * factor[first], area_sr)


def _ipc(table: pa.Table) -> bytes:
    """Return a table as a compressed Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    result: bytes = sink.getvalue().to_pybytes()
    return result
