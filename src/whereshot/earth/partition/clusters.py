"""K-means and Voronoi cells on the sphere.

Sites are unit vectors at least ``APART`` from one another, so that every site has a Voronoi cell.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError, cKDTree
from shapely.geometry.base import BaseGeometry

from whereshot.earth import great_circles, polygons, s2, sphere

SAMPLE = 200_000
"""The largest number of positions, drawn evenly, that are used to find sites. Every position is assigned afterwards."""

APART = 1e-6
"""Radians, 6.4 m. Nearer sites count as the same, as in scipy.spatial.SphericalVoronoi, whose hull cannot separate
them.
"""

_ROUNDS = 50
_SETTLED = 1e-3  # k-means stops when at most this share of positions changes its site
_AT_POLE = 1e-9

_FRAME = polygons.corners_of(shapely.segmentize(polygons.WORLD.exterior, great_circles.STEP_DEGREES))

Vectors = NDArray[np.float64]
"""(n, 3) unit vectors."""


def canonical(points: sphere.Points) -> tuple[sphere.Points, NDArray[np.int64]]:
    """Return the distinct positions (m, 2), sorted, and how often each occurs (m,). The order of the points does not
    matter.
    """
    # complex numbers sort by their real part, then by their imaginary part; + 0.0 makes -0.0 equal to 0.0
    distinct, counts = np.unique((points + 0.0).view(np.complex128).ravel(), return_counts=True)
    return distinct.view(np.float64).reshape(-1, 2), counts


def kmeans(points: sphere.Points, k: int, seed: int) -> Vectors:
    """Return at most k sites (j, 3), the means of their nearest positions (n, 2): k-means on the sphere.

    It starts as k-means++ does (Arthur and Vassilvitskii 2007); Lloyd's rounds follow, with means set back on the
    sphere (Dhillon and Modha 2001). The order of the points does not matter. There are fewer than k sites where fewer
    positions are distinct.
    """
    distinct, counts = canonical(points)
    rng = np.random.default_rng(seed)
    if len(distinct) > SAMPLE:
        rows = np.sort(rng.choice(len(distinct), SAMPLE, replace=False, p=counts / counts.sum(), shuffle=False))
        distinct, counts = distinct[rows], np.ones(SAMPLE, np.int64)
    unit, weights = sphere.xyz(distinct), counts.astype(np.float64)
    sites = _seeds(unit, weights, k, rng)
    label: NDArray[np.int64] | None = None
    for _ in range(_ROUNDS):
        before, label = label, nearest(sites, unit)
        if before is not None and (before != label).mean() < _SETTLED:
            break
        total = np.stack([np.bincount(label, weights * unit[:, axis], len(sites)) for axis in range(3)], axis=1)
        length = np.linalg.norm(total, axis=1, keepdims=True)
        mean = np.where(length > 1e-9, total / np.maximum(length, 1e-9), sites)  # opposite points have no mean
        sites = np.where(np.bincount(label, minlength=len(sites))[:, None] > 0, mean, sites)
    return without_near(sites)


def _seeds(unit: Vectors, weights: NDArray[np.float64], k: int, rng: np.random.Generator) -> Vectors:
    """Return at most k of the positions (n, 3), each drawn with a chance that grows with its squared distance from
    those before.
    """
    chosen = [int(np.searchsorted(np.cumsum(weights), rng.random() * weights.sum()))]
    squared = np.full(len(unit), np.inf)
    while len(chosen) < min(k, len(unit)):
        difference = unit - unit[chosen[-1]]
        np.minimum(squared, np.einsum("ij,ij->i", difference, difference), out=squared)
        far = np.where(squared > (2 * APART) ** 2, squared, 0.0)
        total = np.cumsum(far * weights)
        if total[-1] == 0:
            break
        chosen.append(min(int(np.searchsorted(total, rng.random() * total[-1], side="right")), len(unit) - 1))
    return unit[chosen]


def without_near(sites: Vectors) -> Vectors:
    """Return the sites (n, 3) without those that lie within ``APART`` of an earlier one."""
    pairs = cKDTree(sites).query_pairs(APART, output_type="ndarray")
    stays = np.ones(len(sites), bool)
    for first, second in sorted(pairs.tolist()):
        stays[second] &= not stays[first]
    return sites[stays]


def split(points: sphere.Points, most: int, seed: int, sites: Vectors | None = None) -> Vectors:
    """Return sites (k, 3) such that at most ``most`` of the positions (n, 2) are nearest to each, as far as ``APART``
    allows.

    Sites among ``sites`` that have at most ``most`` positions already stay as they are.
    """
    sites = kmeans(points, -(-len(points) // most), seed) if sites is None else sites
    unit, whole = sphere.xyz(points), set()
    for _ in range(_ROUNDS):
        label = nearest(sites, unit)
        counts = np.bincount(label, minlength=len(sites))
        large = [site for site in np.flatnonzero(counts > most) if sites[site].tobytes() not in whole]
        if not large:
            break
        members = np.split(np.argsort(label, kind="stable"), np.cumsum(counts)[:-1])
        parts = []
        for site in large:
            part = kmeans(points[members[site]], max(2, -(-int(counts[site]) // most)), seed)
            if len(part) == 1:  # all photos are at one spot
                whole.add(sites[site].tobytes())
                part = sites[[site]]
            parts.append(part)
        sites = without_near(np.concatenate([np.delete(sites, large, axis=0), *parts]))
    return sites


def populated_sites(sites: Vectors, unit: Vectors, least: int = 0) -> Vectors:
    """Return the sites (k, 3) to which more than ``least`` of the unit vectors (n, 3) are nearest, or one last site.

    The site with the fewest vectors is removed first, which gives its neighbours more. The sites are returned in the
    order of their S2 cells.
    """
    label = nearest(sites, unit)
    counts = np.bincount(label, minlength=len(sites))
    left = np.flatnonzero(counts)
    while len(left) > 1 and counts[left].min() <= least:
        gone = left[np.argmin(counts[left])]
        left = left[left != gone]
        moved = np.flatnonzero(label == gone)
        label[moved] = left[nearest(sites[left], unit[moved])]
        counts = np.bincount(label, minlength=len(sites))
    return sites[left][np.argsort(s2.encode(sphere.latlon(sites[left])), kind="stable")]


def nearest(sites: Vectors, unit: Vectors) -> NDArray[np.int64]:
    """Return which of the sites (k, 3) is nearest to each unit vector (n, 3)."""
    if len(sites) == 1:
        return np.zeros(len(unit), np.int64)
    return np.asarray(cKDTree(sites).query(unit)[1], np.int64)


class Voronoi:
    """Which places are nearest to each of k sites (k, 3) of the sphere."""

    def __init__(self, sites: Vectors) -> None:
        self.sites = sites
        self._corners: list[Vectors] | None = None

    def corners(self, site: int) -> Vectors:
        """Return the corners (m, 3) of one cell, counter-clockwise from outside, joined by arcs shorter than half a
        turn.
        """
        if self._corners is None:
            self._corners = _all_corners(self.sites)
        return self._corners[site]

    def ring(self, site: int) -> sphere.Points:
        """Return the closed border (m, 2) of one cell. On a map, straight lines between its points follow the great
        circle.
        """
        if len(self.sites) == 1:
            return _FRAME
        return great_circles.densify(sphere.latlon(self.corners(site)))

    def polygon(self, site: int) -> BaseGeometry:
        """Return one cell as a polygon of the map, cut at the date line."""
        return polygons.WORLD if len(self.sites) == 1 else polygons.of_ring(self.ring(site))

    def area_sr(self, site: int) -> float:
        """Return steradians of one cell."""
        if len(self.sites) == 1:
            return 4 * np.pi
        corners = self.corners(site)
        fan = np.stack(
            [np.broadcast_to(self.sites[site], corners.shape), corners, np.roll(corners, -1, axis=0)], axis=1
        )
        return float(sphere.angles_on_sphere(fan).sum())


def _all_corners(sites: Vectors) -> list[Vectors]:
    try:
        # the facets of the convex hull are the Delaunay triangles, and their normals the Voronoi corners
        # (scipy.spatial.SphericalVoronoi does the same, without arcs of nearly half a turn and without flat hulls)
        hull = ConvexHull(sites) if len(sites) > 3 else None
    except QhullError:
        hull = None
    if hull is None or len(np.unique(hull.simplices)) < len(sites):
        return _lunes(sites)
    return _from_hull(sites, hull)


def _from_hull(sites: Vectors, hull: ConvexHull) -> list[Vectors]:
    """Return the corners of every cell: around a site, the normals of the hull's triangles that meet in it."""
    normals = hull.equations[:, :3] / np.linalg.norm(hull.equations[:, :3], axis=1, keepdims=True)
    near_pole = np.hypot(normals[:, 0], normals[:, 1]) < _AT_POLE
    normals[near_pole] = np.sign(normals[near_pole]) * [0.0, 0.0, 1.0]  # on a map a pole is a line, not a point
    triangles = hull.simplices.copy()
    turned = (
        np.einsum(
            "ij,ij->i",
            np.cross(sites[triangles[:, 1]] - sites[triangles[:, 0]], sites[triangles[:, 2]] - sites[triangles[:, 0]]),
            normals,
        )
        < 0
    )
    triangles[turned] = triangles[turned][:, ::-1]
    # around a site, counter-clockwise: in triangle (site, a, b) the cell's border comes from edge a and goes to edge b
    after: list[dict[int, tuple[int, int]]] = [{} for _ in sites]
    for number, (a, b, c) in enumerate(triangles.tolist()):
        after[a][b], after[b][c], after[c][a] = (c, number), (a, number), (b, number)
    corners = []
    for site, links in enumerate(after):
        first = neighbour = min(links)
        ring = []
        for _ in range(len(links)):
            neighbour_after, number = links[neighbour]
            ring.append(normals[number])
            # the arc from this corner to the next one runs on the bisector with neighbour_after
            to = normals[links[neighbour_after][1]]
            if ring[-1] @ to < -0.5:
                ring.append(_halfway(ring[-1], to, sites[site] - sites[neighbour_after]))
            neighbour = neighbour_after
            if neighbour == first:
                break
        corners.append(_distinct(np.array(ring)))
    return corners


def _halfway(start: NDArray[np.float64], end: NDArray[np.float64], inward: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the middle of the arc from start to end on the great circle whose left side is ``inward``."""
    ahead = np.cross(inward, start)
    ahead /= np.linalg.norm(ahead)
    half = np.arctan2(end @ ahead, end @ start) % (2 * np.pi) / 2
    return np.cos(half) * start + np.sin(half) * ahead


def _distinct(ring: Vectors) -> Vectors:
    """Return the ring without corners that repeat the corner before, which occur where more than three sites are
    equally near.
    """
    repeats = (np.abs(ring - np.roll(ring, 1, axis=0)) < 1e-15).all(axis=1)
    return ring[~repeats] if (~repeats).sum() >= 3 else ring


def _lunes(sites: Vectors) -> list[Vectors]:
    """Return the corners of cells whose sites lie on one circle. Each of these cells reaches from one pole of the
    circle to the other.
    """
    axis = np.linalg.svd(sites - sites.mean(0))[2][2]
    axis = axis if axis[np.argmax(np.abs(axis))] > 0 else -axis
    if np.hypot(*axis[:2]) < _AT_POLE:
        axis = np.array([0.0, 0.0, 1.0])
    # angles start at any direction across the axis; the coordinate axis farthest from it is safest
    start = np.cross(axis, np.eye(3)[np.argmin(np.abs(axis))])
    start /= np.linalg.norm(start)
    side = np.cross(axis, start)
    angle = np.arctan2(sites @ side, sites @ start)
    order = np.argsort(angle)
    ordered = angle[order]
    middle = ordered + (np.roll(ordered, -1) - ordered) % (2 * np.pi) / 2  # between each site and the next
    meridian = np.cos(middle)[:, None] * start + np.sin(middle)[:, None] * side
    corners: list[Vectors] = [sites] * len(sites)
    for place, site in enumerate(order.tolist()):
        corners[site] = np.stack([-axis, meridian[place], axis, meridian[place - 1]])
    return corners
