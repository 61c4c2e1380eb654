"""Holding photos out of their own library: what is asked, what is never shown, and what small libraries get."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.earth import sphere
from whereshot.models.readout import memory
from whereshot.models.readout.prototypes import SAME_PLACE_KM
from whereshot.posterior.base import Posterior
from whereshot.posterior.prior import density_prior
from whereshot.training import learn_holdout

WHOLE = density_prior()
PRIOR = Posterior(WHOLE.places[::100], WHOLE.log_mass[:, ::100], WHOLE.spread_km[::100])
"""A hundredth of the places where photos are taken: enough here, and quick."""


@pytest.fixture(scope="module")
def photos() -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Pooled features, positions and groups of 60 places with up to three groups of two photos."""
    rng = np.random.default_rng(3)
    count, dim = 60, 48
    spots = sphere.latlon(rng.normal(0, 1, (count, 3)))
    place = np.repeat(np.arange(count), rng.integers(1, 4, count) * 2)
    group = [f"{p}/{number // 2}" for number, p in enumerate(place)]
    what = rng.normal(0, 1.0, (count, dim))[place] + rng.normal(0, 0.6, (len(place), dim))
    points = spots[place] + rng.normal(0, 0.0003, (len(place), 2))
    return np.maximum(what + 4, 0) ** 2, sphere.points(np.clip(points, -90, 90)), group


def test_nothing_of_a_group_or_place_is_shown(photos: tuple) -> None:
    pooled, points, group = photos
    library, asked = learn_holdout.hold_out(pooled, points, np.zeros(len(points)), group, known_share=0.8)
    distance = sphere.distance_km(points[:, None], points[None])
    other = np.array(group)[:, None] != np.array(group)[None]
    known = np.where(other, distance, np.inf).min(axis=1) <= SAME_PLACE_KM
    assert sorted(asked.row[asked.known].tolist()) == np.flatnonzero(known).tolist()
    assert sorted(asked.row[~asked.known].tolist()) == list(range(len(points)))
    assert (asked.outcome[~asked.known] == 2).all()  # whatever was chosen, its place had been taken away
    votes = asked.recall.log_votes[~asked.known]
    assert np.isneginf(votes[np.arange(len(votes)), library.place[asked.row[~asked.known]]]).all()
    assert asked.weight[asked.known].sum() == pytest.approx(0.8)
    assert (asked.outcome[asked.known] == 0).mean() > 0.8


def test_confidence_follows_the_share_of_known_places(photos: tuple) -> None:
    pooled, points, group = photos
    shares = []
    for known_share in (0.3, 0.95):
        settings = learn_holdout.fit_memory(
            pooled, points, np.zeros(len(points)), group, PRIOR, known_share=known_share
        )
        assert settings.confidence is not None and settings.radius_factor["either"] > 0
        _, asked = learn_holdout.hold_out(pooled, points, np.zeros(len(points)), group, known_share=known_share)
        told = np.exp(memory.log_shares(settings, asked.recall))
        assert told[asked.known, 0].mean() > told[~asked.known, 0].mean() + 0.3
        shares.append(told[:, 0].mean())
    assert shares[0] < shares[1]


def test_a_library_too_small_has_no_fitted_confidence(photos: tuple) -> None:
    pooled, points, group = photos
    for rows in (slice(0, 1), slice(0, 8)):
        settings = learn_holdout.fit_memory(pooled[rows], points[rows], np.zeros(len(points[rows])), group[rows], PRIOR)
        assert settings.confidence is None and settings.radius_factor == {}
