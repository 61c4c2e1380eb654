"""Whitening: unit features, photos of one place drawn together, and what a few photos cannot tell."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.foundation.errors import InputError
from whereshot.models.readout import whitening


def photos(rng: np.random.Generator, places: int = 60, each: int = 6, dim: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Features whose first half says which place, while the second half varies wildly within each."""
    place = np.repeat(np.arange(places), each)
    what = rng.normal(0, 1, (places, dim // 2))[place] + rng.normal(0, 0.3, (len(place), dim // 2))
    noise = rng.normal(0, 2, (len(place), dim // 2))
    return np.maximum(np.concatenate([what, noise], axis=1) + 8, 0) ** 2, place


def nearest_is_right(features: np.ndarray, place: np.ndarray) -> float:
    cosine = features @ features.T
    np.fill_diagonal(cosine, -2)
    return float((place[cosine.argmax(axis=1)] == place).mean())


def test_photos_of_a_place_are_drawn_together(rng: np.random.Generator) -> None:
    pooled, place = photos(rng)
    plain = whitening.fit(pooled, np.arange(len(pooled)))(pooled)
    white = whitening.fit(pooled, place)(pooled)
    np.testing.assert_allclose(np.linalg.norm(white, axis=1), 1, rtol=1e-5)
    assert nearest_is_right(white, place) > nearest_is_right(plain, place) + 0.2


def test_it_holds_for_places_it_was_not_fitted_on(rng: np.random.Generator) -> None:
    pooled, place = photos(rng, places=120)
    rest, held = place < 80, place >= 80
    white = whitening.fit(pooled[rest], place[rest])(pooled[held])
    plain = whitening.fit(pooled[rest], np.arange(rest.sum()))(pooled[held])
    assert nearest_is_right(white, place[held]) > nearest_is_right(plain, place[held]) + 0.2


def test_one_photo_alone_is_not_the_middle(rng: np.random.Generator) -> None:
    pooled, _ = photos(rng)
    usual = whitening.powered(pooled).mean(axis=0)
    white = whitening.fit(pooled[:1], np.zeros(1, int), usual)
    assert float((white(pooled[:1]) @ white(pooled[:1]).T)[0, 0]) == pytest.approx(1, abs=1e-5)
    assert float((white(pooled[:1]) @ white(pooled[30:31]).T)[0, 0]) < 0.9


def test_without_a_place_of_two_photos_only_the_middle_is_learned(rng: np.random.Generator) -> None:
    pooled, _ = photos(rng)
    white = whitening.fit(pooled, np.arange(len(pooled)))
    np.testing.assert_array_equal(white.factor, np.eye(pooled.shape[1]))


def test_nothing_to_learn_from() -> None:
    with pytest.raises(InputError, match="there is no photo to learn from"):
        whitening.fit(np.empty((0, 4)), np.empty(0, int))
