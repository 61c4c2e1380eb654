"""Sides and members of spherical triangles against rational numbers and brute force, on edges and corners too."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from whereshot.earth import delaunay, sphere, triangles
from whereshot.earth.triangles import PointTree, is_left, normals, side, vectors

degrees = st.one_of(
    st.integers(-90, 90).map(float), st.floats(-90, 90), st.sampled_from([1e-300, -5e-324, 1e-15, 45.0])
)
places = st.tuples(degrees, degrees.map(lambda value: 2 * value))


def rational_side(a: NDArray, b: NDArray, p: NDArray) -> int:
    """The sign of (a x b) . p in whole fractions."""
    (ax, ay, az), (bx, by, bz), (px, py, pz) = ([Fraction(float(x)) for x in v] for v in (a, b, p))
    total = (ay * bz - az * by) * px + (az * bx - ax * bz) * py + (ax * by - ay * bx) * pz
    return (total > 0) - (total < 0)


@settings(max_examples=300, deadline=None)
@given(a=places, b=places, p=places, weights=st.tuples(st.integers(-3, 3), st.integers(-3, 3)), on=st.booleans())
def test_sides_agree_with_rational_numbers(a: tuple, b: tuple, p: tuple, weights: tuple, on: bool) -> None:
    a, b, p = vectors(np.array([a, b, p]))
    if on:  # on the great circle but for rounding, or exactly
        p = weights[0] * a + weights[1] * b
        p = p / max(np.linalg.norm(p), 1e-9)
    p = np.where(np.abs(p) < 1e-60, 0, p)
    assert side(a[None], b[None], p[None])[0] == rational_side(a, b, p)
    assert side(b[None], a[None], p[None])[0] == -rational_side(a, b, p)


@settings(max_examples=200, deadline=None)
@given(a=places, b=places, weights=st.tuples(st.integers(0, 3), st.integers(0, 3)))
def test_what_is_on_a_circle_has_one_side(a: tuple, b: tuple, weights: tuple) -> None:
    a, b = vectors(np.array([a, b]))
    if not np.cross(a, b).any() or np.linalg.norm(a - b) < 1e-12 or np.linalg.norm(a + b) < 1e-12:
        return
    for p in (a, b, weights[0] * a + weights[1] * b):
        assert is_left(a[None], b[None], p[None]) != is_left(b[None], a[None], p[None])
    step = np.array([0, 1e-9, 1e-3])  # what the infinitesimal step becomes when it is not infinitesimal
    if abs(normals(a, b) @ step) > 1e-6:
        assert is_left(a[None], b[None], a[None])[0] == (normals(a, b) @ step > 0)


def test_poles_and_date_line_have_one_vector_each() -> None:
    north = vectors(np.array([[90, longitude] for longitude in (-180, -77.7, 0, 33, 180)], float))
    np.testing.assert_array_equal(north, np.tile([0, 0, 1.0], (5, 1)))
    east, west = (vectors(np.array([[latitude, side] for latitude in range(-89, 90)], float)) for side in (180, -180))
    np.testing.assert_array_equal(east, west)
    places = np.array([[48.2, 16.4], [-33.9, 151.2]])
    np.testing.assert_allclose(vectors(places), sphere.xyz(places), atol=1e-15)


@pytest.fixture(scope="module")
def tiling() -> delaunay.Triangulation:
    """The sphere in triangles of many sizes, down to metres."""
    rng, mesh = np.random.default_rng(5), delaunay.grid(9)
    for _ in range(5):
        few = rng.choice(len(mesh), 20, replace=False)
        mesh.insert(
            few, mesh.positions(few).sum(axis=1) / np.linalg.norm(mesh.positions(few).sum(axis=1), axis=1)[:, None]
        )
    return mesh


@pytest.fixture(scope="module")
def awkward(tiling: delaunay.Triangulation) -> NDArray:
    """Nodes, middles of edges and of triangles, whole degrees, the equator, twins and near twins."""
    corners = tiling.positions()
    halfway = corners + np.roll(corners, -1, axis=1)
    vectors = np.concatenate([tiling.nodes, halfway.reshape(-1, 3), corners.sum(axis=1)])
    whole = np.stack(np.meshgrid(np.arange(-90, 91, 10.0), np.arange(-180, 181, 10.0)), axis=-1).reshape(-1, 2)
    points = np.concatenate([sphere.latlon(vectors), whole, [[0, 1e-300], [5e-324, 0], [48.2, 16.4], [48.2, 16.4]]])
    return sphere.points(np.concatenate([points, points[:50] * (1 - 1e-16), [[48.2, 16.4 + 1e-13]] * 3]))


def brute_force(corners: NDArray, points: NDArray) -> NDArray[np.bool_]:
    """Whether each point (n,) is in each triangle (t,): (n, t)."""
    p = vectors(points)
    held = np.ones((len(p), len(corners)), bool)
    for i in range(3):
        a, b = (np.tile(corners[:, j % 3], (len(p), 1)) for j in (i, i + 1))
        held &= is_left(a, b, np.repeat(p, len(corners), axis=0)).reshape(held.shape)
    return held


def test_every_point_is_in_one_triangle_and_the_tree_finds_it(
    tiling: delaunay.Triangulation, awkward: NDArray, rng: np.random.Generator
) -> None:
    held = brute_force(tiling.positions(), awkward)
    assert (held.sum(axis=1) == 1).all()
    points = np.concatenate([awkward, np.repeat(awkward[-4:], 500, axis=0)])  # runs of equal points, too
    tree = PointTree(points)
    members = tree.members(tiling.positions())
    label = tree.labels(members)
    np.testing.assert_array_equal(label[: len(awkward)], held.argmax(axis=1))
    counts, sums = tree.totals(members, len(tiling))
    np.testing.assert_array_equal(counts, np.bincount(label, minlength=len(tiling)))
    expected = np.zeros((len(tiling), 3))
    np.add.at(expected, label, vectors(points))
    np.testing.assert_allclose(sums, expected, atol=1e-9)


def test_neither_order_nor_company_matters(
    tiling: delaunay.Triangulation, awkward: NDArray, rng: np.random.Generator
) -> None:
    corners = tiling.positions()
    tree = PointTree(awkward)
    label = tree.labels(tree.members(corners))
    shuffled = rng.permutation(len(awkward))
    other = PointTree(awkward[shuffled])
    np.testing.assert_array_equal(other.vectors, tree.vectors)
    np.testing.assert_array_equal(vectors(awkward[shuffled])[other.order], tree.vectors)
    np.testing.assert_array_equal(other.labels(other.members(corners)), label[shuffled])
    few = np.sort(rng.choice(len(corners), 60, replace=False))
    some = tree.labels(tree.members(corners[few]))
    np.testing.assert_array_equal(some >= 0, np.isin(label, few))
    np.testing.assert_array_equal(few[some[some >= 0]], label[some >= 0])
    for row in rng.choice(len(awkward), 40):
        alone = PointTree(awkward[row : row + 1])
        assert alone.labels(alone.members(corners))[0] == label[row]


def test_nothing_is_in_nothing() -> None:
    none = PointTree(np.empty((0, 2)))
    octant = np.eye(3)[None]
    assert len(none.labels(none.members(octant))) == 0
    assert none.totals(none.members(octant), 1)[0].tolist() == [0]
    tree = PointTree(np.array([[10.0, 10.0], [-10, 10]]))
    assert tree.labels(tree.members(np.empty((0, 3, 3)))).tolist() == [-1, -1]
    assert tree.labels(tree.members(octant)).tolist() == [0, -1]


def test_the_last_digits_do_not_hang_on_the_place_in_the_array(rng: np.random.Generator) -> None:
    """A position has the same vector alone, in bulk, and out of an array with other strides."""
    points = np.stack([rng.uniform(-90, 90, 4099), rng.uniform(-180, 180, 4099)], axis=1)
    bulk = vectors(points)
    np.testing.assert_array_equal(vectors(np.asfortranarray(points)), bulk)
    np.testing.assert_array_equal(np.concatenate([vectors(points[row : row + 1]) for row in range(300)]), bulk[:300])
    assert len(points) < triangles._CHUNK
