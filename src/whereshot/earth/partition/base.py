"""A partition divides the sphere, or the part of it that has photos, into cells; a hierarchy stacks several.

Points in, cell numbers out; per cell the imagery centroid, the count, the exact area, the spread and the border.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
import shapely.affinity
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, PrivateAttr
from shapely.geometry.base import BaseGeometry

from whereshot.earth import sphere
from whereshot.earth.partition import adjacency
from whereshot.foundation.errors import InputError
from whereshot.foundation.settings_file import Settings
from whereshot.foundation.tables import write_parquet

METADATA_KEY = b"whereshot.partition"

_CHUNK = 65_536
_STEP_DEGREES = 2.0
_AT_POLE = 1e-9
_STRAIGHT_DEGREES = 2e-4  # 20 m: how far a line on the map may leave its great circle


class PartitionSettings(Settings):
    """What every kind is told: with at most ``min`` photos a cell is dropped (meshes: with fewer than ``min``)."""

    min: int = Field(0, ge=0, description="cells with at most so many photos are dropped")

    _drops: bool = PrivateAttr(True)

    def kept(self, counts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which cells (k,) with these many photos stay."""
        return counts > self.min

    def keeping_all(self) -> Self:
        """The same settings, but no cell is dropped, an empty one neither: what ``populate`` starts from."""
        copy = self.model_copy()
        copy._drops = False
        return copy

    def dropping(self, counts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which cells (k,) with these many photos stay when building: all while others are still to be counted."""
        return self.kept(counts) if self._drops else np.ones(len(counts), bool)


SMALLEST_SR = 1e-6 / sphere.EARTH_KM**2
"""The area of the smallest cell, a square metre in steradians: no photo's position is known better."""


def check_areas(area_sr: NDArray[np.float64]) -> None:
    """Refuse cells (k,) of less than a square metre. Raises InputError."""
    small = np.flatnonzero(~(area_sr >= SMALLEST_SR))
    if len(small):
        area_m2 = area_sr[small[0]] / SMALLEST_SR
        raise InputError(
            f"{len(small)} of {len(area_sr)} cells have less than a square metre, the first {area_m2:.2g} m²; "
            "ask for fewer cells, or drop photos of the same spot"
        )


def check_limits(least: int, most: int | None) -> None:
    """Raises ValueError unless a cell may hold more than ``least`` photos and no more than ``most``; None: any."""
    if most is not None and least >= most:
        raise ValueError(f"min {least} must be smaller than max {most}")


class Partition(ABC):
    """k cells of the sphere, numbered 0 to k - 1, each with what its photos tell.

    ``centers`` (k, 2) are the means of the photos in each cell (imagery centroids; the cell's own centre where they
    have no mean, being none or opposite one another), ``cell_centers`` (k, 2) the cells' own, ``counts`` (k,) the
    photos, ``area_sr`` (k,) steradians, ``spread_km`` (k,) the root mean square distance of the photos from their
    centroid.
    """

    kind: ClassVar[str]
    convex: ClassVar[bool] = True
    """Whether the imagery centroid of a cell always lies in the cell; ``cell_centers`` do in every kind."""
    centers: sphere.Points
    cell_centers: sphere.Points
    counts: NDArray[np.int64]
    area_sr: NDArray[np.float64]
    spread_km: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.counts)

    @abstractmethod
    def assign(self, points: ArrayLike) -> NDArray[np.int64]:
        """Cell numbers (n,) of positions (n, 2); -1 outside every cell."""

    @abstractmethod
    def boundary(self, cell: int) -> list[sphere.Points]:
        """Closed rings (m, 2) in degrees around one cell, counter-clockwise, edges short enough for a map."""

    @abstractmethod
    def own_columns(self) -> dict[str, pa.Array]:
        """The columns of the saved table that this kind needs besides the common ones."""

    @classmethod
    @abstractmethod
    def from_table(cls, table: pa.Table) -> Self:
        """The partition that ``own_columns`` and the common columns describe."""

    def to_table(self) -> pa.Table:
        """One row per cell; the kind is in the schema's metadata."""
        columns = {
            **self.own_columns(),
            "latitude": pa.array(self.centers[:, 0]),
            "longitude": pa.array(self.centers[:, 1]),
            "cell_latitude": pa.array(self.cell_centers[:, 0]),
            "cell_longitude": pa.array(self.cell_centers[:, 1]),
            "count": pa.array(self.counts),
            "area_sr": pa.array(self.area_sr),
            "spread_km": pa.array(self.spread_km),
        }
        return pa.table(columns).replace_schema_metadata({METADATA_KEY: json.dumps({"kind": self.kind})})

    def save(self, path: str | Path) -> None:
        """Write one Parquet file."""
        write_parquet(self.to_table(), Path(path))

    def populate(self, points: ArrayLike, kept: Callable[[NDArray[np.int64]], NDArray[np.bool_]]) -> Self:
        """The same cells counted anew on other positions (n, 2); only those whose counts are ``kept`` stay.

        One without photos has its own centre as its centroid, and the spread of photos spread evenly over its area.
        """
        p = sphere.points(points)
        label = self.assign(p)
        counts = np.bincount(label + 1, minlength=len(self) + 1)[1:]
        centers, spread_km = centroids(p, label, len(self), self.cell_centers)
        spread_km = np.where(counts > 0, spread_km, even_spread_km(self.area_sr))
        table = self.to_table()
        fresh = {"latitude": centers[:, 0], "longitude": centers[:, 1], "count": counts, "spread_km": spread_km}
        for name, values in fresh.items():
            table = table.set_column(table.column_names.index(name), name, pa.array(values))
        return type(self).from_table(table.filter(pa.array(kept(counts))))

    def neighbours(self) -> NDArray[np.int64]:
        """Pairs (m, 2) of cells i < j whose borders share a stretch, also over the date line; no mere corners."""
        return adjacency.pairs([self.boundary(cell) for cell in range(len(self))], self.assign)

    def polygon(self, cell: int) -> BaseGeometry:
        """One cell as a valid (multi-)polygon in longitude and latitude, cut at the date line (RFC 7946, 3.1.9)."""
        return shapely.union_all([planar_polygon(ring) for ring in self.boundary(cell)])


def common_columns(table: pa.Table) -> dict[str, Any]:
    """The attributes that every kind restores from its saved table."""

    def pair(latitude: str, longitude: str) -> sphere.Points:
        return np.stack([table[latitude].to_numpy(), table[longitude].to_numpy()], axis=1)

    return {
        "centers": pair("latitude", "longitude"),
        "cell_centers": pair("cell_latitude", "cell_longitude"),
        "counts": table["count"].to_numpy(),
        "area_sr": table["area_sr"].to_numpy(),
        "spread_km": table["spread_km"].to_numpy(),
    }


def read_kind(path: str | Path) -> tuple[str, pa.Table]:
    """The kind and the table of a saved partition. Raises InputError."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        table = pq.read_table(path)
        return json.loads((table.schema.metadata or {})[METADATA_KEY])["kind"], table
    except (pa.ArrowInvalid, OSError, KeyError, TypeError, json.JSONDecodeError):
        raise InputError(f"{path}: not a partition file; make one with: whereshot cells build") from None


def centroids(
    points: sphere.Points, labels: NDArray[np.int64], cells: int, middles: sphere.Points | None = None
) -> tuple[sphere.Points, NDArray[np.float64]]:
    """Mean position (k, 2) and root mean square distance in km (k,) of the points (n, 2) with each label; -1: none.

    Where photos have no mean, being none or opposite one another, it is the cell's own of ``middles`` (k, 2).
    """
    total = np.zeros((cells + 1, 3))
    step = max(_CHUNK, cells)
    for start in range(0, len(points), step):  # in chunks that stay in the processor's cache
        part = slice(start, start + step)
        unit = sphere.xyz(points[part])
        for axis in range(3):
            total[:, axis] += np.bincount(labels[part] + 1, unit[:, axis], cells + 1)
    counts = np.bincount(labels + 1, minlength=cells + 1)
    average = (total / np.maximum(counts, 1)[:, None])[1:]
    length = np.linalg.norm(average, axis=1)
    # of unit vectors x with mean m: E|x - m/|m||^2 = 2 (1 - |m|), the squared chord
    chord = np.sqrt(np.maximum(2 * (1 - length), 0))
    has_mean = length[:, None] > 1e-12
    means = sphere.latlon(np.where(has_mean, average, [1.0, 0.0, 0.0]))
    return means if middles is None else np.where(has_mean, means, middles), sphere.chord_to_km(chord)


def even_spread_km(area_sr: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root mean square distance (k,) from the middle of positions spread evenly over caps of these areas (k,)."""
    # over a cap the cosine is uniform, so the squared chord is 1 - cos(radius) on average, and the area 2 pi times that
    result: NDArray[np.float64] = sphere.chord_to_km(np.sqrt(np.minimum(area_sr / (2 * np.pi), 2)))
    return result


def densify(ring: NDArray[np.float64]) -> sphere.Points:
    """A closed ring (m, 2) through corners (c, 2) joined by great circles: straight on a map it keeps to them.

    Between its points a line leaves its great circle by at most 20 m, and is at most 2 degrees long.
    """
    corners = sphere.xyz(ring)
    at_pole = np.hypot(corners[:, 0], corners[:, 1]) < _AT_POLE
    corners[at_pole] = np.sign(corners[at_pole]) * [0.0, 0.0, 1.0]  # exactly, or the border would pass it once more
    dense = sphere.latlon(_dense(corners))
    return np.where(np.abs(dense) < 1e-13, 0.0, dense)


def _dense(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """A closed ring (m, 3) through corners, with points close enough for a map; an arc has the same from either end."""
    points = np.concatenate([corners, corners[:1]])
    normal = np.cross(points[:-1], points[1:])
    length = np.linalg.norm(normal, axis=1)
    for tip in (np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, -1.0])):
        # a border through a pole names it: there the longitude jumps
        along = (length > 1e-12) & (np.abs(normal @ tip) < _AT_POLE * length)
        for edge in np.flatnonzero(along)[::-1].tolist():
            start, end = points[edge], points[edge + 1]
            if np.cross(start, tip) @ normal[edge] > 0 and np.cross(tip, end) @ normal[edge] > 0:
                points = np.insert(points, edge + 1, tip, axis=0)
                normal, length = (np.insert(one, edge, one[edge], axis=0) for one in (normal, length))
    for _ in range(16):
        one, other = points[:-1], points[1:]
        middle = one + other
        middle /= np.linalg.norm(middle, axis=1, keepdims=True)
        bent = _bent(one, middle, other)
        if not bent.any():
            break
        points = np.insert(points, np.flatnonzero(bent) + 1, middle[bent], axis=0)
    return points


def _bent(one: NDArray[np.float64], middle: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which arcs are long, or leave the straight line on the map by more than ``_STRAIGHT_DEGREES``."""
    a, m, b = sphere.latlon(one), sphere.latlon(middle), sphere.latlon(other)
    flat = np.maximum(np.cos(np.radians(m[:, 0])), 1e-9)
    half, whole = ((x - a[:, 1] + 180) % 360 - 180 for x in (m[:, 1], b[:, 1]))
    at_pole = (np.abs(a[:, 0]) > 90 - 1e-9) | (np.abs(b[:, 0]) > 90 - 1e-9)  # there a meridian has any longitude
    off = np.maximum(np.abs(m[:, 0] - (a[:, 0] + b[:, 0]) / 2), np.where(at_pole, 0, np.abs(half - whole / 2) * flat))
    length = np.degrees(np.linalg.norm(other - one, axis=1))
    result: NDArray[np.bool_] = (length > _STEP_DEGREES) | ((off > _STRAIGHT_DEGREES) & (length > 1e-4))
    return result


def planar_polygon(ring: sphere.Points) -> BaseGeometry:
    """A closed ring (m, 2) on the sphere as a (multi-)polygon in longitude and latitude within [-180, 180].

    The ring is unrolled along longitude, closed over a pole that it goes round, and cut at the date line.
    """
    latitude, longitude = ring[:, 0], ring[:, 1].copy()
    at_pole = np.abs(latitude) > 90 - 1e-9
    path: list[tuple[float, float]] = []
    for row in range(len(ring)):
        if at_pole[row]:  # a pole has every longitude: go there along one neighbour's and back along the other's
            before, after = longitude[row - 1 if row else -2], longitude[row + 1 if row + 1 < len(ring) else 1]
            path += [(before, latitude[row]), (after, latitude[row])]
        else:
            path.append((longitude[row], latitude[row]))
    unrolled = np.array(path)
    steps = (np.diff(unrolled[:, 0]) + 180) % 360 - 180
    unrolled[1:, 0] = unrolled[0, 0] + np.cumsum(steps)
    turn = unrolled[-1, 0] - unrolled[0, 0]
    if abs(turn) > 180:
        pole = np.sign(turn) * 90.0  # counter-clockwise seen from outside: eastward round the north pole
        unrolled = np.concatenate([unrolled, [[unrolled[-1, 0], pole], [unrolled[0, 0], pole]]])
    polygon = shapely.make_valid(shapely.Polygon(unrolled))
    world = shapely.box(-180, -90, 180, 90)
    parts = [
        shapely.intersection(shapely.affinity.translate(polygon, shift), world) for shift in (-720, -360, 0, 360, 720)
    ]
    areas = [part for piece in parts for part in shapely.get_parts(piece) if part.geom_type == "Polygon" and part.area]
    return shapely.orient_polygons(shapely.union_all(areas)) if len(areas) > 1 else shapely.orient_polygons(areas[0])


def planar_area_sr(geometry: BaseGeometry) -> float:
    """Steradians on the sphere of a polygon whose edges are straight in longitude and latitude (RFC 7946, 3.1.1).

    Exact: the integral of sin(latitude) along each edge has a closed form, so the areas of a tiling of the map sum
    to that of the whole, 4 pi for the sphere.
    """
    total = 0.0
    for polygon in shapely.get_parts(shapely.orient_polygons(geometry)):
        for ring in shapely.get_rings(polygon):
            longitude, latitude = np.radians(shapely.get_coordinates(ring)).T
            middle, half = (latitude[1:] + latitude[:-1]) / 2, (latitude[1:] - latitude[:-1]) / 2
            # mean of sin over the edge: sin(middle) sin(half) / half
            total -= float((np.diff(longitude) * np.sin(middle) * np.sinc(half / np.pi)).sum())
    return total


class Hierarchy:
    """Several partitions of the same photos, coarse to fine, whose probabilities multiply."""

    def __init__(self, levels: tuple[Partition, ...]) -> None:
        if not levels:
            raise InputError("a hierarchy needs at least one partition")
        sizes = [len(level) for level in levels]
        if sizes != sorted(sizes):
            raise InputError(f"the levels of a hierarchy go from coarse to fine; got {sizes} cells")
        self.levels = levels

    @property
    def finest(self) -> Partition:
        return self.levels[-1]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of cells per level."""
        return tuple(len(level) for level in self.levels)

    def assign(self, points: ArrayLike) -> NDArray[np.int64]:
        """Cell numbers (n, levels) of positions (n, 2); -1 outside."""
        return np.stack([level.assign(points) for level in self.levels], axis=1)

    def parents(self) -> NDArray[np.int64]:
        """For each finest cell its cell at every level, (k, levels): the one that holds its centroid, or -1."""
        own = np.arange(len(self.finest))
        return np.stack([*(level.assign(self.finest.centers) for level in self.levels[:-1]), own], axis=1)

    def product(self, log_probabilities: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Log mass (n, k) of the finest cells: the product of each level's probabilities, normalised.

        Takes one (n, cells) array of log probabilities per level (Mueller-Budack et al. 2018, eq. 3). A cell
        without a parent at some level counts there as an average cell.
        """
        parents = self.parents()
        total = np.zeros((len(log_probabilities[0]), len(self.finest)))
        for level, log_probability in enumerate(log_probabilities):
            parent = parents[:, level]
            average = -np.log(log_probability.shape[1])
            total += np.where(parent >= 0, log_probability[:, parent], average)
        total -= total.max(axis=1, keepdims=True)
        result: NDArray[np.float64] = total - np.log(np.exp(total).sum(axis=1, keepdims=True))
        return result
