"""The shape of a place: exact masses of circles, against sampling and integration, wherever the circle's centre."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.earth import sphere
from whereshot.posterior import place_shape


@pytest.mark.parametrize("spread_km", [0.05, 3.0, 400.0, 6000.0])
def test_half_the_mass_lies_within_the_spread(spread_km: float) -> None:
    spread = np.array([spread_km])
    assert place_shape.circle_mass(np.zeros(1), spread, spread_km)[0] == pytest.approx(0.5, abs=1e-9)
    assert place_shape.quantile_km(np.array([0.5]), spread)[0] == pytest.approx(spread_km, rel=1e-6)


def test_a_quarter_turn_is_the_uniform_distribution() -> None:
    spread = np.array([sphere.HALF_CIRCUMFERENCE_KM / 2])
    assert np.exp(place_shape.log_kernel(np.array([12_345.0]), spread))[0] == pytest.approx(1 / (4 * np.pi), rel=1e-6)


@pytest.mark.parametrize(("distance", "radius"), [(0.0, 700.0), (900.0, 300.0), (5000.0, 9000.0), (15000.0, 14000.0)])
def test_circles_agree_with_sampling(distance: float, radius: float) -> None:
    rng = np.random.default_rng(3)
    spread = np.array([800.0])
    drawn = sphere.move(
        np.array([10.0, 20.0]),
        rng.uniform(0, 360, 200_000),
        place_shape.quantile_km(rng.uniform(size=200_000), spread),
    )
    center = sphere.move(np.array([10.0, 20.0]), 75.0, distance)
    sampled = (sphere.distance_km(drawn, center) <= radius).mean()
    assert place_shape.circle_mass(np.array([distance]), spread, radius)[0] == pytest.approx(sampled, abs=0.005)


def test_the_density_is_the_derivative_of_the_mass() -> None:
    spread, step = np.array([250.0]), 0.01
    for km in (1.0, 200.0, 4000.0):
        ring = np.diff([place_shape.circle_mass(np.zeros(1), spread, km + side * step)[0] for side in (-1, 1)])[0]
        area_sr = 2 * np.pi * (np.cos((km - step) / sphere.EARTH_KM) - np.cos((km + step) / sphere.EARTH_KM))
        assert np.exp(place_shape.log_kernel(np.array([km]), spread))[0] == pytest.approx(ring / area_sr, rel=1e-3)
