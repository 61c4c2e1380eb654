"""Places known from photos: how positions become places, how photos vote, and what is left for none of them."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.earth import sphere
from whereshot.models.readout import whitening
from whereshot.models.readout.confidence import Confidence
from whereshot.models.readout.library import Library, library_of
from whereshot.models.readout.memory import Memory, MemorySettings
from whereshot.posterior.decision import best
from whereshot.posterior.prior import density_prior

TOWNS = np.array([[48.85, 2.35], [52.52, 13.4], [-33.87, 151.2], [35.68, 139.76]])


def library(rng: np.random.Generator, each: int = 5, dim: int = 16) -> Library:
    place = np.repeat(np.arange(len(TOWNS)), each)
    features = np.eye(dim, dtype=np.float32)[place] + rng.normal(0, 0.1, (len(place), dim)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    points = TOWNS[place] + rng.normal(0, 0.0005, (len(place), 2))
    return library_of(features, points, np.zeros(len(place)))


def settings(this: float = 0.0) -> MemorySettings:
    """A confidence that says the same of all: log odds of the chosen place against none."""
    weights = [[this, *[0.0] * 35], [-2.0, *[0.0] * 35]]
    return MemorySettings(confidence=Confidence(center=[0.0] * 7, scale=[1.0] * 7, weights=weights))


def as_it_is(dim: int) -> whitening.Whitening:
    return whitening.Whitening(np.zeros(dim, np.float32), np.eye(dim, dtype=np.float32))


def asked(features: np.ndarray) -> dict[str, np.ndarray]:
    """Outputs whose whitened features are these."""
    return {"pooled": np.sign(features) * features**2}


def test_the_votes_find_the_place(rng: np.random.Generator) -> None:
    known = library(rng)
    told = Memory(known, as_it_is(16), settings(3.0), density_prior())
    queries = np.eye(16, dtype=np.float32)[:4]
    posterior = told(asked(queries))
    assert (sphere.distance_km(best(posterior, 25.0, 1.0), TOWNS) < 1).all()
    assert told.nearest(asked(queries))[0].tolist() == [int((known.features @ query).argmax()) for query in queries]


@pytest.mark.parametrize("this", [-4.0, 0.0, 4.0])
def test_what_is_none_of_the_places_goes_to_the_prior(rng: np.random.Generator, this: float) -> None:
    prior = density_prior()
    told = Memory(library(rng), as_it_is(16), settings(this), prior)
    outputs = asked(np.eye(16, dtype=np.float32)[:4])
    shares, posterior = told.shares(outputs), told(outputs)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    known = len(told.library.counts)
    np.testing.assert_allclose(posterior.mass[:, known:].sum(axis=1), shares[:, 2], rtol=1e-6)
    np.testing.assert_allclose(posterior.mass[:, known:] / shares[:, 2:], prior.mass.repeat(4, axis=0), rtol=1e-5)
    assert posterior.mass_within(TOWNS, 25.0) == pytest.approx(
        shares[:, 0] + shares[:, 2] * prior.repeat(4).mass_within(TOWNS, 25.0), abs=0.01
    )


def test_a_library_of_one_place(rng: np.random.Generator) -> None:
    """There is no other place to be mistaken for: what is not this one is none."""
    features = np.eye(16, dtype=np.float32)[[0, 0, 0]]
    known = library_of(features, np.repeat(TOWNS[:1], 3, axis=0), np.zeros(3))
    told = Memory(known, as_it_is(16), MemorySettings(), density_prior())
    same, other = told.shares(asked(np.eye(16, dtype=np.float32)[[0, 5]]))
    assert same[0] > 0.85 and other[0] < 0.01
    posterior = told(asked(np.eye(16, dtype=np.float32)[[0, 5]]))
    assert posterior.mass_within(TOWNS[[0, 0]], 25.0)[0] > 0.85
    assert np.isfinite(posterior.log_density(TOWNS[:2])).all()
