"""Supports: shared places, places of each row, and places over a background give the same answers."""

from __future__ import annotations

import numpy as np
import pytest

from posterior_cases import random_posterior, uniform
from whereshot.earth.countries import countries
from whereshot.posterior import candidates
from whereshot.posterior.background import PlacesOverBackground
from whereshot.posterior.base import Posterior
from whereshot.posterior.prior import density_prior
from whereshot.posterior.support import OwnPlaces, PlainSupport, blocks


def written_out(shared: Posterior) -> Posterior:
    """Return the same posterior with places of each row's own."""
    n, k = shared.log_mass.shape
    places = np.broadcast_to(shared.places, (n, k, 2))
    return Posterior(places, shared.log_mass, np.broadcast_to(shared.spread_km, (n, k)))


def test_own_places_answer_as_shared_places_do(rng: np.random.Generator) -> None:
    shared = random_posterior(rng, 3, 200)
    own = written_out(shared)
    assert isinstance(shared.support, PlainSupport) and isinstance(own.support, OwnPlaces)
    assert (shared.shared, own.shared) == (True, False)
    center = uniform(rng, 3)
    np.testing.assert_allclose(own.mass_within(center, 800), shared.mass_within(center, 800), rtol=1e-12)
    for one, other in zip(own.support.top(own.weights, 9), shared.support.top(shared.weights, 9), strict=True):
        np.testing.assert_allclose(one, other)
    masses = [p.support.country_mass(p.weights) for p in (own, shared)]
    np.testing.assert_allclose(masses[0], masses[1])
    np.testing.assert_array_equal(own.support.country_index[1], shared.support.country_index)
    gain = candidates.right_within(25.0)
    for row in range(3):
        (mine, gained), (theirs, expected) = (p.row(row).weigh(gain) for p in (own, shared))
        assert np.array_equal(mine, theirs)
        np.testing.assert_allclose(gained, expected)
        assert np.array_equal(own.row(row).ranked(5)[1], shared.row(row).ranked(5)[1])


def test_own_spreads_on_shared_places(rng: np.random.Generator) -> None:
    places, spread = uniform(rng, 30), rng.uniform(1, 500, (2, 30))
    p = Posterior(places, rng.normal(size=(2, 30)), spread)
    assert isinstance(p.support, OwnPlaces) and p.support.country_index.shape == (30,)
    np.testing.assert_array_equal(p[1].spread_km, spread[1:])
    np.testing.assert_array_equal(p[1].places, places)


def test_country_mass_by_hand() -> None:
    known = countries()
    p = Posterior.from_mass([[48.86, 2.35], [43.6, 1.44], [52.52, 13.4], [0, -140]], [[0.1, 0.2, 0.5, 0.2]], 1.0)
    (mass,) = p.support.country_mass(p.weights)
    assert mass[0] == pytest.approx(0.2)  # at sea
    assert mass[1 + known.number_of["FR"]] == pytest.approx(0.3)
    assert mass[1 + known.number_of["DE"]] == pytest.approx(0.5)


def test_countries_are_looked_up_once_for_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    p = Posterior([[48.86, 2.35], [52.52, 13.4]], np.zeros((4, 2)), 1.0)
    index = p[2].support.country_index
    monkeypatch.setattr(type(countries()), "index_of", None)  # a second look-up would fail
    assert p[0].support.country_index is index and p.times([0.0, 1.0]).support.country_index is index


def test_only_own_places_over_a_background_are_looked_up() -> None:
    prior = density_prior()
    support = PlacesOverBackground([[48.86, 2.35]], [1.0], prior)
    known = countries()
    assert support.country_index[0] == known.number_of["FR"]
    np.testing.assert_array_equal(support.country_index[1:], prior.support.country_index)
    assert support.plain().country_index is support.country_index


def test_known_countries_are_not_looked_up() -> None:
    support = PlainSupport(np.array([[48.86, 2.35]]), np.array([1.0]), lambda: np.array([7]))
    assert support.country_index.tolist() == [7]


def test_blocks_cover_all_rows_once() -> None:
    assert list(blocks(0, 5)) == []
    parts = list(blocks(5, 1_000_000))
    assert [(part.start, part.stop) for part in parts] == [(0, 2), (2, 4), (4, 5)]
