"""Voronoi cells against scipy, sites in bad places, and k-means on the sphere."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial import SphericalVoronoi

from whereshot.earth import partition, sphere
from whereshot.earth.partition import clusters
from whereshot.earth.partition.voronoi import VoronoiCells
from whereshot.earth.polygons import area_sr
from whereshot.foundation.errors import InputError

places = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


def random_sites(n: int, seed: int = 0) -> NDArray:
    vectors = np.random.default_rng(seed).normal(size=(n, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def check(sites: NDArray, slack: float = 1e-6) -> None:
    """The cells fill the sphere once, on the globe and on the map, and hold what is nearest to their site."""
    cells = clusters.Voronoi(sites)
    areas = [cells.area_sr(site) for site in range(len(sites))]
    assert math.fsum(areas) == pytest.approx(4 * math.pi, abs=1e-9)
    polygons = [cells.polygon(site) for site in range(len(sites))]
    assert all(polygon.is_valid and polygon.area > 0 for polygon in polygons)
    assert math.fsum(area_sr(polygon) for polygon in polygons) == pytest.approx(4 * math.pi, abs=slack)
    probes = random_sites(300, 7)
    map_points = sphere.latlon(probes)
    distance = np.sort(np.linalg.norm(probes[:, None] - sites, axis=-1), axis=1)
    clear = np.ones(300, bool) if len(sites) == 1 else distance[:, 1] - distance[:, 0] > 1e-4
    clear &= np.abs(map_points[:, 0]) < 85
    label = clusters.nearest(sites, probes)
    for row in np.flatnonzero(clear).tolist():
        assert polygons[label[row]].distance(shapely.Point(map_points[row, ::-1])) < 1e-2


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 30])
def test_any_number_of_sites(n: int) -> None:
    check(random_sites(n))


def test_areas_are_those_of_scipy() -> None:
    sites = random_sites(500)
    cells = clusters.Voronoi(sites)
    own = [cells.area_sr(site) for site in range(500)]
    np.testing.assert_allclose(own, SphericalVoronoi(sites).calculate_areas(), rtol=1e-9)


@pytest.mark.parametrize("height", [0.0, 0.6, -0.999999])
@pytest.mark.parametrize("noise", [0.0, 1e-15, 1e-13])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_sites_on_a_circle(height: float, noise: float, axis: int) -> None:
    angle = np.array([0.1, 0.7, 1.9, 3.0, 3.3, 5.0, 6.1])
    flat = math.sqrt(1 - height**2)
    circle = np.stack([flat * np.cos(angle), flat * np.sin(angle), np.full(7, height)], axis=1)
    sites = np.roll(circle, axis, axis=1) + np.random.default_rng(0).normal(0, 1, (7, 3)) * noise
    check(sites / np.linalg.norm(sites, axis=1, keepdims=True))


@pytest.mark.parametrize("rows", [[0, 1], [2, 3], [4, 5], [0, 1, 2, 3], [0, 2, 4], [0, 1, 2, 3, 4, 5], [0, 4, 5]])
def test_sites_on_the_axes(rows: list[int]) -> None:
    check(np.concatenate([np.eye(3), -np.eye(3)])[rows])


def test_sites_a_few_metres_apart() -> None:
    near = random_sites(1) + np.random.default_rng(2).normal(0, 4e-6, (40, 3))
    sites = np.concatenate([near / np.linalg.norm(near, axis=1, keepdims=True), random_sites(20, 5)])
    sites = clusters.apart(sites)
    assert 40 < len(sites) <= 60
    check(sites)


@settings(max_examples=40, deadline=None)
@given(spots=st.lists(places, min_size=1, max_size=12))
def test_any_sites_divide_the_sphere(spots: list[tuple[float, float]]) -> None:
    sites = clusters.apart(sphere.xyz(np.array(spots)))
    cells = clusters.Voronoi(sites)
    assert math.fsum(cells.area_sr(site) for site in range(len(sites))) == pytest.approx(4 * math.pi, abs=1e-7)


# --- k-means


def test_kmeans_finds_the_groups() -> None:
    rng = np.random.default_rng(0)
    towns = np.array([[48.2, 16.4], [-33.9, 151.2], [64.1, -21.9], [-18.1, 178.4], [-16.5, -179.9]])
    points = np.concatenate([town + rng.normal(0, 0.1, (50, 2)) for town in towns])
    found = sphere.latlon(clusters.kmeans(sphere.points(points), 5, seed=0))
    km = sphere.distance_km(towns[:, None], found)
    assert len(found) == 5 and (km.min(axis=1) < 10).all()


@settings(max_examples=40, deadline=None)
@given(spots=st.lists(places, min_size=1, max_size=20), copies=st.integers(1, 4), k=st.integers(1, 25))
def test_kmeans_of_few_places(spots: list[tuple[float, float]], copies: int, k: int) -> None:
    points = sphere.points(np.repeat(np.array(spots), copies, axis=0))
    sites = clusters.settle(clusters.kmeans(points, k, seed=1), sphere.xyz(points))
    assert 1 <= len(sites) <= min(k, len(points))
    assert np.bincount(clusters.nearest(sites, sphere.xyz(points)), minlength=len(sites)).min() > 0
    np.testing.assert_allclose(np.linalg.norm(sites, axis=1), 1, rtol=1e-12)
    shuffled = np.random.default_rng(0).permutation(points)
    np.testing.assert_array_equal(sites, clusters.settle(clusters.kmeans(shuffled, k, 1), sphere.xyz(shuffled)))


def test_more_positions_than_the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "SAMPLE", 500)
    points = sphere.latlon(random_sites(5000))
    cells = partition.build("voronoi", points, {"cells": 30})
    other = partition.build("voronoi", points[::-1], {"cells": 30})
    assert len(cells) == 30 and cells.counts.sum() == 5000
    np.testing.assert_array_equal(cells.sites, other.sites)


def test_at_most_max_photos_a_cell() -> None:
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal([50, 8], 0.01, (3000, 2)), rng.normal(0, 20, (500, 2)), [[1.0, 2.0]] * 900])
    cells = partition.build("voronoi", points, {"max": 100})
    spot = int(cells.assign([[1.0, 2.0]])[0])
    counts = np.delete(cells.counts, spot)
    assert counts.max() <= 100 and counts.min() >= 1
    assert cells.counts[spot] >= 900  # one spot cannot be split


def test_the_seed_matters_and_repeats() -> None:
    points = sphere.latlon(random_sites(2000))
    one, same, other = (partition.build("voronoi", points, {"cells": 20, "seed": seed}) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.sites, same.sites)
    assert not np.array_equal(one.sites, other.sites)


# --- the kind


def test_places_of_dropped_cells_stay_outside() -> None:
    points = np.concatenate([np.tile([[10.0, 10.0], [50.0, 60.0]], (20, 1)), [[-30.0, -30.0]]])
    whole = partition.build("voronoi", points, {"cells": 3})
    cells = partition.build("voronoi", points, {"cells": 3, "min": 1})
    assert (len(whole), len(cells)) == (3, 2)
    assert cells.assign([[-30.0, -30.0], [10.0, 10.0]])[0] == -1
    again = VoronoiCells.from_table(cells.to_table())
    probes = sphere.latlon(random_sites(500))
    np.testing.assert_array_equal(again.assign(probes), cells.assign(probes))
    assert (again.assign(probes) == -1).any()


def test_cells_counted_on_other_photos() -> None:
    points = sphere.latlon(random_sites(4000))
    fresh = np.stack([np.abs(points[:, 0]), points[:, 1]], axis=1)  # the northern half only
    cells = partition.build("voronoi", points, {"cells": 40, "min": 5}, populate_with=fresh)
    label = cells.assign(fresh)
    np.testing.assert_array_equal(np.bincount(label[label >= 0], minlength=len(cells)), cells.counts)
    assert 15 < len(cells) < 30 and cells.counts.min() > 5


@pytest.mark.parametrize("asked", [{}, {"cells": 3, "max": 5}])
def test_one_goal(asked: dict[str, int]) -> None:
    with pytest.raises(InputError, match=r"give either cells or max; got "):
        partition.build("voronoi", [[0, 0]], asked)


def test_min_must_be_smaller_than_max() -> None:
    with pytest.raises(InputError, match="min 9 must be smaller than max 9"):
        partition.build("voronoi", [[0, 0], [1, 1]], {"max": 9, "min": 9})
