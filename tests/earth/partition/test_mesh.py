"""What only the Delaunay mesh promises: refinement, its limits, who is dropped, neighbours, empty triangles."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from whereshot.earth import partition, sphere, triangles
from whereshot.earth.partition.base import Partition
from whereshot.earth.partition.mesh import DelaunayMesh
from whereshot.foundation.errors import InputError


@pytest.fixture(scope="module")
def towns() -> NDArray:
    """30,000 photos (n, 2) round 300 towns."""
    rng = np.random.default_rng(3)
    town = np.stack([np.degrees(np.arcsin(rng.uniform(-0.7, 0.95, 300))), rng.uniform(-180, 180, 300)], axis=1)
    size = rng.pareto(1.0, 300)
    chosen = town[rng.choice(300, 30_000, p=size / size.sum())]
    return sphere.move(chosen, rng.uniform(0, 360, 30_000), 20 * rng.exponential(1, 30_000))


def build(points: NDArray | list, **asked: Any) -> DelaunayMesh:
    cells = partition.build("mesh", points, asked)
    assert isinstance(cells, DelaunayMesh)
    return cells


def nodes_apart_km(cells: DelaunayMesh) -> float:
    """How near the two nearest corners are."""
    nodes = np.unique(cells.corners.reshape(-1, 3), axis=0)
    return float(sphere.chord_to_km(cKDTree(nodes).query(nodes, k=2)[0][:, 1].min()))


def test_no_triangle_holds_more_than_the_limit_and_none_less_than_the_minimum(towns: NDArray) -> None:
    whole, some = build(towns, max=200), build(towns, max=200, min=20)
    assert whole.counts.sum() == len(towns) and whole.counts.max() <= 200
    assert math.fsum(whole.area_sr) == pytest.approx(4 * math.pi, abs=1e-9)
    assert (whole.counts == 20).any() and (whole.counts == 19).any()  # so the next line shows on which side 20 is
    np.testing.assert_array_equal(some.counts, whole.counts[whole.counts >= 20])
    np.testing.assert_array_equal(some.corners, whole.corners[whole.counts >= 20])
    # the photos of dropped triangles, and no others, are nowhere
    label, kept = whole.assign(towns), np.flatnonzero(whole.counts >= 20)
    np.testing.assert_array_equal(
        some.assign(towns), np.where(whole.counts[label] >= 20, np.searchsorted(kept, label), -1)
    )


def test_triangles_without_photos_are_places_too(towns: NDArray) -> None:
    cells = build(towns, max=200)
    empty = np.flatnonzero(cells.counts == 0)
    assert len(empty) > 500
    np.testing.assert_array_equal(cells.centers[empty], cells.cell_centers[empty])
    # the spread of a uniform density: drawn evenly in one triangle, root mean square distance to its middle
    rng = np.random.default_rng(0)
    for cell in empty[::200]:
        weights = rng.dirichlet([1, 1, 1], 20_000)
        drawn = sphere.latlon(weights @ cells.corners[cell])
        distance = sphere.distance_km(drawn, cells.cell_centers[cell])
        assert cells.spread_km[cell] == pytest.approx(np.sqrt((distance**2).mean()), rel=0.05)


def test_the_unrefined_grid(towns: NDArray) -> None:
    """31 x 31, each pole once: 29 rings of 31 nodes and two poles, two triangles less four per node."""
    cells = build(towns, max=30_000)
    assert len(cells) == 2 * (29 * 31 + 2) - 4
    assert len(build(towns, max=30_000, nodes=5)) == 2 * (3 * 5 + 2) - 4


@pytest.mark.parametrize("min_edge_m", [100, 3000])
def test_equal_geotags_do_not_refine_for_ever(min_edge_m: float) -> None:
    where = np.repeat([[48.2, 16.4], [-33.9, 151.2], [90, 0], [0, 180]], 500, axis=0)
    cells = build(where, max=10, min=1, min_edge_m=min_edge_m)
    assert cells.counts.tolist() == [500] * 4
    whole = build(where, max=10, min_edge_m=min_edge_m)
    assert min_edge_m / 1000 <= nodes_apart_km(whole) < 4 * min_edge_m / 1000
    assert (cells.area_sr * sphere.EARTH_KM**2 < 10 * (min_edge_m / 1000) ** 2).all()


def test_refinement_separates_what_is_far_enough_apart() -> None:
    """Two crowds two kilometres apart end in two triangles; at one metre they cannot."""
    for metres, cells_expected in ((2000, 2), (1, 1)):
        other = sphere.move([48.2, 16.4], 77, metres / 1000)
        cells = build(np.repeat([[48.2, 16.4], other], 100, axis=0), max=100, min=1)
        assert len(cells) == cells_expected


@pytest.mark.parametrize("pull", [0.0, 0.5, 1.0])
def test_where_new_nodes_go(pull: float) -> None:
    """The first node lies between the middle of its triangle and the mean of the photos in it."""
    photos = np.array([[20, 31], [20, 32], [21, 33]], float)
    before = build(photos, max=3, nodes=5)
    after = build(photos, max=2, nodes=5, pull=pull)
    old = before.corners[before.assign(photos[:1])[0]]
    added = {tuple(node) for node in after.corners.reshape(-1, 3)} - {
        tuple(node) for node in before.corners.reshape(-1, 3)
    }
    middle, mean = (v / np.linalg.norm(v) for v in (old.sum(0), triangles.vectors(photos).sum(0)))
    expected = (1 - pull) * middle + pull * mean
    expected /= np.linalg.norm(expected)
    assert min(np.linalg.norm(np.array(node) - expected) for node in added) < 1e-12


def test_refined_on_some_and_populated_with_all(towns: NDArray) -> None:
    some = towns[::3]
    cells = partition.build("mesh", some, {"max": 200, "min": 60}, populate_with=towns)
    whole = build(some, max=200)
    counts = np.bincount(whole.assign(towns), minlength=len(whole))
    np.testing.assert_array_equal(cells.counts, counts[counts >= 60])
    np.testing.assert_array_equal(cells.corners, whole.corners[counts >= 60])
    label = cells.assign(towns)
    np.testing.assert_array_equal(np.bincount(label[label >= 0], minlength=len(cells)), cells.counts)
    assert cells.counts.max() > 200  # nothing is refined on those


def test_neighbours_share_an_edge(towns: NDArray) -> None:
    whole = build(towns, max=2000, nodes=7)
    pairs = whole.neighbours()
    assert pairs.dtype == np.int64 and (pairs[:, 0] < pairs[:, 1]).all()
    np.testing.assert_array_equal(np.unique(pairs, axis=0), pairs)
    assert (np.bincount(pairs.ravel()) == 3).all() and len(pairs) == 3 * len(whole) // 2
    np.testing.assert_array_equal(np.unique(Partition.neighbours(whole), axis=0), pairs)
    some = build(towns, max=2000, nodes=7, min=100)
    kept = np.flatnonzero(whole.counts >= 100)
    expected = pairs[np.isin(pairs, kept).all(axis=1)]
    np.testing.assert_array_equal(some.neighbours(), np.searchsorted(kept, expected))


places = st.tuples(
    st.one_of(st.floats(-90, 90), st.integers(-9, 9).map(lambda ten: 10.0 * ten)),
    st.one_of(st.floats(-180, 180), st.integers(-18, 18).map(lambda ten: 10.0 * ten)),
)


@settings(max_examples=60, deadline=None)
@given(
    points=st.lists(places, min_size=1, max_size=40),
    most=st.integers(1, 6),
    nodes=st.sampled_from([3, 4, 9]),
    pull=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_any_positions_are_held_once(points: list, most: int, nodes: int, pull: float) -> None:
    array = np.array(points, float)
    whole = build(array, max=most, nodes=nodes, pull=pull)
    label = whole.assign(array)
    assert (label >= 0).all() and math.fsum(whole.area_sr) == pytest.approx(4 * math.pi, abs=1e-9)
    np.testing.assert_array_equal(np.bincount(label, minlength=len(whole)), whole.counts)
    assert nodes_apart_km(whole) >= 0.0999
    for cell in np.flatnonzero(whole.counts > most):  # too full: not even its middle has room for a node
        corners_km = sphere.distance_km(sphere.latlon(whole.corners.reshape(-1, 3)), whole.cell_centers[cell])
        assert corners_km.min() < 0.1001
    np.testing.assert_array_equal(whole.assign(array[::-1]), label[::-1])


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            {},
            "partition mesh: 'max' is missing; settings of mesh: max (a whole number), min=0, nodes=31, "
            "min_edge_m=100, pull=0.5",
        ),
        (
            {"max": 5, "min": 6},
            "partition mesh: min 6 must not be larger than max 5; got {'max': 5, 'min': 6}",
        ),
        ({"max": 5, "nodes": 2}, "partition mesh: 'nodes': input should be greater than or equal to 3; got 2"),
        (
            {"max": 5, "min_edge_m": 0.5},
            "partition mesh: 'min_edge_m': input should be greater than or equal to 1; got 0.5",
        ),
        ({"max": 5, "pull": 1.5}, "partition mesh: 'pull': input should be less than or equal to 1; got 1.5"),
    ],
)
def test_settings_that_make_no_sense(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        build([[0, 0]], **asked)
    assert str(caught.value) == message


def test_real_places(shared: Path) -> None:
    """Held-out photos of 100,000: almost all have a cell, and three of five one whose centroid is within 25 km."""
    path = shared / "data" / "tables" / "geoclip_coordinates_100K.csv"
    if not path.is_file():
        pytest.skip(f"needs {path.name}")
    table = pyarrow.csv.read_csv(path)
    places = np.stack([table["LAT"].to_numpy(), table["LON"].to_numpy()], axis=1)
    held_out = np.random.default_rng(1).random(len(places)) < 0.2
    cells = build(places[~held_out], max=80, min=8)
    assert 2200 < len(cells) < 2600
    label = cells.assign(places[held_out])
    distance = np.where(label >= 0, sphere.distance_km(cells.centers[label], places[held_out]), np.inf)
    within = [(distance <= km).mean() for km in (25, 200, np.inf)]
    assert within[0] > 0.61 and within[1] > 0.93 and within[2] > 0.97
