"""Rows over a shared background answer as the same places written out do, only faster."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.foundation.errors import InputError
from whereshot.locate.answers import answer_rows
from whereshot.posterior import candidates
from whereshot.posterior.background import PlacesOverBackground
from whereshot.posterior.base import Posterior
from whereshot.posterior.circles import around
from whereshot.posterior.decision import best, best_geoscore
from whereshot.posterior.prior import density_prior
from whereshot.posterior.widening import Widening

SHARES = (0.0, 0.02, 0.5, 0.9, 0.999, 1.0 - 1e-13)
"""Of the mass, what the background has in each row."""


@pytest.fixture(scope="module")
def pair() -> tuple[Posterior, Posterior]:
    """Towns of own places, some lone ones, over the prior: and the same written out."""
    rng, prior = np.random.default_rng(3), density_prior()
    towns = prior.places[candidates.heaviest(prior.mass, 9)[0]]
    spots = np.concatenate([sphere.points(town + rng.normal(0, 0.2, (25, 2))) for town in towns])
    spots = np.concatenate([spots, np.stack([rng.uniform(-60, 60, 40), rng.uniform(-180, 180, 40)], axis=1)])
    spread = rng.uniform(0.3, 3.0, len(spots))
    log_mass = rng.normal(0, 4.0, (len(SHARES), len(spots)))
    log_mass -= np.log(np.exp(log_mass).sum(axis=1))[:, None]
    with np.errstate(divide="ignore"):
        own, rest = np.log1p(-np.array(SHARES)), np.log(np.array(SHARES))
    ground = PlacesOverBackground(spots, spread, prior)
    dense = Posterior(
        np.concatenate([spots, prior.places]),
        np.concatenate([log_mass + own[:, None], rest[:, None] + prior.log_mass], axis=1),
        np.concatenate([spread, prior.spread_km]),
    )
    return ground.posterior(log_mass + own[:, None], rest), dense


def test_log_masses_and_parts(pair: tuple[Posterior, Posterior]) -> None:
    one, other = pair
    assert (len(one), one.shared, repr(one)) == (len(other), True, repr(other))
    np.testing.assert_allclose(one.mass, other.mass, atol=1e-14)
    for which in (2, slice(1, 4), [5, 0], np.array([3])):
        np.testing.assert_allclose(one[which].mass, other[which].mass, atol=1e-14)
    assert one[1].places is one.places


@pytest.mark.parametrize("k", [1, 128, 300, 10**6])
def test_heaviest_places(pair: tuple[Posterior, Posterior], k: int) -> None:
    one, other = pair[0].top(k), pair[1].top(k)
    np.testing.assert_allclose(one.mass, other.mass, atol=1e-14)
    assert np.array_equal(one.places[:, :50], other.places[:, :50])


def test_decisions(pair: tuple[Posterior, Posterior]) -> None:
    one, other = pair
    for settings in ((25.0, 1.0), (1.0,), (200.0,), (2500.0,)):
        assert np.array_equal(best(one, *settings), best(other, *settings))
    assert np.array_equal(best_geoscore(one), best_geoscore(other))
    for row in range(len(one)):
        for near in (None, best(one, 25.0)[row]):
            (mine, gained), (theirs, expected) = (
                p.row(row).weigh(candidates.right_within(25.0), near, 25.0) for p in pair
            )
            assert np.array_equal(mine, theirs)
            np.testing.assert_allclose(gained, expected, atol=1e-12)


def within(one: Posterior, center: NDArray) -> NDArray[np.float64]:
    return np.stack([one.mass_within(center, km) for km in (0.5, 25.0, 3000.0, 30_000.0)])


def test_masses_within_distances_and_radii(pair: tuple[Posterior, Posterior]) -> None:
    one, other = pair
    for center in (best(one, 25.0, 1.0), np.array([[10.0, -179.9]])):
        np.testing.assert_allclose(within(one, center), within(other, center), atol=1e-12)
        rings, expected = around(one, center), around(other, center)
        for km in (1, 25, 200, 750, 2500):
            np.testing.assert_allclose(rings.mass_within(km), expected.mass_within(km), atol=1e-12)
        np.testing.assert_allclose(rings.radius_km(0.9), expected.radius_km(0.9), rtol=1e-9)
    points = best(one, 25.0)
    np.testing.assert_allclose(one.log_density(points), other.log_density(points), rtol=1e-9)


def test_the_whole_answer_is_the_same(pair: tuple[Posterior, Posterior]) -> None:
    mine, theirs = (answer_rows(one, widening=Widening(1.2)) for one in pair)
    assert mine == theirs


@pytest.mark.parametrize(
    ("log_mass", "log_rest", "problem"),
    [
        (np.zeros((1, 2)), [0.0], "1 rows of 3 places need as many masses; got (1, 2)"),
        (np.full((1, 3), np.nan), [0.0], "a posterior must not hold NaN"),
        (np.full((1, 3), -np.inf), [-np.inf], "a posterior needs at least one place with mass in every row"),
    ],
)
def test_wrong_masses(log_mass: NDArray, log_rest: list[float], problem: str) -> None:
    ground = PlacesOverBackground([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]], np.ones(3), density_prior())
    with pytest.raises(InputError) as caught:
        ground.posterior(log_mass, log_rest)
    assert str(caught.value) == problem


def test_a_background_is_one_row() -> None:
    with pytest.raises(InputError, match="a background is a posterior of one row"):
        PlacesOverBackground([[0.0, 0.0]], np.ones(1), density_prior().repeat(2))
