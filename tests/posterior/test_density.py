"""Densities against numerical integration; the smallest region by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posterior_cases import ONE, QUARTER_KM, UNIFORM, integral, positions, random_posterior, uniform
from whereshot.earth import sphere
from whereshot.foundation.errors import InputError
from whereshot.posterior.base import Posterior
from whereshot.posterior.density import log_density_at, map_density, smallest_region
from whereshot.posterior.prior import density_prior


@pytest.mark.parametrize("spread_km", [QUARTER_KM, 15_000, 1e9])
def test_a_quarter_turn_and_more_is_uniform(spread_km: float, rng: np.random.Generator) -> None:
    p = Posterior([[30, 40]], [[0]], spread_km)
    np.testing.assert_allclose(map_density(p, uniform(rng, 50)), UNIFORM, rtol=1e-6)
    for km in (1.0, 500.0, QUARTER_KM, 15_000.0):
        share = math.sin(km / sphere.EARTH_KM / 2) ** 2
        assert p.mass_within([[-50, 100]], km)[0] == pytest.approx(share, rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(place=positions, center=positions, spread_km=st.floats(1200, 10_000), km=st.floats(10, 20_015))
def test_mass_of_any_circle_is_its_integral(
    place: tuple[float, float], center: tuple[float, float], spread_km: float, km: float
) -> None:
    p = Posterior([place], [[0]], spread_km)
    assert p.mass_within([center], km)[0] == pytest.approx(
        integral(lambda points: map_density(p, points), np.array(center), km), abs=1e-7
    )


def test_density_integrates_to_one(rng: np.random.Generator) -> None:
    p = Posterior(uniform(rng, 12), rng.normal(size=(1, 12)), rng.uniform(1500, 9000, 12))
    assert integral(lambda points: map_density(p, points), np.array([20.0, 30.0])) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("own", [False, True])
def test_density_and_map_are_the_same_function(rng: np.random.Generator, own: bool) -> None:
    p = random_posterior(rng, 3, 40, own=own)
    points = uniform(rng, 20)
    for row in range(3):
        direct = np.exp(p[row].repeat(20).log_density(points))
        np.testing.assert_allclose(map_density(p[row], points), direct, rtol=1e-9)
        np.testing.assert_allclose(p.log_density(points[:3])[row], p[row].log_density(points[row])[0], rtol=1e-12)


def test_region_is_the_densest_set_with_that_mass() -> None:
    p = Posterior.from_mass([[0, 0], [1, 1], [2, 2], [3, 3]], [[0.4, 0.3, 0.2, 0.1]], [100, 1, 1, 1])
    for level, expected in (
        (0.25, [0, 1, 0, 0]),
        (0.3, [0, 1, 0, 0]),
        (0.31, [0, 1, 1, 0]),
        (0.6, [0, 1, 1, 1]),
        (0.61, [1, 1, 1, 1]),
        (1.0, [1, 1, 1, 1]),
    ):
        assert smallest_region(p, level)[0].tolist() == [bool(value) for value in expected], level


def test_density_of_one_row_at_many_points(rng: np.random.Generator) -> None:
    prior, some = density_prior(), np.stack([rng.uniform(-90, 90, 20), rng.uniform(-180, 180, 20)], axis=1)
    points = np.concatenate([prior.places[:20], some])
    np.testing.assert_allclose(log_density_at(prior, points), prior.repeat(40).log_density(points), rtol=1e-9)
    with pytest.raises(InputError, match="only a posterior of one row can be evaluated at many points; this one has 2"):
        log_density_at(prior.repeat(2), points)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: smallest_region(ONE, 0), "a level lies between 0 and 1; got 0"),
        (lambda: smallest_region(ONE, 1.01), "a level lies between 0 and 1; got 1.01"),
        (lambda: map_density(ONE.repeat(2), [0, 0]), "a map is drawn of one row; this posterior has 2"),
    ],
)
def test_refusals(build: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        build()
    assert str(caught.value) == message
