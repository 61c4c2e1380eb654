"""Cells along borders: the regions of a file, small ones merged, large ones split by k-means where the photos are.

Positions and a file of polygons in; cells out, each a group of regions cut by the Voronoi cell of one of its sites.
"""

from __future__ import annotations

import base64
import copy
import heapq
import itertools
import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, PrivateAttr, model_validator
from shapely.geometry.base import BaseGeometry

from whereshot.earth import adjacency, border_files, great_circles, polygons, sphere
from whereshot.earth.partition import base, clusters
from whereshot.earth.partition.lookup import Polygons
from whereshot.foundation.errors import InputError, nearest_name
from whereshot.foundation.settings_file import ConfigPath

GROUPS_KEY = b"whereshot.regions.groups"

TOUCH_DEGREES = 1e-6
"""Regions with a gap up to 0.1 m between them are neighbours."""

_ATTEMPTS = 5


class RegionSettings(base.PartitionSettings):
    """One cell per region of a file, then more for the largest: ``cells`` in all, or at most ``max`` photos in each.

    A region with at most ``min`` photos joins the neighbour of the same parent that has the fewest; one without such
    a neighbour is dropped. No cell that a split makes has so few either, and that comes before ``max``; so does that
    every cell has land: of many photos far out at sea all may belong to one stretch of coast. Photos up to
    ``stray_km`` outside all regions belong to the nearest. ``only`` keeps the regions of these names or parents.
    """

    file: ConfigPath
    layer: str | None = None
    name: str | None = None
    parent: str | None = None
    only: tuple[str, ...] = ()
    cells: int | None = Field(None, ge=1)
    max: int | None = Field(None, ge=1)
    stray_km: float = Field(50.0, ge=0)
    seed: int = Field(0, ge=0)

    _drops: bool = PrivateAttr(True)

    @model_validator(mode="after")
    def _one_goal(self) -> Self:
        if self.cells is not None and self.max is not None:
            raise ValueError("give cells or max, not both")
        if self.max is not None and self.min >= self.max:
            raise ValueError(f"min {self.min} must be smaller than max {self.max}")
        return self

    def keeping_all(self) -> Self:
        """The same settings, merging included, but no cell is dropped."""
        copy = self.model_copy()
        copy._drops = False
        return copy

    def dropping(self, counts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which cells (k,) with these many photos stay when building."""
        return self.kept(counts) if self._drops else np.ones(len(counts), bool)


class Group(NamedTuple):
    """One or more regions of one parent, and the unit vectors (s, 3) of the sites that divide them."""

    name: str
    parent: str
    shape: BaseGeometry
    sites: clusters.Vectors


class Regions(base.Partition):
    """Cells of regions: in the region's polygon, nearest to the cell's site.

    ``groups`` are all of them, also those without a cell: their places stay outside. ``group`` and ``site`` (k,) say
    which is whose; ``stray_counts`` (k,) are those of the photos that lie outside the polygons: where they are many,
    even ``centers`` may. ``notes`` tell what was done to the file's regions. ``area_sr`` and the borders are those of
    the polygons, without what strays in from beyond.
    """

    kind = "regions"
    convex = False

    def __init__(
        self,
        groups: list[Group],
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
        p = sphere.points(points)
        group = self._polygons.index_of(p, self.stray_km)
        return np.append(self._cell, -1)[_site_of(self.groups, self._first, p, group)]

    def populate(self, points: ArrayLike, kept: Callable[[NDArray[np.int64]], NDArray[np.bool_]]) -> Self:
        p = sphere.points(points)
        recounted = copy.copy(self)
        recounted.stray_counts = _stray_counts(self._polygons, p, self.assign(p), len(self))
        return base.Partition.populate(recounted, p, kept)

    def boundary(self, cell: int) -> list[sphere.Points]:
        """Closed rings (m, 2) in degrees, counter-clockwise round the cell and clockwise round its holes."""
        dense = shapely.segmentize(self.shapes[cell], great_circles.STEP_DEGREES)
        return [polygons.corners_of(ring) for ring in shapely.get_rings(shapely.get_parts(dense))]

    def polygon(self, cell: int) -> BaseGeometry:
        result: BaseGeometry = self.shapes[cell]
        return result

    def neighbours(self) -> NDArray[np.int64]:
        """Pairs (m, 2) of cells i < j whose polygons share a stretch of border; what strays in from beyond joins none.

        Regions across a strait are no neighbours, however far out photos belong to them.
        """
        return adjacency.touching(self.shapes, TOUCH_DEGREES)

    def own_columns(self) -> dict[str, pa.Array]:
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
        table = super().to_table()
        # groups and sites without a cell have no row, yet their places must stay theirs
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
        saved = pa.ipc.open_file(base64.b64decode(table.schema.metadata[GROUPS_KEY])).read_all()
        groups = [
            Group(
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
    """How many photos of each label lie in no polygon, (cells,)."""
    own = label[(label >= 0) & (lookup.index_of(points) < 0)]
    return np.bincount(own, minlength=cells)


def _site_of(
    groups: list[Group], first: NDArray[np.int64], points: sphere.Points, group: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The number (n,) of each position's nearest site in its group, counted over all groups; -1 outside."""
    answer = np.where(group >= 0, first[group], -1)
    many = np.array([len(one.sites) > 1 for one in groups])
    rows = np.flatnonzero((group >= 0) & many[group])
    narrow = group[rows].astype(np.min_scalar_type(len(groups)))  # of 16 bits and less the sort is one by radix
    rows = rows[np.argsort(narrow, kind="stable")]
    bounds = np.flatnonzero(np.diff(group[rows], prepend=-1, append=-1))
    for start, end in itertools.pairwise(bounds):
        own = rows[start:end]
        number = int(group[own[0]])
        answer[own] = first[number] + clusters.nearest(
            groups[number].sites, sphere.xyz(sphere.one_spelling(points[own]))
        )
    return answer


def build(points: ArrayLike, settings: RegionSettings) -> Regions:
    """Assign photos to regions, merge the small ones, split the large ones. Raises InputError for a wrong file."""
    p = sphere.points(points)
    found = read_disjoint(settings)
    shapes = found.shapes
    lookup = Polygons(shapes)
    inside = lookup.index_of(p)
    region = inside.copy()
    strays = np.flatnonzero(inside < 0)
    region[strays] = lookup.index_of(p[strays], settings.stray_km)
    counts = np.bincount(region + 1, minlength=len(shapes) + 1)[1:]
    merged = _merged(shapes, found.parents, counts, settings.min)
    heads, group_of_region = np.unique(merged, return_inverse=True)
    group = np.append(group_of_region, -1)[region]
    members = [np.flatnonzero(merged == head) for head in heads.tolist()]
    outlines = [
        shapes[rows[0]] if len(rows) == 1 else polygons.areas_only(shapely.union_all([shapes[row] for row in rows]))
        for rows in members
    ]
    sites = _sites(p, group, inside >= 0, outlines, settings)
    groups = []
    for head, rows, shape, own in zip(heads.tolist(), members, outlines, sites, strict=True):
        inner = polygons.corners_of(shape.representative_point())
        name = " + ".join(found.names[row] for row in rows)
        groups.append(Group(name, found.parents[head], shape, own if len(own) else sphere.xyz(inner)))
    cells = cells_of(p, groups, settings, found.notes, lookup if len(groups) == len(shapes) else None)
    if settings.max is not None and (over := int((cells.counts > settings.max).sum())):
        cells.notes.append(f"cells of more than max={settings.max} photos: {over}, the largest of {cells.counts.max()}")
    return cells


def read_disjoint(settings: RegionSettings) -> border_files.Borders:
    """The wanted regions of the file, each without what an earlier one has; one that has nothing left is noted.

    Raises InputError for a wrong file, and for a name in ``only`` that it does not hold.
    """
    columns = {"layer": settings.layer, "name": settings.name, "parent": settings.parent}
    found = _chosen(border_files.read(settings.file, **columns), settings)
    shapes = _disjoint(found.shapes)
    rows = [row for row, shape in enumerate(shapes) if not shape.is_empty]
    covered = [found.names[row] for row, shape in enumerate(shapes) if shape.is_empty]
    notes = list(found.notes)
    if covered:
        notes.append(f"left out, as earlier regions cover them: {border_files.listed(covered)}")
    names, parents = ([column[row] for row in rows] for column in found[:2])
    return border_files.Borders(names, parents, [shapes[row] for row in rows], notes)


def _chosen(found: border_files.Borders, settings: RegionSettings) -> border_files.Borders:
    """Only the regions whose name or parent is asked for."""
    if not settings.only:
        return found
    known = {*found.names, *found.parents} - {""}
    for wanted in settings.only:
        if wanted not in known:
            raise InputError(f"{settings.file}: no region {wanted!r}; {nearest_name(wanted, known)[:200]}")
    rows = [
        row
        for row, names in enumerate(zip(found.names, found.parents, strict=True))
        if not set(settings.only).isdisjoint(names)
    ]
    return border_files.Borders(
        [found.names[row] for row in rows],
        [found.parents[row] for row in rows],
        [found.shapes[row] for row in rows],
        found.notes,
    )


def _disjoint(shapes: list[BaseGeometry]) -> list[BaseGeometry]:
    """The polygons, each without what an earlier one has: then what is drawn is what is assigned."""
    array = np.array(shapes, dtype=object)
    shapely.prepare(array)
    first, second = shapely.STRtree(array).query(array, predicate="intersects")
    pairs = np.stack([first, second], axis=1)[first < second]
    if len(pairs) == 0:
        return shapes
    overlap = ~shapely.touches(array[pairs[:, 0]], array[pairs[:, 1]])
    result = list(shapes)
    for one, other in pairs[overlap][np.argsort(pairs[overlap][:, 0], kind="stable")].tolist():
        result[other] = polygons.areas_only(shapely.difference(result[other], result[one]))
    return result


def _merged(shapes: list[BaseGeometry], parents: list[str], counts: NDArray[np.int64], least: int) -> NDArray[np.int64]:
    """For each region (r,) the first region of its group, after groups of at most ``least`` photos joined others."""
    head = np.arange(len(shapes))
    if least == 0:
        return head
    first, second = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=TOUCH_DEGREES)
    beside: dict[int, set[int]] = {row: set() for row in head.tolist()}
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        if one != other and parents[one] == parents[other]:
            beside[one].add(other)
    photos = counts.tolist()
    small = [(photos[row], row) for row in beside if photos[row] <= least]
    heapq.heapify(small)
    while small:
        count, row = heapq.heappop(small)
        if row not in beside or count != photos[row] or not beside[row]:
            continue
        partner = min(beside[row], key=lambda other: (photos[other], other))
        kept, gone = min(row, partner), max(row, partner)
        head[head == gone] = kept
        photos[kept] += photos[gone]
        beside[kept] |= beside.pop(gone)
        for other in beside[kept] - {kept, gone}:
            beside[other].discard(gone)
            beside[other].add(kept)
        beside[kept] -= {kept, gone}
        if photos[kept] <= least:
            heapq.heappush(small, (photos[kept], kept))
    return head


def _sites(
    points: sphere.Points,
    group: NDArray[np.int64],
    inside: NDArray[np.bool_],
    outlines: list[BaseGeometry],
    settings: RegionSettings,
) -> list[clusters.Vectors]:
    """The sites (s, 3) of every group, none for one without photos.

    Each has photos inside the group's polygon; with ``max``, photos, and a part of that polygon.
    """
    groups = len(outlines)
    order = np.argsort(group, kind="stable")
    members = np.split(order, np.searchsorted(group[order], np.arange(groups + 1)))[1:-1]
    counts = np.array([len(rows) for rows in members])

    def divided(number: int, k: int) -> clusters.Vectors:
        rows = members[number]
        if not (inside[rows].any() if settings.max is None else len(rows)):
            return np.empty((0, 3))
        own, unit = points[rows], sphere.xyz(points[rows])
        if settings.max is None:
            return clusters.settle(clusters.kmeans(own, k, settings.seed), unit[inside[rows]], settings.min)
        sites = clusters.split(own, settings.max, settings.seed, None)
        for attempt in range(_ATTEMPTS):  # what too small a cell leaves may be too much for its neighbours
            if attempt:
                sites = clusters.split(own, settings.max, settings.seed + attempt, sites)
            sites = _ashore(clusters.settle(sites, unit, settings.min), unit[inside[rows]], outlines[number])
            sites = clusters.settle(sites, unit, settings.min)
            if np.bincount(clusters.nearest(sites, unit)).max() <= settings.max:
                break
        return sites

    if settings.cells is None:
        return [divided(number, 1) for number in range(groups)]
    occupied = np.flatnonzero(counts > (settings.min if settings._drops else -1))
    if len(occupied) > settings.cells:
        raise InputError(
            f"{settings.cells} cells are fewer than the {len(occupied)} regions with photos; raise cells, or min to "
            f"merge small regions"
        )
    wanted = np.zeros(groups, np.int64)
    wanted[occupied] = 1
    most = np.where(wanted > 0, np.iinfo(np.int64).max, 0)
    sites: dict[int, clusters.Vectors] = {}
    while True:
        # the next cell goes to the group with the most photos per cell, ties to the first
        queue = [(-counts[row] / wanted[row], row) for row in occupied.tolist() if wanted[row] < most[row]]
        heapq.heapify(queue)
        spare = settings.cells - int(wanted.sum())
        while spare > 0 and queue:
            _, row = heapq.heappop(queue)
            wanted[row] += 1
            spare -= 1
            if wanted[row] < most[row]:
                heapq.heappush(queue, (-counts[row] / wanted[row], row))
        for row in occupied.tolist():
            if row not in sites or max(1, len(sites[row])) < wanted[row]:
                sites[row] = divided(row, int(wanted[row]))
                if max(1, len(sites[row])) < wanted[row]:  # too few places, or too small cells: others get the rest
                    wanted[row] = most[row] = max(1, len(sites[row]))
        if int(wanted.sum()) == settings.cells or (wanted >= most).all():
            return [sites.get(row, np.empty((0, 3))) for row in range(groups)]


def _ashore(sites: clusters.Vectors, unit: clusters.Vectors, outline: BaseGeometry) -> clusters.Vectors:
    """The sites (s, 3) that keep a part of the outline, as those do to which a photo (n, 3) inside it is nearest."""
    counts = np.bincount(clusters.nearest(sites, unit), minlength=len(sites))
    if counts.all():
        return sites
    voronoi = clusters.Voronoi(sites)
    stays = [
        bool(counts[site]) or not polygons.areas_only(shapely.intersection(outline, voronoi.polygon(site))).is_empty
        for site in range(len(sites))
    ]
    return sites[stays]


def cells_of(
    points: sphere.Points,
    groups: list[Group],
    settings: RegionSettings,
    notes: Sequence[str],
    lookup: Polygons | None = None,
) -> Regions:
    """All cells of these groups that have enough photos; ``lookup`` finds the groups' polygons, if it is at hand."""
    drawn = [_drawn(group) for group in groups]
    for index, parts in enumerate(drawn):  # a site without a polygon is no cell
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


def _drawn(group: Group) -> list[BaseGeometry]:
    """The polygons of a group's cells."""
    if len(group.sites) == 1:
        return [group.shape]
    voronoi = clusters.Voronoi(group.sites)
    return [
        polygons.areas_only(shapely.intersection(group.shape, voronoi.polygon(site)))
        for site in range(len(group.sites))
    ]
