"""A gallery as a readout, on outputs worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from whereshot.foundation.errors import InputError
from whereshot.models.readout.gallery import Gallery, GallerySettings

FEATURES = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)


PLACES = [[48.0, 2.0], [52.0, 13.0], [48.0, 2.0]]


def test_gallery_votes_by_hand() -> None:
    """Cosines 1, 0 and 0.6 at temperature 0.5: e^2 and e^1.2 for the first place, e^0 for the second."""
    gallery = Gallery(FEATURES, PLACES, [0, 0, 0], GallerySettings(temperature=0.5))
    posterior = gallery({"features": np.array([[1, 0]])})
    votes = np.array([math.e**2 + math.e**1.2, 1.0])
    assert posterior.places.tolist() == [[48, 2], [52, 13]]
    np.testing.assert_allclose(posterior.mass[0], votes / votes.sum(), rtol=1e-6)


def test_gallery_against_a_loop(rng: np.random.Generator) -> None:
    features = rng.normal(size=(60, 8))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    points = rng.integers(0, 4, (60, 2)).astype(float)
    photos = features[:5] + rng.normal(0, 0.1, (5, 8))
    posterior = Gallery(features, points, np.zeros(60), GallerySettings(temperature=0.1))({"features": photos})
    for row in range(5):
        votes: dict[tuple[float, ...], float] = {}
        for feature, point in zip(features, points, strict=True):
            votes[tuple(point)] = votes.get(tuple(point), 0.0) + math.exp(float(photos[row] @ feature) / 0.1)
        expected = [votes[tuple(place)] / sum(votes.values()) for place in posterior.places]
        np.testing.assert_allclose(posterior.mass[row], expected, rtol=1e-4)


def test_gallery_places_are_as_wide_as_their_least_exact_photo() -> None:
    gallery = Gallery(FEATURES, PLACES, [0.5, math.nan, 7.0], GallerySettings(floor_km=2.0))
    assert gallery({"features": np.array([[1, 0]])}).spread_km.tolist() == [7.0, 2.0]


def test_gallery_nearest() -> None:
    gallery = Gallery(FEATURES, PLACES, [0, 0, 0])
    row, cosine = gallery.nearest({"features": np.array([[0.8, 0.6], [0, -1], [1, 0]])})
    assert row.tolist() == [2, 0, 0]
    np.testing.assert_allclose(cosine, [0.96, 0, 1], atol=1e-6)
    assert cosine.dtype == np.float64


def test_a_sharp_gallery_does_not_overflow() -> None:
    gallery = Gallery(FEATURES, PLACES, [0, 0, 0], GallerySettings(temperature=1e-4))
    posterior = gallery({"features": np.array([[0, 1]])})
    assert posterior.mode().tolist() == [[52, 13]]
    assert np.isfinite(posterior.log_mass).all()


@pytest.mark.parametrize(
    ("features", "points", "accuracy"),
    [(FEATURES, PLACES[:2], [0, 0, 0]), (FEATURES, PLACES, [0, 0]), (FEATURES[:0], np.empty((0, 2)), [])],
)
def test_gallery_refuses_what_does_not_fit(features: NDArray, points: object, accuracy: list) -> None:
    with pytest.raises(InputError) as caught:
        Gallery(features, points, accuracy)
    assert str(caught.value) == "a gallery needs as many features, positions and accuracies, and at least one"
