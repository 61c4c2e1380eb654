"""Posterior against numerical integration, drawn samples, brute force and decisions worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import quad

from whereshot.earth import sphere
from whereshot.foundation.errors import InputError
from whereshot.posterior import base as posterior_module
from whereshot.posterior.base import EXACT_PLACES, MIN_SPREAD_KM, Posterior
from whereshot.posterior.candidates import CANDIDATES
from whereshot.posterior.prior import density_prior

QUARTER_KM = math.pi / 2 * sphere.EARTH_KM
HALF_KM = math.pi * sphere.EARTH_KM
UNIFORM = 1 / (4 * math.pi)

latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180)
positions = st.tuples(latitudes, longitudes)


def uniform(rng: np.random.Generator, n: int) -> NDArray:
    """(n, 2) uniform on the sphere."""
    return np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(-180, 180, n)], axis=1)


def random_posterior(rng: np.random.Generator, rows: int, places: int, *, own: bool = False) -> Posterior:
    """Masses over several orders of magnitude, spreads from a street to a continent."""
    at = uniform(rng, rows * places).reshape(rows, places, 2) if own else uniform(rng, places)
    shape = (rows, places) if own else (places,)
    return Posterior(at, rng.normal(0, 2, (rows, places)), 10 ** rng.uniform(0, 3.7, shape))


def circle_nodes(center: NDArray, radius_km: float) -> tuple[NDArray, NDArray]:
    """Points (m, 2) in a circle and the steradians of each: Gauss-Legendre along the radius, even round about."""
    node, weight = np.polynomial.legendre.leggauss(120)
    radius = radius_km / sphere.EARTH_KM * (node + 1) / 2
    bearing = np.arange(240) * 1.5
    ring = weight * radius_km / sphere.EARTH_KM / 2 * np.sin(radius) * 2 * math.pi / len(bearing)
    at = sphere.move(np.asarray(center, float), bearing[None], radius[:, None] * sphere.EARTH_KM)
    return at.reshape(-1, 2), np.repeat(ring, len(bearing))


def integral(function: Callable[[NDArray], NDArray], center: NDArray, radius_km: float = HALF_KM) -> float:
    points, steradians = circle_nodes(center, radius_km)
    return float(function(points) @ steradians)


# --- what it is


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
        (lambda: ONE.best(0), "within must be a positive number of km; got 0"),
        (lambda: ONE.best(25, -1), "within must be a positive number of km; got -1"),
        (lambda: ONE.best(math.nan), "within must be a positive number of km; got nan"),
        (lambda: ONE.radius_km([0, 0], 1.0), "a level lies between 0 and 1; got 1"),
        (lambda: ONE.radius_km([0, 0], 0.0), "a level lies between 0 and 1; got 0"),
        (lambda: ONE.region(0), "a level lies between 0 and 1; got 0"),
        (lambda: ONE.region(1.01), "a level lies between 0 and 1; got 1.01"),
        (lambda: ONE.repeat(2).map_density([0, 0]), "a map is drawn of one row; this posterior has 2"),
        (lambda: ONE.pool(["a", "b"]), "2 group names for 1 rows"),
        (
            lambda: ONE.pool(["a"], prior=Posterior(np.zeros((2, 2)), [[0, 0]], 1.0)),
            "the prior has Posterior(1 rows on 2 places); pooling needs 1 row on 1 places",
        ),
        (lambda: ONE.top(0), "a posterior needs at least one place with mass in every row"),
        (lambda: OWN.pool(["a", "b"]), "pooling needs posteriors on the same places"),
        (lambda: ONE.to_table(["a", "b"]), "2 ids for 1 rows"),
    ],
)
def test_refusals(build: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        build()
    assert str(caught.value) == message


ONE = Posterior([[10, 20]], [[0]], 5.0)
OWN = Posterior(np.zeros((2, 1, 2)), [[0], [0]], 5.0)


# --- one place


@settings(max_examples=100, deadline=None)
@given(place=positions, spread_km=st.floats(0.01, 10_000), other=positions)
def test_half_of_a_place_lies_within_its_spread(
    place: tuple[float, float], spread_km: float, other: tuple[float, float]
) -> None:
    p = Posterior([place], [[0]], spread_km)
    assert p.mass_within([place], spread_km)[0] == pytest.approx(0.5, abs=1e-6)
    assert p.mass_within([other], HALF_KM)[0] == pytest.approx(1, abs=1e-9)
    assert p.mass_within([other], 0)[0] == 0
    assert p.radius_km([place], 0.5)[0] == pytest.approx(spread_km, rel=1e-5)


def test_tail_beyond_ten_spreads_holds_one_percent() -> None:
    """1 - F = 1 / (1 + (d / s)^2) where the Earth is flat."""
    p = Posterior([[30, 40]], [[0]], 2.0)
    assert 1 - p.mass_within([[30, 40]], 20.0)[0] == pytest.approx(1 / 101, rel=1e-3)


@pytest.mark.parametrize("spread_km", [QUARTER_KM, 15_000, 1e9])
def test_a_quarter_turn_and_more_is_uniform(spread_km: float, rng: np.random.Generator) -> None:
    p = Posterior([[30, 40]], [[0]], spread_km)
    np.testing.assert_allclose(p.map_density(uniform(rng, 50)), UNIFORM, rtol=1e-6)
    for km in (1.0, 500.0, QUARTER_KM, 15_000.0):
        share = math.sin(km / sphere.EARTH_KM / 2) ** 2
        assert p.mass_within([[-50, 100]], km)[0] == pytest.approx(share, rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(place=positions, center=positions, spread_km=st.floats(1200, 10_000), km=st.floats(10, 20_015))
def test_mass_of_any_circle_is_its_integral(
    place: tuple[float, float], center: tuple[float, float], spread_km: float, km: float
) -> None:
    p = Posterior([place], [[0]], spread_km)
    assert p.mass_within([center], km)[0] == pytest.approx(integral(p.map_density, np.array(center), km), abs=1e-7)


@pytest.mark.parametrize("spread_km", [0.01, 1.0, 50.0, 2000.0])
def test_density_integrates_to_the_mass_of_circles_round_the_place(spread_km: float) -> None:
    p = Posterior([[40, -70]], [[0]], spread_km)

    def ring(log_angle: float) -> float:
        angle = math.exp(log_angle)
        at = sphere.move([40, -70], 77.0, angle * sphere.EARTH_KM)
        return 2 * math.pi * math.sin(angle) * float(p.density([at])[0]) * angle

    for km in (spread_km / 3, spread_km, 4 * spread_km):
        mass = quad(ring, math.log(spread_km * 1e-5 / sphere.EARTH_KM), math.log(km / sphere.EARTH_KM), limit=200)[0]
        assert p.mass_within([[40, -70]], km)[0] == pytest.approx(mass, abs=1e-5)


# --- many places


def test_density_integrates_to_one(rng: np.random.Generator) -> None:
    p = Posterior(uniform(rng, 12), rng.normal(size=(1, 12)), rng.uniform(1500, 9000, 12))
    assert integral(p.map_density, np.array([20.0, 30.0])) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("own", [False, True])
def test_density_and_map_are_the_same_function(rng: np.random.Generator, own: bool) -> None:
    p = random_posterior(rng, 3, 40, own=own)
    points = uniform(rng, 20)
    for row in range(3):
        direct = p[row].repeat(20).density(points)
        np.testing.assert_allclose(p[row].map_density(points), direct, rtol=1e-9)
        np.testing.assert_allclose(p.log_density(points[:3])[row], p[row].log_density(points[row])[0], rtol=1e-12)


def test_mass_within_agrees_with_drawn_points(rng: np.random.Generator) -> None:
    p = random_posterior(rng, 4, 20, own=True)
    drawn = p.sample(40_000, rng)
    assert drawn.shape == (4, 40_000, 2)
    for center in ([0, 0], [90, 0], [-35, 149]):
        for km in (300.0, 3000.0, 12_000.0):
            mass = p.mass_within([center], km)
            counted = (sphere.distance_km(drawn, np.array(center, float)) <= km).mean(axis=1)
            noise = np.sqrt(mass * (1 - mass) / 40_000)
            assert (np.abs(counted - mass) <= 4.5 * noise + 1e-4).all()


def test_mass_within_takes_a_center_and_a_distance_per_row(rng: np.random.Generator) -> None:
    p = random_posterior(rng, 5, 30)
    centers, km = uniform(rng, 5), rng.uniform(100, 15_000, 5)
    expected = [p[row].mass_within(centers[row], km[row])[0] for row in range(5)]
    np.testing.assert_allclose(p.mass_within(centers, km), expected, rtol=1e-12)


def test_drawn_points_have_the_likelihood_that_the_density_promises(rng: np.random.Generator) -> None:
    """The mean negative log-likelihood of samples is the entropy, here by integration."""
    p = Posterior([[10, 20], [-40, 100], [70, -150]], [np.log([0.5, 0.3, 0.2])], [1500, 2500, 900])

    def surprise(points: NDArray) -> NDArray:
        density = p.map_density(points)
        return -density * np.log(density)

    entropy = integral(surprise, np.array([10.0, 20.0]))
    drawn = p.sample(30_000, rng)[0]
    nll = -p.repeat(len(drawn)).log_density(drawn)
    assert nll.mean() == pytest.approx(entropy, abs=4 * nll.std() / math.sqrt(len(nll)))


@pytest.mark.parametrize("spread_km", [0.01, 3.0, 800.0])
def test_entropy_of_a_narrow_place(rng: np.random.Generator, spread_km: float) -> None:
    """On flat ground the entropy of the heavy-tailed place is log(pi s^2) + 2, with s in radians."""
    p = Posterior([[45, 170]], [[0]], spread_km)
    drawn = p.sample(20_000, rng)[0]
    nll = -p.repeat(len(drawn)).log_density(drawn)
    flat = math.log(math.pi * (spread_km / sphere.EARTH_KM) ** 2) + 2
    assert nll.mean() == pytest.approx(flat, abs=4 * nll.std() / math.sqrt(len(nll)) + 0.03 * (spread_km > 100))


@pytest.mark.parametrize("places", [1, 5, EXACT_PLACES])
@pytest.mark.parametrize("own", [False, True])
def test_radius_inverts_mass_within(rng: np.random.Generator, places: int, own: bool) -> None:
    p = random_posterior(rng, 6, places, own=own)
    for center in (p.mode(), uniform(rng, 6)):
        for level in (0.05, 0.5, 0.9, 0.99):
            radius = p.radius_km(center, level)
            assert (p.mass_within(center, radius * (1 - 3e-6)) <= level).all()
            assert (p.mass_within(center, radius * (1 + 3e-6)) >= level).all()


def test_radius_inverts_mass_within_on_many_scattered_places(rng: np.random.Generator) -> None:
    p = random_posterior(rng, 3, 12 * EXACT_PLACES)
    for level in (0.1, 0.5, 0.9):
        np.testing.assert_allclose(p.mass_within(p.mode(), p.radius_km(p.mode(), level)), level, atol=0.005)


@pytest.mark.parametrize("scatter", [0.0, 0.5])
def test_radius_counts_the_extent_of_light_places(rng: np.random.Generator, scatter: float) -> None:
    """Eight times more equal places than are counted exactly, each as wide as the circle."""
    places = 8 * EXACT_PLACES
    p = Posterior(rng.normal([48, 2], scatter, (places, 2)), np.zeros((1, places)), 50.0)
    for level in (0.1, 0.5, 0.9):
        assert p.mass_within([[48, 2]], p.radius_km([[48, 2]], level))[0] == pytest.approx(level, abs=0.01)


def test_radius_counts_a_uniform_share(rng: np.random.Generator) -> None:
    """One light, very wide place among many: the floor of a prior."""
    places = np.concatenate([rng.normal(0, 0.1, (1000, 2)), [[0, 120]]])
    p = Posterior.from_mass(places, np.append(np.full(1000, 1e-3), 3e-4)[None], np.append(np.full(1000, 1.0), 2e4))
    radius = p.radius_km([[0, 0]], 0.9999)[0]
    assert p.mass_within([[0, 0]], radius)[0] == pytest.approx(0.9999, abs=2e-5)


def test_rings_are_prepared_once_for_many_levels(rng: np.random.Generator) -> None:
    p = random_posterior(rng, 4, 60)
    rings = p.around(p.mode())
    for level in (0.5, 0.8):
        np.testing.assert_array_equal(rings.radius_km(level), p.radius_km(p.mode(), level))
    for km in (25.0, 2500.0, HALF_KM):
        np.testing.assert_allclose(rings.mass_within(km), p.mass_within(p.mode(), km), atol=1e-9)


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
        assert p.region(level)[0].tolist() == [bool(value) for value in expected], level


# --- fuse


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
    expected = (1 - weight) * a.density(points) + weight * b.repeat(3).density(points)
    np.testing.assert_allclose(a.mix(b, weight).density(points), expected, rtol=1e-9)


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
    best = p.top(7)
    for row in range(4):
        order = np.argsort(-p.log_mass[row])[:7]
        places = p.places[row] if own else p.places
        spread = p.spread_km[row] if own else p.spread_km
        np.testing.assert_array_equal(best.places[row], places[order])
        np.testing.assert_array_equal(best.spread_km[row], spread[order])
        np.testing.assert_allclose(best.mass[row], p.mass[row][order] / p.mass[row][order].sum())
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


# --- decide


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


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), km=st.floats(0.5, 10_000), own=st.booleans(), places=st.integers(1, CANDIDATES))
def test_best_holds_the_most_mass(seed: int, km: float, own: bool, places: int) -> None:
    rng = np.random.default_rng(seed)
    p = random_posterior(rng, 2, places, own=own)
    best = p.best(km)
    for row in range(2):
        candidates = p[row].places.reshape(-1, 2)
        held = p[row].repeat(len(candidates)).mass_within(candidates, km)
        assert p[row].mass_within(best[row], km)[0] == pytest.approx(held.max(), rel=1e-9)


def test_best_prefers_three_close_places_to_one_heavy_far_one() -> None:
    p = Posterior.from_mass([[0, 0], [50, 10], [50, 10.1], [50, 10.2]], [[0.4, 0.2, 0.21, 0.19]], 1.0)
    assert p.mode().tolist() == [[0, 0]]
    assert p.best(1.0).tolist() == [[0, 0]]
    assert p.best(25.0).tolist() == [[50, 10.1]]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), km=st.floats(100, 5000), share=st.floats(0.01, 0.5))
def test_best_then_stays_near_the_first_choice(seed: int, km: float, share: float) -> None:
    rng = np.random.default_rng(seed)
    p = random_posterior(rng, 1, 60)
    first, chosen = p.best(km), p.best(km, share * km)
    near = p.places[sphere.distance_km(p.places, first) <= km]
    held = p.repeat(len(near)).mass_within(near, share * km)
    assert sphere.distance_km(first, chosen)[0] <= km
    assert p.mass_within(chosen, share * km)[0] == pytest.approx(held.max(), rel=1e-9)


def test_best_geoscore_earns_the_most(rng: np.random.Generator) -> None:
    """Against the mean score of drawn truths, for every place as the answer."""
    for _ in range(5):
        p = Posterior(uniform(rng, 15), rng.normal(size=(1, 15)), rng.uniform(10, 800, 15))
        truth = p.sample(20_000, rng)[0]

        def earned(answer: NDArray, truth: NDArray = truth) -> float:
            return float(np.exp(-sphere.distance_km(truth, answer) / 1492.7).mean())

        assert earned(p.best_geoscore()[0]) >= 0.98 * max(earned(place) for place in p.places)


def test_decisions_of_no_rows(rng: np.random.Generator) -> None:
    none = random_posterior(rng, 2, 4)[[]]
    assert len(none) == 0
    for decided in (none.mode(), none.mean(), none.best(25), none.best_geoscore()):
        assert decided.shape == (0, 2)
    assert none.radius_km(np.empty((0, 2)), 0.5).shape == none.mass_within(np.empty((0, 2)), 5).shape == (0,)


def test_large_posteriors_are_worked_on_in_blocks(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    p, points = random_posterior(rng, 7, 30), uniform(rng, 7)

    def everything() -> list[NDArray]:
        return [p.best(500), p.mass_within(points, 900), p.radius_km(points, 0.7), p.log_density(points)]

    whole = everything()
    monkeypatch.setattr(posterior_module, "_BLOCK", 60)
    for expected, blockwise in zip(whole, everything(), strict=True):
        np.testing.assert_allclose(blockwise, expected, rtol=1e-12)


# --- write


@pytest.mark.parametrize("own", [False, True])
def test_written_table_has_every_place_with_mass(rng: np.random.Generator, tmp_path: Path, own: bool) -> None:
    p = random_posterior(rng, 2, 5, own=own)
    with np.errstate(divide="ignore"):
        p = p.times(np.log([1, 1, 0, 1, 1]))
    p.write(tmp_path / "posterior.parquet", ["a", "b"])
    table = pq.read_table(tmp_path / "posterior.parquet")
    assert table.equals(p.to_table(["a", "b"]))
    assert table.column_names == ["id", "latitude", "longitude", "mass", "spread_km"]
    assert table["id"].to_pylist() == ["a"] * 4 + ["b"] * 4
    for row, name in enumerate(["a", "b"]):
        part = table.filter(np.array(table["id"].to_pylist()) == name)
        mass = part["mass"].to_numpy()
        assert mass.sum() == pytest.approx(1) and (np.diff(mass) <= 0).all()
        again = Posterior.from_mass(
            np.stack([part["latitude"].to_numpy(), part["longitude"].to_numpy()], axis=1),
            mass[None],
            part["spread_km"].to_numpy(),
        )
        points = uniform(rng, 5)
        np.testing.assert_allclose(again.map_density(points), p[row].map_density(points), rtol=1e-9)


def test_written_table_of_no_rows_has_the_same_columns(rng: np.random.Generator) -> None:
    table = random_posterior(rng, 1, 3)[[]].to_table([])
    assert len(table) == 0
    assert table.schema.equals(ONE.to_table(["a"]).schema)


def test_density_of_one_row_at_many_points(rng: np.random.Generator) -> None:
    prior, some = density_prior(), np.stack([rng.uniform(-90, 90, 20), rng.uniform(-180, 180, 20)], axis=1)
    points = np.concatenate([prior.places[:20], some])
    np.testing.assert_allclose(prior.log_density_at(points), prior.repeat(40).log_density(points), rtol=1e-9)
    with pytest.raises(InputError, match="only one row is asked at many points; this posterior has 2"):
        prior.repeat(2).log_density_at(points)
