"""The same numbers in NumPy and in torch; what they must be is tested where encoders are (test_locations)."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from whereshot.earth import projections, sphere


@pytest.mark.parametrize(
    "surface", [projections.unit_vectors, projections.equal_earth, partial(projections.spherical_harmonics, degrees=7)]
)
def test_both_libraries_say_the_same(surface: Callable[[Any], Any], rng: np.random.Generator) -> None:
    positions = np.stack([rng.uniform(-90, 90, 50), rng.uniform(-180, 180, 50)], axis=1)
    positions = np.concatenate([positions, [[90.0, 0.0], [-90.0, 180.0], [0.0, -180.0]]])
    tensor = torch.tensor(positions, requires_grad=True)
    by_torch = surface(tensor)
    np.testing.assert_allclose(surface(positions), by_torch.detach().numpy(), atol=1e-13)
    by_torch.sum().backward()
    assert tensor.grad.isfinite().all()


def test_unit_vectors_are_those_of_the_sphere(rng: np.random.Generator) -> None:
    positions = np.stack([rng.uniform(-90, 90, 20), rng.uniform(-180, 180, 20)], axis=1)
    np.testing.assert_allclose(projections.unit_vectors(positions), sphere.xyz(positions), atol=1e-15)
    harmonics = projections.spherical_harmonics(positions, 2)[:, 1:]
    np.testing.assert_allclose(harmonics / np.sqrt(3 / (4 * np.pi)), sphere.xyz(positions)[:, [1, 2, 0]], atol=1e-14)


places = st.tuples(st.floats(-89, 89), st.floats(-180, 180))


def stretch(project: Callable, spot: tuple[float, float]) -> float:
    """The area that a projection gives to a small square, over its own."""
    d = 1e-4
    latitude, longitude = spot
    corners = np.array([[latitude, longitude], [latitude, longitude + d], [latitude + d, longitude]])
    o, east, north = project(corners)
    plane = abs(np.cross(np.append(east - o, 0), np.append(north - o, 0))[2])
    return plane / (math.radians(d) ** 2 * math.cos(math.radians(latitude + d / 2)))


@settings(deadline=None)
@given(spot=places)
def test_equal_earth_keeps_areas(spot: tuple[float, float]) -> None:
    assert stretch(projections.equal_earth, spot) == pytest.approx(1, abs=2e-3)


def test_equal_earth_as_published() -> None:
    """Savric et al. 2018: the equator is 2.04 times as long as the meridian; the pole line 0.59 of the equator."""
    ends = projections.equal_earth(np.array([[0, 180], [90, 0], [90, 180]], float))
    assert ends[0, 0] / ends[1, 1] == pytest.approx(2.0546, abs=2e-3)
    assert ends[2, 0] / ends[0, 0] == pytest.approx(0.59, abs=0.01)


@settings(deadline=None)
@given(spot=places, middle=places)
def test_lambert_keeps_areas(spot: tuple[float, float], middle: tuple[float, float]) -> None:
    plane = projections.lambert(*middle)
    if sphere.distance_km(np.array(spot), np.array(middle)) < 15_000:  # not near the antipode
        assert stretch(plane, spot) == pytest.approx(1, abs=5e-3)


def test_lambert_has_north_above() -> None:
    plane = projections.lambert(60, 179)
    np.testing.assert_allclose(plane(np.array([[60.0, 179.0]])), [[0, 0]], atol=1e-12)
    east, north = plane(np.array([[60.0, -179.0], [61.0, 179.0]]))
    assert east[0] > 0 and abs(east[1]) < 1e-3
    assert north[1] > 0 and abs(north[0]) < 1e-9
