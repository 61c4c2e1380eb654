"""Semantic cells as in PIGEON (Haas et al. 2023): regions merge within their parent, dense clusters are split off.

The result is ``Regions``, as for the kind "regions"; only the groups and sites differ.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from whereshot.earth import polygons, sphere
from whereshot.earth.partition import density, region_settings, regions
from whereshot.earth.partition.lookup import Polygons


class SemanticSettings(region_settings.RegionSettings):
    """Regions of one parent merge until they hold more than ``min`` photos; more than ``max`` photos are split by
    density.

    ``optics`` are the smallest number of neighbours and the steepness xi of every attempt; the default is PIGEON's for
    street views (for Flickr's photos: [300, 0.05], [400, 0.005], [1000, 0.0001]). Each attempt looks at ``sample``
    photos of a cell. A cell without clusters keeps its size, and an island joins the nearest region. The settings file,
    layer, name, parent, only, stray_km and seed are the same as for regions.
    """

    max: int = Field(ge=1)
    cells: None = None
    optics: list[tuple[int, float]] = Field(default=[(8, 0.05), (10, 0.025), (15, 0.015)], min_length=1)
    sample: int = Field(3000, ge=10)


def build(points: ArrayLike, settings: SemanticSettings) -> regions.Regions:
    """Group the regions, and cut each group by the sites of its dense clusters. Raises InputError for a wrong file."""
    p = sphere.points(points)
    found = region_settings.read_disjoint(settings)
    shapes = np.array(found.shapes, dtype=object)
    lookup = Polygons(list(shapes))
    inside = lookup.index_of(p)
    region = inside.copy()
    strays = np.flatnonzero(inside < 0)
    region[strays] = lookup.index_of(p[strays], settings.stray_km)
    counts = np.bincount(region + 1, minlength=len(shapes) + 1)[1:]
    middles = polygons.corners_of(shapely.point_on_surface(shapes))
    group = np.arange(len(shapes))
    if settings.min > 0:
        group = density.merge(counts, found.parents, _touching(shapes, found.parents), middles, settings.min)
    own = np.append(group, -1)[inside]  # photos from beyond the border set no site
    order = np.argsort(own, kind="stable")
    bounds = np.searchsorted(own[order], np.arange(group.max(initial=-1) + 2))
    groups = []
    for number in range(len(bounds) - 1):
        members = np.flatnonzero(group == number)
        shape = shapes[members[0]] if len(members) == 1 else polygons.areas_only(shapely.union_all(shapes[members]))
        photos = p[order[bounds[number] : bounds[number + 1]]]
        sites = sphere.xyz(middles[members[:1]])
        if len(photos):
            sites = density.dense_sites(
                photos, settings.max, settings.min, settings.optics, settings.sample, settings.seed
            )
        name = " + ".join(found.names[row] for row in members)
        groups.append(regions.RegionGroup(name, found.parents[members[0]], shape, sites))
    return regions.cells_of(p, groups, settings, found.notes)


def _touching(shapes: NDArray[np.object_], parents: list[str]) -> NDArray[np.int64]:
    """Return pairs (m, 2) of polygons of one parent that have no gap between them."""
    pairs = shapely.STRtree(shapes).query(shapes).T
    family = np.unique(np.array(parents), return_inverse=True)[1]
    pairs = pairs[(pairs[:, 0] < pairs[:, 1]) & (family[pairs[:, 0]] == family[pairs[:, 1]])]
    near = shapely.dwithin(shapes[pairs[:, 0]], shapes[pairs[:, 1]], regions.TOUCH_DEGREES)
    result: NDArray[np.int64] = pairs[near]
    return result
