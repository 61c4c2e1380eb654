"""Voronoi cells around the k-means centres of the photos: every place of the sphere belongs to its nearest site."""

from __future__ import annotations

import base64
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator
from scipy.spatial import cKDTree
from shapely.geometry.base import BaseGeometry

from whereshot.earth import sphere
from whereshot.earth.partition import base, clusters

SITES_KEY = b"whereshot.voronoi.sites"

_CHUNK = 65_536


class VoronoiSettings(base.PartitionSettings):
    """Sites by k-means on the sphere: ``cells`` of them, or as many as leave at most ``max`` photos in every cell."""

    cells: int | None = Field(None, ge=1)
    max: int | None = Field(None, ge=1)
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _one_goal(self) -> Self:
        if (self.cells is None) == (self.max is None):
            raise ValueError("give either cells or max")
        base.check_limits(self.min, self.max)
        return self


class VoronoiCells(base.Partition):
    """Cells of the places that are nearest to each of several sites.

    ``sites`` (s, 3) are the unit vectors of all sites, also of sites whose cells were dropped: their places are outside
    every cell. ``site`` (k,) is the number of each cell's site.
    """

    kind = "voronoi"

    def __init__(
        self,
        sites: clusters.Vectors,
        site: NDArray[np.int64],
        centers: sphere.Points,
        counts: NDArray[np.int64],
        spread_km: NDArray[np.float64],
    ) -> None:
        self.sites, self.site = sites, site
        self.centers, self.counts, self.spread_km = centers, counts, spread_km
        self.cell_centers = sphere.latlon(sites[site])
        self._tree, self._voronoi = cKDTree(sites), clusters.Voronoi(sites)
        self._cell = np.full(len(sites), -1)
        self._cell[site] = np.arange(len(site))
        self.area_sr = np.array([self._voronoi.area_sr(one) for one in site.tolist()])

    def assign(self, points: ArrayLike) -> NDArray[np.int64]:
        """Return cell numbers (n,) of positions (n, 2); -1 outside every cell."""
        p = sphere.one_spelling(sphere.points(points))
        cell = np.empty(len(p), np.int64)
        for start in range(0, len(p), _CHUNK):
            part = slice(start, start + _CHUNK)
            cell[part] = self._cell[self._tree.query(sphere.xyz(p[part]))[1]]
        return cell

    def boundary(self, cell: int) -> list[sphere.Points]:
        """Return the closed rings (m, 2) in degrees around one cell."""
        return [self._voronoi.ring(int(self.site[cell]))]

    def polygon(self, cell: int) -> BaseGeometry:
        """Return one cell as a valid polygon of the map."""
        return self._voronoi.polygon(int(self.site[cell]))

    def own_columns(self) -> dict[str, pa.Array]:
        """Return the columns of the saved table that only this kind has."""
        return {"site": pa.array(self.site)}

    def to_table(self) -> pa.Table:
        """Return one row per cell, with what this kind needs besides in the metadata."""
        table = super().to_table()
        # sites without a cell have no row, but their places must not go to other cells
        sites = base64.b64encode(self.sites.astype("<f8").tobytes())
        return table.replace_schema_metadata({**(table.schema.metadata or {}), SITES_KEY: sites})

    @classmethod
    def from_table(cls, table: pa.Table) -> Self:
        """Return the partition of a saved table."""
        common = base.common_columns(table)
        sites = np.frombuffer(base64.b64decode(table.schema.metadata[SITES_KEY]), "<f8").reshape(-1, 3)
        return cls(
            sites.astype(np.float64),
            table["site"].to_numpy(),
            common["centers"],
            common["counts"],
            common["spread_km"],
        )


def build(points: ArrayLike, settings: VoronoiSettings) -> VoronoiCells:
    """Return cells around the k-means centres of the photos; cells with at most ``min`` photos are dropped."""
    p = sphere.one_spelling(sphere.points(points))
    unit = sphere.xyz(p)
    if len(p) == 0:
        sites = np.array([[1.0, 0.0, 0.0]])
    elif settings.max is None:
        sites = clusters.populated_sites(clusters.kmeans(p, settings.cells or 1, settings.seed), unit)
    else:
        sites = clusters.populated_sites(clusters.split(p, settings.max, settings.seed), unit)
    label = clusters.nearest(sites, unit) if len(p) else np.empty(0, np.int64)
    counts = np.bincount(label, minlength=len(sites))
    site = np.flatnonzero(settings.dropping(counts))
    centers, spread_km = base.centroids(p, label, len(sites), sphere.latlon(sites))
    return VoronoiCells(sites, site, centers[site], counts[site], spread_km[site])
