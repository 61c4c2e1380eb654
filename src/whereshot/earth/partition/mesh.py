"""Delaunay meshes of positions: spherical triangles that are small where there are many photos, without a seam.

A regular grid of nodes is triangulated. A triangle that holds more photos than the limit gets a node inside, and the
triangles near it are made Delaunay again, round after round. Triangles with too few photos are dropped at the end.

The place of the new node is our choice: halfway between the triangle's middle and the mean of its photos (``pull``
0.5). At the middle (0) more photos end in triangles that are dropped; at the mean (1) towns lie on corners and are cut
up. python benchmarks/delaunay_mesh.py, 2,400 cells: 64.5, 64.5 and 62.1 % of held-out photos for pull 0, 0.5 and 1 are
within 25 km of their cell's centroid, and 94.3, 95.3 and 95.7 % within 200 km.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator
from scipy.spatial import cKDTree

from whereshot.earth import delaunay, great_circles, s2, sphere, triangles
from whereshot.earth.partition import base

_COLUMNS = [f"{corner}_{axis}" for corner in "abc" for axis in "xyz"]
"""Columns of the saved table: the three corners as unit vectors, with all bits."""


class MeshSettings(base.PartitionSettings):
    """Insert a node where a triangle holds more than ``max`` photos; drop triangles with fewer than ``min``.

    ``nodes`` is the number of nodes of the first grid, in longitude and in the sine of latitude. An inserted node is at
    least ``min_edge_m`` from all others. ``pull`` moves it from the middle of the triangle (0) to its photos' mean (1).
    """

    min: int = Field(0, ge=0, description="triangles with fewer photos are dropped")
    max: int = Field(ge=1)
    nodes: int = Field(31, ge=3)
    min_edge_m: float = Field(100, ge=1)
    pull: float = Field(0.5, ge=0, le=1)

    @model_validator(mode="after")
    def _ordered(self) -> MeshSettings:
        if self.min > self.max:
            raise ValueError(f"min {self.min} must not be larger than max {self.max}")
        return self

    def kept(self, counts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which triangles (k,) with these many photos stay: those with ``min`` or more."""
        return counts >= self.min


class DelaunayMesh(base.Partition):
    """Spherical triangles that do not overlap; ``corners`` (k, 3, 3) are unit vectors, counter-clockwise.

    Every position, also on edges and corners, is in exactly one triangle of a whole mesh, and stays in it when others
    are dropped. A triangle without photos has its middle as its center, and the spread of a uniform density.
    """

    kind = "mesh"

    def __init__(
        self,
        corners: NDArray[np.float64],
        centers: sphere.Points,
        counts: NDArray[np.int64],
        spread_km: NDArray[np.float64],
    ) -> None:
        self.corners = corners
        self.cell_centers = sphere.latlon(corners.sum(axis=1))
        self.area_sr = sphere.angles_on_sphere(corners)
        self.counts = counts
        edges = ((corners - np.roll(corners, -1, axis=1)) ** 2).sum(axis=(1, 2))
        empty = counts == 0
        self.centers = np.where(empty[:, None], self.cell_centers, centers)
        # the second moment of a plane triangle about its centroid: sum of squared edges / 36
        self.spread_km = np.where(empty, np.sqrt(edges / 36) * sphere.EARTH_KM, spread_km)

    def assign(self, points: ArrayLike) -> NDArray[np.int64]:
        """Return cell numbers (n,) of positions (n, 2); -1 outside every cell."""
        tree = triangles.PointTree(sphere.one_spelling(sphere.points(points)))
        return tree.labels(tree.members(self.corners))

    def boundary(self, cell: int) -> list[sphere.Points]:
        """Return the closed rings (m, 2) in degrees around one cell."""
        return [great_circles.densify(sphere.latlon(self.corners[cell]))]

    def neighbours(self) -> NDArray[np.int64]:
        """Return pairs (m, 2) of cells i < j that share an edge."""
        _, number = np.unique(self.corners.reshape(-1, 3), axis=0, return_inverse=True)
        twin = delaunay.twins(number.reshape(-1, 3))
        half = np.flatnonzero(twin > np.arange(len(twin)))
        pairs = np.sort(np.stack([half, twin[half]], axis=1) // 3, axis=1)
        return pairs[np.lexsort(pairs.T[::-1])]

    def own_columns(self) -> dict[str, pa.Array]:
        """Return the columns of the saved table that only this kind has."""
        return dict(zip(_COLUMNS, map(pa.array, self.corners.reshape(-1, 9).T), strict=True))

    @classmethod
    def from_table(cls, table: pa.Table) -> Self:
        """Return the partition of a saved table."""
        common = base.common_columns(table)
        corners = np.stack([table[name].to_numpy() for name in _COLUMNS], axis=1).reshape(-1, 3, 3)
        return cls(corners, common["centers"], common["counts"], common["spread_km"])


def build_mesh(points: ArrayLike, settings: MeshSettings) -> DelaunayMesh:
    """Refine the grid while a triangle holds more than ``max`` photos and has room for a node; drop triangles below
    ``min``.
    """
    p = sphere.points(points)
    tree = triangles.PointTree(sphere.one_spelling(p))
    mesh, counts = _refined(tree, settings)
    corners = mesh.positions(np.flatnonzero(settings.dropping(counts)))
    corners = corners[np.argsort(s2.encode(sphere.latlon(corners.sum(axis=1))), kind="stable")]
    label = tree.labels(tree.members(corners))
    centers, spread_km = base.centroids(p, label, len(corners), sphere.latlon(corners.sum(axis=1)))
    return DelaunayMesh(corners, centers, np.bincount(label + 1, minlength=len(corners) + 1)[1:], spread_km)


def _refined(tree: triangles.PointTree, settings: MeshSettings) -> tuple[delaunay.Triangulation, NDArray[np.int64]]:
    """Return the whole mesh and the number of photos (t,) in each of its triangles."""
    mesh = delaunay.grid(settings.nodes)
    apart = float(sphere.km_to_chord(settings.min_edge_m / 1000))
    counts, sums = tree.totals(tree.members(mesh.positions()), len(mesh))
    has_room = np.ones(len(mesh), bool)
    while len(crowded := np.flatnonzero((counts > settings.max) & has_room)):
        nodes, fits = _new_nodes(mesh, crowded, sums[crowded], settings.pull, apart)
        has_room[crowded[~fits]] = False
        crowded, nodes = crowded[fits], nodes[fits]
        near = cKDTree(nodes.reshape(-1, 3)).query_pairs(apart, output_type="ndarray")
        first = ~np.isin(np.arange(len(nodes)), near.max(axis=1, initial=-1))  # the others wait for the next round
        changed = mesh.insert(crowded[first], nodes[first])
        more = len(mesh) - len(counts)
        counts, sums = np.pad(counts, (0, more)), np.pad(sums, ((0, more), (0, 0)))
        has_room = np.pad(has_room, (0, more))
        counts[changed], sums[changed] = tree.totals(tree.members(mesh.positions(changed)), len(changed))
        has_room[changed] = True
    return mesh, counts


def _new_nodes(
    mesh: delaunay.Triangulation, which: NDArray[np.int64], sums: NDArray[np.float64], pull: float, apart: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return a node (m, 3) for each triangle, and whether it fits. Where the pulled node does not fit, it is the
    middle.

    The node must lie inside the triangle, and its chord to every other node must be at least ``apart``.
    """
    middle, mean = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (mesh.positions(which).sum(axis=1), sums))
    pulled = (1 - pull) * middle + pull * mean
    pulled /= np.linalg.norm(pulled, axis=1, keepdims=True)
    present = cKDTree(mesh.nodes)

    def fits(nodes: NDArray[np.float64]) -> NDArray[np.bool_]:
        return mesh.holds(which, nodes) & (present.query(nodes)[0] >= apart)

    nodes = np.where(fits(pulled)[:, None], pulled, middle)
    return nodes, fits(nodes)
