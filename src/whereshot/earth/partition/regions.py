"""Cells along borders: groups of regions, each cut by the Voronoi cells of its sites.

``region_settings`` reads the regions of a file, ``region_groups`` merges and divides them.
"""

from __future__ import annotations

import base64
import copy
import itertools
import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from whereshot.earth import adjacency, great_circles, polygons, sphere
from whereshot.earth.partition import base, clusters
from whereshot.earth.partition.lookup import Polygons
from whereshot.earth.partition.region_settings import RegionSettings

GROUPS_KEY = b"whereshot.regions.groups"

TOUCH_DEGREES = 1e-6
"""Regions with a gap of at most 0.1 m between them are neighbours."""


class RegionGroup(NamedTuple):
    """One or more regions of one parent, and the unit vectors (s, 3) of the sites that divide them."""

    name: str
    parent: str
    shape: BaseGeometry
    sites: clusters.Vectors


class Regions(base.Partition):
    """Cells of regions: the places in the region's polygon that are nearest to the cell's site.

    ``groups`` are all groups, also those without a cell: their places are outside every cell. ``group`` and ``site``
    (k,) are the group and the site of each cell. ``stray_counts`` (k,) are the photos of each cell that lie outside its
    polygon; if they are many, even ``centers`` may lie outside. ``notes`` are sentences on what was changed in the
    regions of the file. ``area_sr`` and the borders come from the polygons.
    """

    kind = "regions"
    convex = False

    def __init__(
        self,
        groups: list[RegionGroup],
        stray_km: float,
        group: NDArray[np.int64],
        site: NDArray[np.int64],
        lookup: Polygons | None = None,
        notes: Sequence[str] = (),
        **common: Any,
    ) -> None:
        self.groups, self.stray_km, self.group, self.site = groups, stray_km, group, site
        self.notes = list(notes)
        self.shapes: NDArray[np.object_] = common.pop("shapes")
        self.stray_counts: NDArray[np.int64] = common.pop("stray_counts")
        for name, values in common.items():
            setattr(self, name, values)
        self.names = [groups[number].name for number in group.tolist()]
        self.parents = [groups[number].parent for number in group.tolist()]
        self._polygons = lookup or Polygons([one.shape for one in groups])
        self._first = np.cumsum([0] + [len(one.sites) for one in groups])
        self._cell = np.full(self._first[-1], -1)
        self._cell[self._first[group] + site] = np.arange(len(group))

    def assign(self, points: ArrayLike) -> NDArray[np.int64]:
        """Return cell numbers (n,) of positions (n, 2); -1 outside every cell."""
        p = sphere.points(points)
        group = self._polygons.index_of(p, self.stray_km)
        return np.append(self._cell, -1)[_site_of(self.groups, self._first, p, group)]

    def populate(self, points: ArrayLike, kept: Callable[[NDArray[np.int64]], NDArray[np.bool_]]) -> Self:
        """Return the same cells counted anew on other positions (n, 2)."""
        p = sphere.points(points)
        recounted = copy.copy(self)
        recounted.stray_counts = _stray_counts(self._polygons, p, self.assign(p), len(self))
        return base.Partition.populate(recounted, p, kept)

    def boundary(self, cell: int) -> list[sphere.Points]:
        """Return closed rings (m, 2) in degrees, counter-clockwise around the cell and clockwise around its holes."""
        dense = shapely.segmentize(self.shapes[cell], great_circles.STEP_DEGREES)
        return [polygons.corners_of(ring) for ring in shapely.get_rings(shapely.get_parts(dense))]

    def polygon(self, cell: int) -> BaseGeometry:
        """Return one cell as a valid polygon of the map."""
        result: BaseGeometry = self.shapes[cell]
        return result

    def neighbours(self) -> NDArray[np.int64]:
        """Return pairs (m, 2) of cells i < j whose polygons share a stretch of border.

        Places outside the polygons do not count: regions across a strait are not neighbours, however far out their
        photos lie.
        """
        return adjacency.touching(self.shapes, TOUCH_DEGREES)

    def own_columns(self) -> dict[str, pa.Array]:
        """Return the columns of the saved table that only this kind has."""
        sites = [self.groups[group].sites[site] for group, site in zip(self.group, self.site, strict=True)]
        latitude, longitude = sphere.latlon(np.array(sites).reshape(-1, 3)).T
        return {
            "region": pa.array(self.names, pa.string()),
            "parent": pa.array(self.parents, pa.string()),
            "group": pa.array(self.group),
            "site": pa.array(self.site),
            "stray_count": pa.array(self.stray_counts),
            "site_latitude": pa.array(latitude),
            "site_longitude": pa.array(longitude),
            "geometry": pa.array(shapely.to_wkb(self.shapes).tolist(), pa.binary()),
        }

    def to_table(self) -> pa.Table:
        """Return one row per cell; the metadata hold what only this kind needs."""
        table = super().to_table()
        # groups and sites without a cell have no row, but their places must not go to other cells
        groups = pa.table(
            {
                "name": [one.name for one in self.groups],
                "parent": [one.parent for one in self.groups],
                "shape": pa.array([shapely.to_wkb(one.shape) for one in self.groups], pa.binary()),
                "sites": pa.array([one.sites.astype("<f8").tobytes() for one in self.groups], pa.binary()),
            }
        ).replace_schema_metadata({"stray_km": json.dumps(self.stray_km), "notes": json.dumps(self.notes)})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, groups.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
            writer.write_table(groups)
        text = base64.b64encode(sink.getvalue().to_pybytes())
        return table.replace_schema_metadata({**(table.schema.metadata or {}), GROUPS_KEY: text})

    @classmethod
    def from_table(cls, table: pa.Table) -> Self:
        """Return the partition of a saved table."""
        saved = pa.ipc.open_file(base64.b64decode(table.schema.metadata[GROUPS_KEY])).read_all()
        groups = [
            RegionGroup(
                row["name"],
                row["parent"],
                shapely.from_wkb(row["shape"]),
                np.frombuffer(row["sites"], "<f8").reshape(-1, 3).astype(np.float64),
            )
            for row in saved.to_pylist()
        ]
        return cls(
            groups,
            json.loads(saved.schema.metadata[b"stray_km"]),
            table["group"].to_numpy(),
            table["site"].to_numpy(),
            stray_counts=table["stray_count"].to_numpy(),
            notes=json.loads(saved.schema.metadata.get(b"notes", b"[]")),
            shapes=np.array([shapely.from_wkb(wkb) for wkb in table["geometry"].to_pylist()], dtype=object),
            **base.common_columns(table),
        )


def _stray_counts(lookup: Polygons, points: sphere.Points, label: NDArray[np.int64], cells: int) -> NDArray[np.int64]:
    """Return how many photos of each label lie in no polygon, (cells,)."""
    own = label[(label >= 0) & (lookup.index_of(points) < 0)]
    return np.bincount(own, minlength=cells)


def _site_of(
    groups: list[RegionGroup], first: NDArray[np.int64], points: sphere.Points, group: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the number (n,) of each position's nearest site in its group, counted over all groups; -1 outside."""
    answer = np.where(group >= 0, first[group], -1)
    many = np.array([len(one.sites) > 1 for one in groups])
    rows = np.flatnonzero((group >= 0) & many[group])
    narrow = group[rows].astype(np.min_scalar_type(len(groups)))  # NumPy sorts up to 16 bits by radix, which is fast
    rows = rows[np.argsort(narrow, kind="stable")]
    bounds = np.flatnonzero(np.diff(group[rows], prepend=-1, append=-1))
    for start, end in itertools.pairwise(bounds):
        own = rows[start:end]
        number = int(group[own[0]])
        answer[own] = first[number] + clusters.nearest(
            groups[number].sites, sphere.xyz(sphere.one_spelling(points[own]))
        )
    return answer


def cells_of(
    points: sphere.Points,
    groups: list[RegionGroup],
    settings: RegionSettings,
    notes: Sequence[str],
    lookup: Polygons | None = None,
) -> Regions:
    """Return all cells of these groups that have enough photos. ``lookup`` finds the polygons of the groups, if it is
    known.
    """
    drawn = [_drawn(group) for group in groups]
    for index, parts in enumerate(drawn):  # a site without a polygon is not a cell
        if any(shape.is_empty for shape in parts):
            stay = [row for row, shape in enumerate(parts) if not shape.is_empty] or [0]
            groups[index] = groups[index]._replace(sites=groups[index].sites[stay])
            drawn[index] = _drawn(groups[index])
    first = np.cumsum([0] + [len(group.sites) for group in groups])
    lookup = lookup or Polygons([group.shape for group in groups])
    label = _site_of(groups, first, points, lookup.index_of(points, settings.stray_km))
    counts = np.bincount(label + 1, minlength=first[-1] + 1)[1:]
    number = np.repeat(np.arange(len(groups)), np.diff(first))
    shapes = np.array([shape for own in drawn for shape in own], dtype=object)
    kept = np.flatnonzero(settings.dropping(counts) & ~shapely.is_empty(shapes))
    centers, spread_km = base.centroids(points, label, int(first[-1]))
    middle = polygons.corners_of(shapely.point_on_surface(shapes[kept])).reshape(-1, 2)
    cells = Regions(
        groups,
        settings.stray_km,
        number[kept],
        kept - first[number[kept]],
        lookup,
        notes,
        shapes=shapes[kept],
        stray_counts=_stray_counts(lookup, points, label, int(first[-1]))[kept],
        centers=centers[kept],
        cell_centers=middle,
        counts=counts[kept],
        area_sr=np.array([polygons.area_sr(shape) for shape in shapes[kept]], np.float64),
        spread_km=spread_km[kept],
    )
    for cell in np.flatnonzero(cells.assign(middle) != np.arange(len(cells))).tolist():
        own = np.flatnonzero(label == kept[cell])  # a polygon so narrow that its inner point rounds into another
        if len(own):
            middle[cell] = points[own[np.argmin(sphere.distance_km(points[own], cells.centers[cell]))]]
    return cells


def _drawn(group: RegionGroup) -> list[BaseGeometry]:
    """Return the polygons of a group's cells."""
    if len(group.sites) == 1:
        return [group.shape]
    voronoi = clusters.Voronoi(group.sites)
    return [
        polygons.areas_only(shapely.intersection(group.shape, voronoi.polygon(site)))
        for site in range(len(group.sites))
    ]
