"""The base of all partitions: cells of the sphere with counts, areas and borders; a hierarchy stacks several
partitions.

A partition turns positions into cell numbers. For each cell it has the mean position of the photos (the imagery
centroid), their count and spread, the exact area and the border.
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
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, PrivateAttr
from shapely.geometry.base import BaseGeometry

from whereshot.earth import adjacency, polygons, sphere
from whereshot.foundation.errors import InputError
from whereshot.foundation.settings_file import Settings
from whereshot.foundation.tables import write_parquet

METADATA_KEY = b"whereshot.partition"

_CHUNK = 65_536


class PartitionSettings(Settings):
    """The settings of every kind. A cell with at most ``min`` photos is dropped; in meshes, a cell with fewer than
    ``min``.
    """

    min: int = Field(0, ge=0, description="cells with at most so many photos are dropped")

    _drops: bool = PrivateAttr(True)

    @property
    def drops_cells(self) -> bool:
        """Return whether cells with few photos are dropped when the partition is built."""
        return self._drops

    def kept(self, counts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which cells (k,) stay, by their numbers of photos."""
        return counts > self.min

    def keeping_all(self) -> Self:
        """Return the same settings, but with no cell dropped, not even an empty cell. ``populate`` starts from such
        cells.
        """
        copy = self.model_copy()
        copy._drops = False
        return copy

    def dropping(self, counts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which cells (k,) stay when building, by their numbers of photos.

        All stay if they will be counted again.
        """
        return self.kept(counts) if self._drops else np.ones(len(counts), bool)


SMALLEST_SR = 1e-6 / sphere.EARTH_KM**2
"""The area of the smallest cell: a square metre, in steradians. No photo's position is known more exactly."""


def check_areas(area_sr: NDArray[np.float64]) -> None:
    """Raise InputError for cells (k,) of less than a square metre."""
    small = np.flatnonzero(~(area_sr >= SMALLEST_SR))
    if len(small):
        area_m2 = area_sr[small[0]] / SMALLEST_SR
        raise InputError(
            f"{len(small)} of {len(area_sr)} cells have less than a square metre, the first {area_m2:.2g} m²; "
            "ask for fewer cells, or drop photos of the same spot"
        )


def check_limits(least: int, most: int | None) -> None:
    """Raise ValueError unless ``least`` is smaller than ``most``; None means no upper limit."""
    if most is not None and least >= most:
        raise ValueError(f"min {least} must be smaller than max {most}")


class Partition(ABC):
    """k cells of the sphere, numbered 0 to k - 1, each with numbers about its photos.

    ``centers`` (k, 2) are the mean positions of the photos in each cell (imagery centroids). Where photos have no mean,
    because there are none or they lie opposite one another, it is the cell's own centre. ``cell_centers`` (k, 2) are
    the cells' own centres, ``counts`` (k,) the numbers of photos, ``area_sr`` (k,) areas in steradians, and
    ``spread_km`` (k,) the root mean square distances of the photos from their centroid.
    """

    kind: ClassVar[str]
    convex: ClassVar[bool] = True
    """Whether the imagery centroid of a cell always lies in the cell. ``cell_centers`` lie in their cell in every kind.
    """
    centers: sphere.Points
    cell_centers: sphere.Points
    counts: NDArray[np.int64]
    area_sr: NDArray[np.float64]
    spread_km: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.counts)

    @abstractmethod
    def assign(self, points: ArrayLike) -> NDArray[np.int64]:
        """Return cell numbers (n,) of positions (n, 2); -1 outside every cell."""

    @abstractmethod
    def boundary(self, cell: int) -> list[sphere.Points]:
        """Return closed rings (m, 2) in degrees around one cell, counter-clockwise, with edges that are short on a
        map.
        """

    @abstractmethod
    def own_columns(self) -> dict[str, pa.Array]:
        """Return the columns of the saved table that only this kind needs, beside the common columns."""

    @classmethod
    @abstractmethod
    def from_table(cls, table: pa.Table) -> Self:
        """Return the partition that ``own_columns`` and the common columns describe."""

    def to_table(self) -> pa.Table:
        """Return one row per cell; the kind is in the schema's metadata."""
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
        """Return the same cells, counted anew on other positions (n, 2). Only cells whose counts are ``kept`` stay.

        A cell without photos has its own centre as its centroid, and the spread of photos spread evenly over its area.
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
        """Return pairs (m, 2) of cells i < j whose borders share a stretch, also over the date line. Touching corners
        do not count.
        """
        return adjacency.pairs([self.boundary(cell) for cell in range(len(self))], self.assign)

    def polygon(self, cell: int) -> BaseGeometry:
        """Return one cell as a valid (multi-)polygon in longitude and latitude, cut at the date line (RFC 7946,
        3.1.9).
        """
        return shapely.union_all([polygons.of_ring(ring) for ring in self.boundary(cell)])


def common_columns(table: pa.Table) -> dict[str, Any]:
    """Return the attributes that every kind restores from its saved table."""

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
    """Return the kind and the table of a saved partition. Raises InputError."""
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
    """Return the mean position (k, 2) and the root mean square distance in km (k,) of the points (n, 2) with each
    label.

    Points with the label -1 do not count. Where points have no mean, because there are none or they lie opposite one
    another, the mean is the cell's own centre from ``middles`` (k, 2).
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


def find_runs(first: NDArray[Any], last: NDArray[Any], values: NDArray[Any]) -> NDArray[np.int64]:
    """Return which of the sorted, disjoint runs ``first`` to ``last`` (k,) holds each value (n,); -1 for none."""
    if len(first) == 0:
        return np.full(len(values), -1)
    run = np.searchsorted(first, values, side="right") - 1
    return np.where((run >= 0) & (values <= last[run]), run, -1)


def even_spread_km(area_sr: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the root mean square distance in km (k,) from the middle of positions spread evenly over caps of these
    areas (k,).
    """
    # over a cap the cosine is uniform, so the squared chord is 1 - cos(radius) on average, and the area 2 pi times that
    result: NDArray[np.float64] = sphere.chord_to_km(np.sqrt(np.minimum(area_sr / (2 * np.pi), 2)))
    return result


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
        """Return the last level."""
        return self.levels[-1]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of cells per level."""
        return tuple(len(level) for level in self.levels)

    def assign(self, points: ArrayLike) -> NDArray[np.int64]:
        """Return cell numbers (n, levels) of positions (n, 2); -1 outside."""
        return np.stack([level.assign(points) for level in self.levels], axis=1)

    def parents(self) -> NDArray[np.int64]:
        """Return the cell at every level that holds the centroid of each finest cell (k, levels); -1 for none."""
        own = np.arange(len(self.finest))
        return np.stack([*(level.assign(self.finest.centers) for level in self.levels[:-1]), own], axis=1)

    def product(self, log_probabilities: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return the log mass (n, k) of the finest cells: the product of each level's probabilities, normalised.

        Takes one array (n, cells) of log probabilities for each level (Mueller-Budack et al. 2018, eq. 3). A cell
        without a parent at some level counts at that level as an average cell.
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
