"""Places that are asked many times answer as the plain formulas do."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.earth import sphere
from whereshot.posterior.place_set import PlaceSet
from whereshot.posterior.place_shape import circle_mass, half_square, quantile_km
from whereshot.posterior.prior import density_prior


def test_offsets_are_of_the_distances(rng: np.random.Generator) -> None:
    prior = density_prior()
    places = PlaceSet(prior.places, prior.spread_km)
    for center in prior.places[rng.integers(0, len(places), 5)]:
        km = sphere.distance_km(prior.places, center[None])
        np.testing.assert_allclose(places.offsets(sphere.xyz(center)), half_square(km), rtol=1e-9, atol=1e-30)


def test_shares_of_places_in_a_circle(rng: np.random.Generator) -> None:
    prior = density_prior()
    places, center = PlaceSet(prior.places, prior.spread_km), np.array([48.2, 16.4])
    km = sphere.distance_km(prior.places, center[None])
    for radius in (0.5, 25.0, 3000.0, 30_000.0):
        expected = float(prior.mass[0] @ circle_mass(km, prior.spread_km, radius))
        assert prior.mass[0] @ places.circle_shares(sphere.xyz(center), radius) == pytest.approx(expected, abs=1e-12)


def test_drawn_points_are_spread_as_the_places_are() -> None:
    """Of many like places about half the points are within the spread, whatever they are looked at from."""
    middle, spread = np.array([48.2, 16.4]), 40.0
    places = PlaceSet(np.repeat(middle[None], 4000, axis=0), np.full(4000, spread))
    for share in (0.1, 0.5, 0.9):
        within = places.drawn(sphere.xyz(middle)) <= half_square(quantile_km(np.array(share), np.array(spread)))
        assert within.mean() == pytest.approx(share, abs=0.005)
    far = places.drawn(sphere.xyz(sphere.move(middle, 90, 500.0)))
    assert (far <= half_square(500.0)).mean() == pytest.approx(0.5, abs=0.03)
