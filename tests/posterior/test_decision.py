"""Decisions against all pairs of places and against drawn truths."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from posterior_cases import ONE, random_posterior, uniform
from whereshot.earth import sphere
from whereshot.foundation.errors import InputError
from whereshot.posterior import support
from whereshot.posterior.base import Posterior
from whereshot.posterior.candidates import CANDIDATES
from whereshot.posterior.circles import radius_km
from whereshot.posterior.decision import best, best_geoscore
from whereshot.posterior.samples import sample


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), km=st.floats(0.5, 10_000), own=st.booleans(), places=st.integers(1, CANDIDATES))
def test_best_holds_the_most_mass(seed: int, km: float, own: bool, places: int) -> None:
    rng = np.random.default_rng(seed)
    p = random_posterior(rng, 2, places, own=own)
    chosen = best(p, km)
    for row in range(2):
        candidates = p[row].places.reshape(-1, 2)
        held = p[row].repeat(len(candidates)).mass_within(candidates, km)
        assert p[row].mass_within(chosen[row], km)[0] == pytest.approx(held.max(), rel=1e-9)


def test_best_prefers_three_close_places_to_one_heavy_far_one() -> None:
    p = Posterior.from_mass([[0, 0], [50, 10], [50, 10.1], [50, 10.2]], [[0.4, 0.2, 0.21, 0.19]], 1.0)
    assert p.mode().tolist() == [[0, 0]]
    assert best(p, 1.0).tolist() == [[0, 0]]
    assert best(p, 25.0).tolist() == [[50, 10.1]]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), km=st.floats(100, 5000), share=st.floats(0.01, 0.5))
def test_best_then_stays_near_the_first_choice(seed: int, km: float, share: float) -> None:
    rng = np.random.default_rng(seed)
    p = random_posterior(rng, 1, 60)
    first, chosen = best(p, km), best(p, km, share * km)
    near = p.places[sphere.distance_km(p.places, first) <= km]
    held = p.repeat(len(near)).mass_within(near, share * km)
    assert sphere.distance_km(first, chosen)[0] <= km
    assert p.mass_within(chosen, share * km)[0] == pytest.approx(held.max(), rel=1e-9)


def test_best_geoscore_earns_the_most(rng: np.random.Generator) -> None:
    """Against the mean score of drawn truths, for every place as the answer."""
    for _ in range(5):
        p = Posterior(uniform(rng, 15), rng.normal(size=(1, 15)), rng.uniform(10, 800, 15))
        truth = sample(p, 20_000, rng)[0]

        def earned(answer: NDArray, truth: NDArray = truth) -> float:
            return float(np.exp(-sphere.distance_km(truth, answer) / 1492.7).mean())

        assert earned(best_geoscore(p)[0]) >= 0.98 * max(earned(place) for place in p.places)


def test_decisions_of_no_rows(rng: np.random.Generator) -> None:
    none = random_posterior(rng, 2, 4)[[]]
    assert len(none) == 0
    for decided in (none.mode(), none.mean(), best(none, 25), best_geoscore(none)):
        assert decided.shape == (0, 2)
    assert radius_km(none, np.empty((0, 2)), 0.5).shape == none.mass_within(np.empty((0, 2)), 5).shape == (0,)


def test_large_posteriors_are_worked_on_in_blocks(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    p, points = random_posterior(rng, 7, 30), uniform(rng, 7)

    def everything() -> list[NDArray]:
        return [best(p, 500), p.mass_within(points, 900), radius_km(p, points, 0.7), p.log_density(points)]

    whole = everything()
    monkeypatch.setattr(support, "BLOCK", 60)
    for expected, blockwise in zip(whole, everything(), strict=True):
        np.testing.assert_allclose(blockwise, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: best(ONE, 0), "within must be a positive number of km; got 0"),
        (lambda: best(ONE, 25, -1), "within must be a positive number of km; got -1"),
        (lambda: best(ONE, math.nan), "within must be a positive number of km; got nan"),
    ],
)
def test_refusals(build: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        build()
    assert str(caught.value) == message
