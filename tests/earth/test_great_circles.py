"""Rings of great circles on a map: straight lines keep to the arcs, also through a pole and over the date line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whereshot.earth import sphere
from whereshot.earth.great_circles import STEP_DEGREES, densify, path

PLACES = st.tuples(st.floats(-80, 80), st.floats(-180, 180))


@settings(max_examples=100, deadline=None)
@given(center=PLACES, km=st.floats(10, 4000), turn=st.floats(0, 360))
def test_lines_between_points_keep_to_the_great_circles(center: tuple[float, float], km: float, turn: float) -> None:
    corners = sphere.move(np.array(center), turn + np.array([0.0, 240.0, 120.0]), km)
    ring = densify(corners)
    assert np.array_equal(ring[0], ring[-1])
    assert sphere.Nearest(ring).query(corners)[0].max() < 1e-6  # every corner is in it
    steps = np.degrees(sphere.distance_km(ring[1:], ring[:-1]) / sphere.EARTH_KM)
    assert steps.max() <= STEP_DEGREES * 1.0001
    span = np.abs(np.diff(ring[:, 1]))
    plain = (span < 180) & (np.abs(ring[1:, 0]) < 89) & (np.abs(ring[:-1, 0]) < 89)
    drawn = (ring[1:] + ring[:-1])[plain] / 2  # the middle of the straight line on the map
    arc = sphere.latlon(sphere.xyz(ring[1:]) + sphere.xyz(ring[:-1]))[plain]
    assert sphere.distance_km(drawn, arc).max(initial=0) < 0.05


def test_a_border_through_a_pole_names_the_pole() -> None:
    ring = densify(np.array([[80.0, 0.0], [80.0, 180.0], [70.0, 90.0]]))
    assert (ring[:, 0] == 90).sum() == 1


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_an_arc_has_the_same_points_from_either_side(shift: int) -> None:
    """Two cells share a border exactly, however their rings start and run."""
    corners = np.array([[10.0, 170.0], [20.0, -170.0], [-5.0, -175.0]])
    ring, other = densify(corners), densify(np.roll(corners[::-1], shift, axis=0))
    assert {tuple(point) for point in ring.round(12)} == {tuple(point) for point in other.round(12)}


@settings(max_examples=100, deadline=None)
@given(start=PLACES, end=PLACES)
def test_a_path_is_the_shortest_way_in_equal_steps(start: tuple[float, float], end: tuple[float, float]) -> None:
    way = path(np.array(start), np.array(end), 16)
    assert way.shape == (17, 2)
    assert sphere.distance_km(way[[0, -1]], np.array([start, end])).max() < 1e-6
    km = float(sphere.distance_km(np.array(start), np.array(end)))
    np.testing.assert_allclose(sphere.distance_km(way[1:], way[:-1]), km / 16, rtol=1e-6, atol=1e-6)


def test_a_path_to_the_opposite_point_takes_some_great_circle() -> None:
    way = path(np.array([10.0, 20.0]), np.array([-10.0, -160.0]), 2)
    assert sphere.distance_km(way[1], way[0]) == pytest.approx(np.pi / 2 * sphere.EARTH_KM)
    still = path(np.array([10.0, 20.0]), np.array([10.0, 20.0]), 2)
    np.testing.assert_allclose(still, [[10.0, 20.0]] * 3)
