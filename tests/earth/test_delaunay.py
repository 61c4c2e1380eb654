"""Triangulations of the sphere against Qhull's convex hull, and where Qhull gives up."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from whereshot.earth import sphere, triangles
from whereshot.earth.delaunay import Triangulation, grid, twins
from whereshot.foundation.errors import InputError


def check(mesh: Triangulation) -> None:
    """Counter-clockwise triangles that cover the sphere once."""
    assert len(mesh) == 2 * len(mesh.nodes) - 4  # Euler
    corners = mesh.positions()
    assert (triangles.side(corners[:, 0], corners[:, 1], corners[:, 2]) > 0).all()
    assert math.fsum(sphere.angles_on_sphere(corners)) == pytest.approx(4 * math.pi, abs=1e-12)
    twin = twins(mesh.corners)
    np.testing.assert_array_equal(twin, mesh._twin)
    np.testing.assert_array_equal(twin[twin], np.arange(len(twin)))
    start, end = mesh.corners.ravel(), np.roll(mesh.corners, -1, axis=1).ravel()
    np.testing.assert_array_equal(start[twin], end)


def middles(mesh: Triangulation, which: NDArray, rng: np.random.Generator) -> NDArray:
    """Unit vectors somewhere in some triangles."""
    weights = rng.dirichlet([1, 1, 1], len(which))
    inside = (mesh.positions(which) * weights[:, :, None]).sum(axis=1)
    return inside / np.linalg.norm(inside, axis=1, keepdims=True)


@pytest.mark.parametrize("nodes", [3, 4, 10, 31])
def test_grid_is_a_convex_hull(nodes: int) -> None:
    mesh = grid(nodes)
    assert len(mesh.nodes) == nodes * (nodes - 2) + 2
    check(mesh)
    assert (mesh._excess(np.arange(3 * len(mesh))) == 0).all()
    # uniform in the sine of latitude, each pole once
    np.testing.assert_allclose(np.unique(mesh.nodes[:, 2].round(9)), np.linspace(-1, 1, nodes), atol=1e-9)
    assert (np.abs(mesh.nodes[:, 2]) == 1).sum() == 2


def test_insertions_give_the_hull_of_all_nodes(rng: np.random.Generator) -> None:
    mesh = grid(3)  # five nodes, no four of them on a circle but for the equator's three
    while len(mesh.nodes) < 1500:
        which = np.flatnonzero(rng.random(len(mesh)) < 0.5)
        before = mesh.corners.copy()
        changed = mesh.insert(which, middles(mesh, which, rng))
        untouched = np.setdiff1d(np.arange(len(before)), changed)
        np.testing.assert_array_equal(mesh.corners[untouched], before[untouched])
    check(mesh)
    hull = {tuple(sorted(face)) for face in ConvexHull(mesh.nodes).simplices.tolist()}
    assert {tuple(sorted(face)) for face in mesh.corners.tolist()} == hull


def test_a_crowd_of_millimetres_stays_sound(rng: np.random.Generator) -> None:
    """Qhull merges such nodes: over a millimetre the sphere bulges by less than a rounding."""
    mesh, vienna = grid(5), np.array([48.2, 16.4])
    for width_km in [3000, 300, 30, 3, *[0.1] * 3, *[1e-3] * 3, *[1e-6] * 4]:
        around = sphere.move(np.tile(vienna, (200, 1)), rng.uniform(0, 360, 200), rng.uniform(0, width_km, 200))
        tree = triangles.PointTree(around)
        label = tree.labels(tree.members(mesh.positions()))
        which, row = np.unique(label, return_index=True)
        node = triangles.vectors(around)[row]
        fits = mesh.holds(which, node)
        mesh.insert(which[fits], node[fits])
        check(mesh)
    assert len(mesh.nodes) > 80


def test_a_slim_triangle_is_made_a_fat_one() -> None:
    mesh = grid(3)
    corners = mesh.positions(np.array([0]))[0]
    near_edge = corners[0] + corners[1] + 1e-9 * corners[2]
    mesh.insert(np.array([0]), near_edge[None] / np.linalg.norm(near_edge))
    check(mesh)
    assert sphere.angles_on_sphere(mesh.positions()).min() > 0.1


def test_nodes_outside_or_on_an_edge_are_refused() -> None:
    mesh = grid(3)
    corners = mesh.positions(np.array([0]))[0]
    for node in (corners[0], -corners.sum(axis=0), np.array([1.0, 0, 0])):
        with pytest.raises(InputError, match=r"^a node must be inside the triangle that it is inserted into$"):
            mesh.insert(np.array([0]), node[None])
    assert len(mesh.nodes) == 5


def test_edges_without_another_side() -> None:
    assert twins(np.array([[0, 1, 2], [1, 0, 3]])).tolist() == [3, -1, -1, 0, -1, -1]
    assert twins(np.empty((0, 3), np.int64)).tolist() == []
