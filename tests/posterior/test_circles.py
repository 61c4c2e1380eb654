"""Radii of circles and masses within them agree with the exact masses of places."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posterior_cases import HALF_KM, ONE, positions, random_posterior, uniform
from whereshot.foundation.errors import InputError
from whereshot.posterior.base import Posterior
from whereshot.posterior.circles import EXACT_PLACES, MassByAngle, around, bins, radius_km


@settings(max_examples=100, deadline=None)
@given(place=positions, spread_km=st.floats(0.01, 10_000), other=positions)
def test_half_of_a_place_lies_within_its_spread(
    place: tuple[float, float], spread_km: float, other: tuple[float, float]
) -> None:
    p = Posterior([place], [[0]], spread_km)
    assert p.mass_within([place], spread_km)[0] == pytest.approx(0.5, abs=1e-6)
    assert p.mass_within([other], HALF_KM)[0] == pytest.approx(1, abs=1e-9)
    assert p.mass_within([other], 0)[0] == 0
    assert radius_km(p, [place], 0.5)[0] == pytest.approx(spread_km, rel=1e-5)


@pytest.mark.parametrize("places", [1, 5, EXACT_PLACES])
@pytest.mark.parametrize("own", [False, True])
def test_radius_inverts_mass_within(rng: np.random.Generator, places: int, own: bool) -> None:
    p = random_posterior(rng, 6, places, own=own)
    for center in (p.mode(), uniform(rng, 6)):
        for level in (0.05, 0.5, 0.9, 0.99):
            radius = radius_km(p, center, level)
            assert (p.mass_within(center, radius * (1 - 3e-6)) <= level).all()
            assert (p.mass_within(center, radius * (1 + 3e-6)) >= level).all()


def test_radius_inverts_mass_within_on_many_scattered_places(rng: np.random.Generator) -> None:
    p = random_posterior(rng, 3, 12 * EXACT_PLACES)
    for level in (0.1, 0.5, 0.9):
        np.testing.assert_allclose(p.mass_within(p.mode(), radius_km(p, p.mode(), level)), level, atol=0.005)


@pytest.mark.parametrize("scatter", [0.0, 0.5])
def test_radius_counts_the_extent_of_light_places(rng: np.random.Generator, scatter: float) -> None:
    """Eight times more equal places than are counted exactly, each as wide as the circle."""
    places = 8 * EXACT_PLACES
    p = Posterior(rng.normal([48, 2], scatter, (places, 2)), np.zeros((1, places)), 50.0)
    for level in (0.1, 0.5, 0.9):
        assert p.mass_within([[48, 2]], radius_km(p, [[48, 2]], level))[0] == pytest.approx(level, abs=0.01)


def test_radius_counts_a_uniform_share(rng: np.random.Generator) -> None:
    """One light, very wide place among many: the floor of a prior."""
    places = np.concatenate([rng.normal(0, 0.1, (1000, 2)), [[0, 120]]])
    p = Posterior.from_mass(places, np.append(np.full(1000, 1e-3), 3e-4)[None], np.append(np.full(1000, 1.0), 2e4))
    radius = radius_km(p, [[0, 0]], 0.9999)[0]
    assert p.mass_within([[0, 0]], radius)[0] == pytest.approx(0.9999, abs=2e-5)


def test_circles_are_prepared_once_for_many_levels(rng: np.random.Generator) -> None:
    p = random_posterior(rng, 4, 60)
    circles = around(p, p.mode())
    for level in (0.5, 0.8):
        np.testing.assert_array_equal(circles.radius_km(level), radius_km(p, p.mode(), level))
    for km in (25.0, 2500.0, HALF_KM):
        np.testing.assert_allclose(circles.mass_within(km), p.mass_within(p.mode(), km), atol=1e-9)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: radius_km(ONE, [0, 0], 1.0), "a level lies between 0 and 1; got 1"),
        (lambda: radius_km(ONE, [0, 0], 0.0), "a level lies between 0 and 1; got 0"),
    ],
)
def test_refusals(build: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        build()
    assert str(caught.value) == message


def test_by_angle_is_exact_at_every_value(rng: np.random.Generator) -> None:
    offset = np.concatenate([[0.0, 1.0], 10 ** rng.uniform(-13, 0, 500), np.full(20, 0.25)])
    mass = rng.uniform(size=len(offset))
    by_angle = MassByAngle(offset, mass)
    for edge in np.concatenate([offset, offset * (1 + 1e-12), [1e-20, 0.3]]).clip(0, 1):
        number = int(bins(edge))
        expected = mass[offset <= edge].sum()
        assert by_angle.within(edge, number) == pytest.approx(expected, abs=1e-12)
        assert by_angle.reaches(expected * 0.999, edge, number)
        assert not by_angle.reaches(expected * 1.001 + 1e-9, edge, number)
