"""K-means and Voronoi cells of the sphere: the cells fill it once and hold what is nearest to their sites."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial import SphericalVoronoi

from whereshot.earth import sphere
from whereshot.earth.partition import clusters
from whereshot.earth.polygons import area_sr

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
    sites = clusters.without_near(sites)
    assert 40 < len(sites) <= 60
    check(sites)


@settings(max_examples=40, deadline=None)
@given(spots=st.lists(places, min_size=1, max_size=12))
def test_any_sites_divide_the_sphere(spots: list[tuple[float, float]]) -> None:
    sites = clusters.without_near(sphere.xyz(np.array(spots)))
    cells = clusters.Voronoi(sites)
    assert math.fsum(cells.area_sr(site) for site in range(len(sites))) == pytest.approx(4 * math.pi, abs=1e-7)


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
    sites = clusters.populated_sites(clusters.kmeans(points, k, seed=1), sphere.xyz(points))
    assert 1 <= len(sites) <= min(k, len(points))
    assert np.bincount(clusters.nearest(sites, sphere.xyz(points)), minlength=len(sites)).min() > 0
    np.testing.assert_allclose(np.linalg.norm(sites, axis=1), 1, rtol=1e-12)
    shuffled = np.random.default_rng(0).permutation(points)
    np.testing.assert_array_equal(
        sites, clusters.populated_sites(clusters.kmeans(shuffled, k, 1), sphere.xyz(shuffled))
    )
