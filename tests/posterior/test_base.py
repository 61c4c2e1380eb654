"""Posteriors: what they hold, fused and conditioned, by hand and against numerical integration."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from posterior_cases import ONE, random_posterior, uniform
from whereshot.earth import sphere
from whereshot.foundation.errors import InputError
from whereshot.posterior.base import MIN_SPREAD_KM, Posterior

OWN = Posterior(np.zeros((2, 1, 2)), [[0], [0]], 5.0)


def test_masses_are_normalised(rng: np.random.Generator) -> None:
    given_ = rng.normal(0, 500, (7, 30))
    p = Posterior(uniform(rng, 30), given_, 5.0)
    np.testing.assert_allclose(p.mass.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(np.diff(p.log_mass), np.diff(given_), atol=1e-9)
    assert len(p) == 7 and p.shared and repr(p) == "Posterior(7 rows on 30 places)"
    assert p.spread_km.tolist() == [5.0] * 30


def test_masses_of_any_sum_give_the_same_posterior() -> None:
    p = Posterior.from_mass([[0, 0], [1, 1], [2, 2]], [[2, 6, 0]], 1.0)
    np.testing.assert_allclose(p.mass, [[0.25, 0.75, 0]])
    assert p.log_mass[0, 2] == -math.inf


def test_a_place_has_an_extent_of_ten_metres_at_least() -> None:
    assert Posterior([[0, 0]], [[0]], 0.0).spread_km.tolist() == [MIN_SPREAD_KM]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Posterior([[0, 0]], [[0, 0]], 1.0), "places must have the shape (2, 2) or (1, 2, 2); got (1, 2)"),
        (lambda: Posterior([[0, 0]], [[0]], [1.0, 2.0]), "spread_km must have the shape (1,) or (1, 1); got (2,)"),
        (lambda: Posterior([[0, 0]], [[math.nan]], 1.0), "a posterior must not hold NaN"),
        (lambda: Posterior([[math.nan, 0]], [[0]], 1.0), "a posterior must not hold NaN"),
        (lambda: Posterior([[0, 0]], [[0]], math.nan), "a posterior must not hold NaN"),
        (
            lambda: Posterior([[0, 0]], [[0], [-math.inf]], 1.0),
            "a posterior needs at least one place with mass in every row",
        ),
        (
            lambda: Posterior(np.empty((0, 2)), np.empty((1, 0)), 1.0),
            "a posterior needs at least one place with mass in every row",
        ),
        (
            lambda: Posterior.from_mass([[0, 0], [1, 1]], [[0.5, -0.25]], 1.0),
            "masses must not be negative; the least is -0.25",
        ),
        (lambda: ONE.mix(ONE, 1.5), "a mixture's weight lies between 0 and 1; got 1.5"),
        (lambda: ONE.mix(ONE, -0.1), "a mixture's weight lies between 0 and 1; got -0.1"),
        (lambda: ONE.repeat(3).mix(ONE.repeat(2), 0.5), "cannot mix posteriors of 3 and 2 rows"),
        (lambda: ONE.temper(0), "a temperature must be positive; got 0"),
        (lambda: ONE.temper(-2.0), "a temperature must be positive; got -2"),
        (lambda: ONE.pool(["a", "b"]), "2 group names for 1 rows"),
        (
            lambda: ONE.pool(["a"], prior=Posterior(np.zeros((2, 2)), [[0, 0]], 1.0)),
            "the prior has Posterior(1 rows on 2 places); pooling needs 1 row on 1 places",
        ),
        (lambda: ONE.top(0), "a posterior needs at least one place with mass in every row"),
        (lambda: OWN.pool(["a", "b"]), "pooling needs posteriors on the same places"),
    ],
)
def test_refusals(build: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        build()
    assert str(caught.value) == message


def test_tail_beyond_ten_spreads_holds_one_percent() -> None:
    """1 - F = 1 / (1 + (d / s)^2) where the Earth is flat."""
    p = Posterior([[30, 40]], [[0]], 2.0)
    assert 1 - p.mass_within([[30, 40]], 20.0)[0] == pytest.approx(1 / 101, rel=1e-3)


@pytest.mark.parametrize("spread_km", [0.01, 1.0, 50.0, 2000.0])
def test_density_integrates_to_the_mass_of_circles_round_the_place(spread_km: float) -> None:
    p = Posterior([[40, -70]], [[0]], spread_km)

    def ring(log_angle: float) -> float:
        angle = math.exp(log_angle)
        at = sphere.move([40, -70], 77.0, angle * sphere.EARTH_KM)
        return 2 * math.pi * math.sin(angle) * float(np.exp(p.log_density([at]))[0]) * angle

    for km in (spread_km / 3, spread_km, 4 * spread_km):
        mass = quad(ring, math.log(spread_km * 1e-5 / sphere.EARTH_KM), math.log(km / sphere.EARTH_KM), limit=200)[0]
        assert p.mass_within([[40, -70]], km)[0] == pytest.approx(mass, abs=1e-5)


def test_mass_within_takes_a_center_and_a_distance_per_row(rng: np.random.Generator) -> None:
    p = random_posterior(rng, 5, 30)
    centers, km = uniform(rng, 5), rng.uniform(100, 15_000, 5)
    expected = [p[row].mass_within(centers[row], km[row])[0] for row in range(5)]
    np.testing.assert_allclose(p.mass_within(centers, km), expected, rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), weight=st.floats(0, 1), own=st.booleans(), other_own=st.booleans())
def test_mix_is_the_mixture_of_the_densities(seed: int, weight: float, own: bool, other_own: bool) -> None:
    rng = np.random.default_rng(seed)
    a, b = random_posterior(rng, 3, 5, own=own), random_posterior(rng, 3, 4, own=other_own)
    points = uniform(rng, 3)
    with np.errstate(divide="ignore"):
        expected = np.logaddexp(np.log1p(-weight) + a.log_density(points), np.log(weight) + b.log_density(points))
    np.testing.assert_allclose(a.mix(b, weight).log_density(points), expected, atol=1e-9)


def test_mix_takes_a_weight_per_row_and_one_row_for_all(rng: np.random.Generator) -> None:
    a, b, points = random_posterior(rng, 3, 5), random_posterior(rng, 1, 4), uniform(rng, 3)
    weight = np.array([0.0, 0.25, 1.0])
    expected = (1 - weight) * np.exp(a.log_density(points)) + weight * np.exp(b.repeat(3).log_density(points))
    np.testing.assert_allclose(np.exp(a.mix(b, weight).log_density(points)), expected, rtol=1e-9)


def test_times_is_bayes() -> None:
    p = Posterior.from_mass([[0, 0], [1, 1], [2, 2]], [[0.5, 0.25, 0.25], [0.2, 0.2, 0.6]], 1.0)
    likelihood = np.array([0.1, 0.8, 0.0])
    with np.errstate(divide="ignore"):
        after = p.times(np.log(likelihood))
    np.testing.assert_allclose(after.mass, [[0.05 / 0.25, 0.2 / 0.25, 0], [0.02 / 0.18, 0.16 / 0.18, 0]])
    with pytest.raises(InputError, match=r"^a posterior needs at least one place with mass in every row$"):
        p.times(np.full(3, -math.inf))


def test_temper_flattens_and_sharpens() -> None:
    p = Posterior.from_mass([[0, 0], [1, 1]], [[0.9, 0.1]], 1.0)
    np.testing.assert_allclose(p.temper(2.0).mass, [[0.75, 0.25]])
    np.testing.assert_allclose(p.temper(0.5).mass, [[81 / 82, 1 / 82]])


def test_pool_multiplies_the_rows_of_a_group() -> None:
    p = Posterior.from_mass([[0, 0], [1, 1]], [[0.5, 0.5], [0.8, 0.2], [0.8, 0.2]], [1.0, 2.0])
    names, pooled = p.pool(["b", "a", "b"])
    assert names.tolist() == ["a", "b"]
    np.testing.assert_allclose(pooled.mass, [[0.8, 0.2], [0.8, 0.2]])
    assert pooled.spread_km.tolist() == [1.0, 2.0]


def test_pool_counts_the_prior_once() -> None:
    """prior x likelihood of both photos, from posteriors that each hold the prior already."""
    prior = np.array([0.7, 0.2, 0.1])
    likelihoods = np.array([[0.2, 0.5, 0.3], [0.3, 0.3, 0.9], [0.1, 0.1, 0.2]])
    places = [[0, 0], [1, 1], [2, 2]]
    rows = Posterior.from_mass(places, prior * likelihoods, 1.0)
    _, pooled = rows.pool([0, 0, 1], prior=Posterior.from_mass(places, prior[None], 1.0))
    expected = np.array([prior * likelihoods[0] * likelihoods[1], prior * likelihoods[2]])
    np.testing.assert_allclose(pooled.mass, expected / expected.sum(axis=1, keepdims=True))


def test_pool_keeps_impossible_places_impossible() -> None:
    places = [[0, 0], [1, 1], [2, 2]]
    prior = Posterior.from_mass(places, [[0.5, 0.5, 0]], 1.0)
    rows = Posterior.from_mass(places, [[0.6, 0.4, 0], [0.6, 0.4, 0], [0.3, 0.7, 0]], 1.0)
    _, pooled = rows.pool(["a", "a", "b"], prior=prior)
    np.testing.assert_allclose(pooled.mass, [[0.36 / 0.52, 0.16 / 0.52, 0], [0.3, 0.7, 0]])


@pytest.mark.parametrize("own", [False, True])
def test_top_keeps_the_heaviest_in_order(rng: np.random.Generator, own: bool) -> None:
    p = random_posterior(rng, 4, 50, own=own)
    heavy = p.top(7)
    for row in range(4):
        order = np.argsort(-p.log_mass[row])[:7]
        places = p.places[row] if own else p.places
        spread = p.spread_km[row] if own else p.spread_km
        np.testing.assert_array_equal(heavy.places[row], places[order])
        np.testing.assert_array_equal(heavy.spread_km[row], spread[order])
        np.testing.assert_allclose(heavy.mass[row], p.mass[row][order] / p.mass[row][order].sum())
    assert p.top(1000).log_mass.shape == (4, 50)


def test_ties_go_to_the_first() -> None:
    p = Posterior(np.arange(20.0).reshape(10, 2), np.zeros((1, 10)), 1.0)
    assert p.top(3).places[0].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert p.mode().tolist() == [[0, 1]]


@pytest.mark.parametrize("own", [False, True])
def test_rows_can_be_taken_and_repeated(rng: np.random.Generator, own: bool) -> None:
    p = random_posterior(rng, 5, 6, own=own)
    for rows in (2, slice(1, 4), [4, 0], np.array([True, False, True, False, True])):
        some = p[rows]
        index = np.atleast_1d(np.arange(5)[rows])
        np.testing.assert_allclose(some.mass, p.mass[index])
        np.testing.assert_array_equal(some.mode(), p.mode()[index])
    assert len(p[1].repeat(4)) == 4 and len(p[1].repeat(0)) == 0


def test_concat_of_different_places_keeps_each_row(rng: np.random.Generator) -> None:
    parts = [random_posterior(rng, 2, 5), random_posterior(rng, 3, 9), random_posterior(rng, 1, 1, own=True)]
    joined = Posterior.concat(parts)
    assert len(joined) == 6 and joined.log_mass.shape == (6, 9)
    points = uniform(rng, 6)
    expected = np.concatenate(
        [parts[0].log_density(points[:2]), parts[1].log_density(points[2:5]), parts[2].log_density(points[5:])]
    )
    np.testing.assert_allclose(joined.log_density(points), expected, rtol=1e-10)
    np.testing.assert_array_equal(joined.mode(), np.concatenate([part.mode() for part in parts]))


def test_concat_of_shared_places_stays_shared(rng: np.random.Generator) -> None:
    p = random_posterior(rng, 5, 6)
    joined = Posterior.concat([p[:2], p[2:]])
    assert joined.shared and joined.places is p.places
    np.testing.assert_allclose(joined.mass, p.mass)


def test_concat_keeps_each_spread_where_only_the_places_are_shared() -> None:
    places = np.zeros((1, 2))
    narrow, wide = Posterior(places, [[0]], 1.0), Posterior(places, [[0]], 100.0)
    joined = Posterior.concat([narrow, wide])
    np.testing.assert_allclose(joined.mass_within([[0, 0]], [1.0, 100.0]), 0.5, rtol=1e-6)


def test_mean_over_the_date_line_and_at_the_pole() -> None:
    p = Posterior.from_mass([[0, 179], [0, -179]], [[0.5, 0.5], [0.25, 0.75]], 1.0)
    mean = p.mean()
    assert abs(mean[0, 1]) == pytest.approx(180) and mean[0, 0] == pytest.approx(0)
    assert -180 < mean[1, 1] < -179
    pole = Posterior.from_mass([[80, 0], [80, 120], [80, -120]], [[1, 1, 1]], 1.0).mean()
    assert pole[0, 0] == pytest.approx(90)


def test_mean_of_antipodes_is_the_heaviest_place() -> None:
    p = Posterior.from_mass([[10, 20], [-10, -160]], [[0.5, 0.5]], 1.0)
    assert p.mean().tolist() == [[10, 20]]
