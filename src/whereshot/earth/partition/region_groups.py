"""Build partitions along borders: merge small regions, and split large ones by k-means where the photos are."""

from __future__ import annotations

import heapq
from collections.abc import Callable

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from whereshot.earth import polygons, sphere
from whereshot.earth.partition import clusters
from whereshot.earth.partition.lookup import Polygons
from whereshot.earth.partition.region_settings import RegionSettings, read_disjoint
from whereshot.earth.partition.regions import TOUCH_DEGREES, RegionGroup, Regions, cells_of
from whereshot.foundation.errors import InputError

_ATTEMPTS = 5
"""How often a group is split again where a cell still has too many photos."""


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
        groups.append(RegionGroup(name, found.parents[head], shape, own if len(own) else sphere.xyz(inner)))
    cells = cells_of(p, groups, settings, found.notes, lookup if len(groups) == len(shapes) else None)
    if settings.max is not None and (over := int((cells.counts > settings.max).sum())):
        cells.notes.append(f"cells of more than max={settings.max} photos: {over}, the largest of {cells.counts.max()}")
    return cells


def _merged(shapes: list[BaseGeometry], parents: list[str], counts: NDArray[np.int64], least: int) -> NDArray[np.int64]:
    """Return for each region (r,) the first region of its group, after groups of at most ``least`` photos joined
    others.
    """
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
    """Return the sites (s, 3) of every group; a group without photos has none.

    ``group`` (n,) is the group of each photo, ``inside`` (n,) whether it lies in the group's polygon. Every site has
    photos inside the polygon; with ``max`` every site has photos and a part of the polygon.
    """
    groups = len(outlines)
    order = np.argsort(group, kind="stable")
    members = np.split(order, np.searchsorted(group[order], np.arange(groups + 1)))[1:-1]
    counts = np.array([len(rows) for rows in members])

    def divide(number: int, cells: int) -> clusters.Vectors:
        rows = members[number]
        return _divide(points[rows], inside[rows], outlines[number], cells, settings)

    if settings.cells is None:
        return [divide(number, 1) for number in range(groups)]
    return _share_cells(counts, divide, settings.cells, settings)


def _divide(
    points: sphere.Points, inside: NDArray[np.bool_], outline: BaseGeometry, cells: int, settings: RegionSettings
) -> clusters.Vectors:
    """Return the sites (s, 3) that divide one group with these photos (n, 2); none where no photo counts."""
    unit = sphere.xyz(points)
    if not (inside.any() if settings.max is None else len(points)):
        return np.empty((0, 3))
    if settings.max is None:
        return clusters.populated_sites(clusters.kmeans(points, cells, settings.seed), unit[inside], settings.min)
    sites = clusters.split(points, settings.max, settings.seed, None)
    # a cell that is dropped as too small gives its photos to neighbours, which may then have too many
    for attempt in range(_ATTEMPTS):
        if attempt:
            sites = clusters.split(points, settings.max, settings.seed + attempt, sites)
        sites = _ashore(clusters.populated_sites(sites, unit, settings.min), unit[inside], outline)
        sites = clusters.populated_sites(sites, unit, settings.min)
        if np.bincount(clusters.nearest(sites, unit)).max() <= settings.max:
            break
    return sites


def _share_cells(
    counts: NDArray[np.int64], divide: Callable[[int, int], clusters.Vectors], cells: int, settings: RegionSettings
) -> list[clusters.Vectors]:
    """Return the sites of every group such that there are ``cells`` in all, or as many as the photos allow.

    ``counts`` (g,) are the numbers of photos of the groups; ``divide`` makes a given number of sites of a group, or
    fewer. Raises InputError where more groups than ``cells`` have photos.
    """
    groups = len(counts)
    occupied = np.flatnonzero(counts > (settings.min if settings.drops_cells else -1))
    if len(occupied) > cells:
        raise InputError(
            f"{cells} cells are fewer than the {len(occupied)} regions with photos; raise cells, or min to "
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
        spare = cells - int(wanted.sum())
        while spare > 0 and queue:
            _, row = heapq.heappop(queue)
            wanted[row] += 1
            spare -= 1
            if wanted[row] < most[row]:
                heapq.heappush(queue, (-counts[row] / wanted[row], row))
        for row in occupied.tolist():
            if row not in sites or max(1, len(sites[row])) < wanted[row]:
                sites[row] = divide(row, int(wanted[row]))
                # too few distinct places, or cells that are too small: other groups get the remaining cells
                if max(1, len(sites[row])) < wanted[row]:
                    wanted[row] = most[row] = max(1, len(sites[row]))
        if int(wanted.sum()) == cells or (wanted >= most).all():
            return [sites.get(row, np.empty((0, 3))) for row in range(groups)]


def _ashore(sites: clusters.Vectors, unit: clusters.Vectors, outline: BaseGeometry) -> clusters.Vectors:
    """Return the sites (s, 3) that keep a part of the outline: those to which a photo (n, 3) inside it is nearest."""
    counts = np.bincount(clusters.nearest(sites, unit), minlength=len(sites))
    if counts.all():
        return sites
    voronoi = clusters.Voronoi(sites)
    stays = [
        bool(counts[site]) or not polygons.areas_only(shapely.intersection(outline, voronoi.polygon(site))).is_empty
        for site in range(len(sites))
    ]
    return sites[stays]
