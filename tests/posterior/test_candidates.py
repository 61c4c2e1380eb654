"""Decisions find the place that is really best, also where no single place is heavy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.earth.countries import countries
from whereshot.posterior import candidates
from whereshot.posterior.base import Posterior
from whereshot.posterior.decision import best
from whereshot.posterior.place_set import PlaceSet
from whereshot.posterior.place_shape import circle_mass
from whereshot.posterior.prior import density_prior


def flat(rng: np.random.Generator, clusters: int, each: int) -> tuple[NDArray, NDArray, NDArray]:
    """Towns of many light places, and lone ones elsewhere that are each heavier than any of these."""
    middles = np.stack([rng.uniform(-60, 60, clusters), rng.uniform(-180, 180, clusters)], axis=1)
    towns = (middles[:, None] + rng.normal(0, 0.05, (clusters, each, 2))).reshape(-1, 2)
    lone = np.stack([rng.uniform(-80, 80, 300), rng.uniform(-180, 180, 300)], axis=1)
    spots = np.concatenate([towns, lone])
    mass = np.concatenate([rng.uniform(0.5, 1.5, len(towns)), np.full(len(lone), 3.0)])
    spread = rng.uniform(0.5, 20.0, len(spots))
    return spots, mass / mass.sum(), spread


def held_by_all(spots: NDArray, mass: NDArray, spread: NDArray, km: float) -> NDArray:
    """The mass within km of every place, by all pairs."""
    return circle_mass(sphere.distance_km(spots[:, None], spots[None]), spread, km) @ mass


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), km=st.sampled_from([25.0, 200.0]))
def test_many_light_places_together_beat_a_heavy_one(seed: int, km: float) -> None:
    spots, mass, spread = flat(np.random.default_rng(seed), clusters=4, each=150)
    held = held_by_all(spots, mass, spread, km)
    index, expected = candidates.weigh(PlaceSet(spots, spread), mass, candidates.right_within(km))
    np.testing.assert_allclose(expected, held[index], rtol=0.02, atol=0.002)  # what is far says the same of all
    assert held[index[expected.argmax()]] >= 0.9 * held.max()
    assert held[mass.argmax()] < 0.9 * held.max()


def test_geoscore_of_a_flat_posterior_is_that_of_all_places(rng: np.random.Generator) -> None:
    spots, mass, spread = flat(rng, clusters=3, each=150)
    index, expected = candidates.weigh(PlaceSet(spots, spread), mass, candidates.GEOSCORE)
    distance = sphere.distance_km(spots[index][:, None], spots[None])
    np.testing.assert_allclose(expected, np.exp(-np.hypot(distance, spread) / candidates.GEOSCORE_KM) @ mass, rtol=1e-9)


def test_near_keeps_to_a_distance(rng: np.random.Generator) -> None:
    spots, mass, spread = flat(rng, clusters=4, each=150)
    index, _ = candidates.weigh(PlaceSet(spots, spread), mass, candidates.right_within(1.0), spots[700], 500.0)
    assert len(index) and (sphere.distance_km(spots[index], spots[700][None]) <= 500.0).all()


def test_a_weak_hint_at_a_country_does_not_name_its_capital() -> None:
    """Three times as likely in India: still no town there holds as much as London does."""
    prior = density_prior()
    country = countries().index_of(prior.places)
    india = [one.code for one in countries().all].index("IN")
    hinted = Posterior(prior.places, prior.log_mass + np.where(country == india, np.log(3.0), 0.0), prior.spread_km)
    delhi = np.array([[28.61, 77.21]])
    chosen = best(hinted, 25.0, 1.0)
    assert hinted.mass_within(chosen, 25.0) > 3 * hinted.mass_within(delhi, 25.0)


@pytest.mark.parametrize("k", [1, 3, 6, 9])
def test_heaviest_are_in_order_and_ties_by_position(k: int) -> None:
    values = np.array([[1.0, 5.0, 5.0, 0.0, 7.0, 1.0]])
    assert candidates.heaviest(values, k).tolist() == [[4, 1, 2, 0, 5, 3][:k]]


def test_of_many_equally_heavy_places_the_first_are_taken(rng: np.random.Generator) -> None:
    values = rng.integers(0, 4, (3, 5000)).astype(float)
    assert np.array_equal(candidates.heaviest(values, 2000), np.argsort(-values, axis=1, kind="stable")[:, :2000])
