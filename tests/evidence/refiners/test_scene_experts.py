"""Experts for scenes, combined by the scene of each photo."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from whereshot.evidence.refiners.scene_experts import combine_experts
from whereshot.foundation.errors import InputError
from whereshot.photos.scenes import SCENES
from whereshot.posterior.base import Posterior

PLACES = np.array([[0.0, 0.0], [10.0, 10.0], [20.0, 20.0]])


def sure_of(number: int, photos: int, places: np.ndarray = PLACES) -> Posterior:
    mass = np.full((photos, 3), 0.05)
    mass[:, number] = 0.9
    return Posterior.from_mass(places, mass, np.full(3, 10.0))


def experts(photos: int) -> dict[str, Posterior]:
    return {kind: sure_of(number, photos) for number, kind in enumerate(SCENES)}


def test_the_expert_of_the_likeliest_scene_answers() -> None:
    shares = np.array([[0.6, 0.3, 0.1], [0.1, 0.2, 0.7], [np.nan, np.nan, np.nan]])
    said = combine_experts(experts(3), shares)
    np.testing.assert_allclose(said.mass, [[0.9, 0.05, 0.05], [0.05, 0.05, 0.9], [1 / 3] * 3])
    mixed = combine_experts(experts(3), shares, "mixture")
    np.testing.assert_allclose(mixed.mass[0], 0.05 + 0.85 * shares[0])


def test_one_expert_for_all_that_is_outdoors() -> None:
    both = {"outdoor": sure_of(2, 2), "indoor": sure_of(0, 2)}
    shares = np.array([[0.4, 0.3, 0.3], [0.2, 0.7, 0.1]])
    np.testing.assert_allclose(combine_experts(both, shares, "mixture").mass[0], [0.39, 0.05, 0.56])
    np.testing.assert_allclose(combine_experts(both, shares).mass[1], [0.05, 0.05, 0.9])


@settings(deadline=None)
@given(arrays(np.float64, (4, 3), elements=st.floats(0.01, 1)), st.sampled_from(["likeliest", "mixture"]))
def test_experts_with_places_of_their_own_mix_to_the_same_density(shares: np.ndarray, how: str) -> None:
    shares = shares / shares.sum(axis=1, keepdims=True)
    apart = {kind: sure_of(n, 4, PLACES + (n == 1) * 1.0) for n, kind in enumerate(SCENES)}
    said = combine_experts(apart, shares, how)
    weight = np.eye(3)[shares.argmax(axis=1)] if how == "likeliest" else shares
    points = PLACES[[0, 1, 2, 0]] + 0.1
    wanted = sum(weight[:, n] * np.exp(apart[kind].log_density(points)) for n, kind in enumerate(SCENES))
    np.testing.assert_allclose(np.exp(said.log_density(points)), wanted, rtol=1e-9)


def test_a_scene_without_an_expert_or_with_two_is_refused() -> None:
    shares = np.full((1, 3), 1 / 3)
    for given_, said in (
        (("indoor", "urban"), "the scene 'natural' needs one expert; it has none"),
        (("indoor", "outdoor", "urban"), "the scene 'urban' needs one expert; it has outdoor and urban"),
        (("indoor", "outdor"), "no scene 'outdor'; did you mean 'outdoor'"),
    ):
        with pytest.raises(InputError, match=said):
            combine_experts({name: sure_of(0, 1) for name in given_}, shares)
    with pytest.raises(InputError, match="the expert 'urban' answers for 2 photos of 1"):
        combine_experts(experts(1) | {"urban": sure_of(0, 2)}, shares)
