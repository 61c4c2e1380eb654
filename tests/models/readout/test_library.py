"""A library of known photos: places, extents and hubs."""

from __future__ import annotations

import numpy as np

from whereshot.models.readout.library import Library, hubness, library_of

TOWNS = np.array([[48.85, 2.35], [52.52, 13.4], [-33.87, 151.2], [35.68, 139.76]])


def library(rng: np.random.Generator, each: int = 5, dim: int = 16) -> Library:
    place = np.repeat(np.arange(len(TOWNS)), each)
    features = np.eye(dim, dtype=np.float32)[place] + rng.normal(0, 0.1, (len(place), dim)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    points = TOWNS[place] + rng.normal(0, 0.0005, (len(place), 2))
    return library_of(features, points, np.zeros(len(place)))


def test_a_photo_like_all_others_is_a_hub(rng: np.random.Generator) -> None:
    known = library(rng)
    middle = known.features.mean(axis=0, keepdims=True)
    features = np.concatenate([known.features, middle / np.linalg.norm(middle)])
    found = hubness(features, np.concatenate([known.points, [[0.0, 0.0]]]))
    assert found.argmax() == len(features) - 1


def test_extents_follow_positions_and_their_exactness(rng: np.random.Generator) -> None:
    known = library(rng)
    assert (known.extent_km(0.5, 0.3) == 0.5).all()
    assert known.extent_km(0.001, 0.3).max() < 0.3
    coarse = Library(known.features, known.points, np.full(len(known.points), 30.0), known.place, known.hubness)
    np.testing.assert_allclose(coarse.extent_km(0.5, 0.1), 3.0)
