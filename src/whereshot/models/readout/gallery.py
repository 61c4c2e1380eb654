"""A gallery of known photos as a readout: photos with similar features vote for their places."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from whereshot.earth import sphere
from whereshot.foundation.errors import InputError
from whereshot.foundation.settings_file import Settings
from whereshot.models import nearest_photos
from whereshot.models.readout.base import Outputs, Readout
from whereshot.photos.records import Records
from whereshot.posterior.base import Posterior


class GallerySettings(Settings):
    """How photos vote.

    ``temperature`` divides the cosine similarity. A place is at least ``floor_km`` wide. The ``voters`` most similar
    photos vote; None lets all vote.
    """

    temperature: float = Field(0.05, gt=0)
    floor_km: float = Field(1.0, gt=0)
    voters: int | None = Field(None, ge=1)


MANY = 200_000
"""In a gallery of more photos only the ``VOTERS`` most similar photos vote. The other votes are negligible."""
VOTERS = 1024
"""Photos that vote in a large gallery."""


class Gallery(Readout):
    """Votes of known photos by the cosine of their features, summed per place.

    ``features`` (m, d) of unit length, ``points`` (m, 2), ``accuracy_km`` (m,) how exact the positions are; ``images``
    (m,) are the paths of the pictures, where they are known.
    """

    def __init__(
        self,
        features: NDArray[np.floating],
        points: ArrayLike,
        accuracy_km: ArrayLike,
        settings: GallerySettings = GallerySettings(),  # noqa: B008
        images: Sequence[str | None] | None = None,
    ) -> None:
        self.images = images
        self.features = np.asarray(features, np.float32)
        self.points = sphere.points(points)
        self.accuracy_km = np.nan_to_num(np.asarray(accuracy_km, np.float64), nan=0.0)
        if not len(self.features) == len(self.points) == len(self.accuracy_km) > 0:
            raise InputError("a gallery needs as many features, positions and accuracies, and at least one")
        self.settings = settings
        self.places, place_of = np.unique(self.points, axis=0, return_inverse=True)
        self._place_of = np.ravel(place_of)
        self._by_place = np.argsort(self._place_of, kind="stable")
        self._starts = np.searchsorted(self._place_of[self._by_place], np.arange(len(self.places)))
        spread = np.full(len(self.places), settings.floor_km)
        np.maximum.at(spread, self._place_of, self.accuracy_km)
        self._spread_km = spread

    @functools.cached_property
    def index(self) -> nearest_photos.Index:
        """The index that finds the most similar photos."""
        return nearest_photos.index_of(self.features, cache=nearest_photos.default_cache())

    def nearest(self, outputs: Outputs) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the most similar known photo (n,) of each photo, and its cosine (n,)."""
        found = self.index.nearest(outputs["features"])
        return found.rows[:, 0], 1 - found.distance[:, 0]

    def __call__(self, outputs: Outputs) -> Posterior:
        """Return the posterior of n photos. Raises InputError for outputs of another model."""
        voters = self.settings.voters or (VOTERS if len(self.features) > MANY else None)
        if voters is not None and voters < len(self.features):
            return self._by_some(outputs, voters)
        votes = (np.asarray(outputs["features"], np.float32) @ self.features.T).astype(np.float64)
        votes /= self.settings.temperature
        votes -= votes.max(axis=1, keepdims=True)
        summed = np.add.reduceat(np.exp(votes[:, self._by_place]), self._starts, axis=1)
        return Posterior.from_mass(self.places, np.maximum(summed, 1e-300), self._spread_km)

    def _by_some(self, outputs: Outputs, voters: int) -> Posterior:
        """Let only the nearest photos vote. Each row has its own places."""
        found = self.index.nearest(outputs["features"], voters)
        place = self._place_of[found.rows]
        order = np.argsort(place, axis=1, kind="stable")
        place = np.take_along_axis(place, order, 1)
        vote = -np.take_along_axis(found.distance, order, 1) / self.settings.temperature
        first = np.ones(place.shape, bool)
        first[:, 1:] = place[:, 1:] != place[:, :-1]
        log_mass = np.full(place.shape, -np.inf)  # the first photo of a place gets the votes of all its photos
        if place.size:
            log_mass[first] = np.logaddexp.reduceat(vote.ravel(), np.flatnonzero(first))
        return Posterior(self.places[place], log_mass, self._spread_km[place])


SEEN_KM = 1.0
"""A place counts as seen if a training photo was taken within this distance."""


def with_settings(gallery: Gallery, settings: GallerySettings) -> Gallery:
    """Return the same gallery with other settings."""
    return Gallery(gallery.features, gallery.points, gallery.accuracy_km, settings, gallery.images)


def gallery_of(features: NDArray[np.floating], records: Records) -> Gallery:
    """Return a gallery of the features (n, d) and the positions of records."""
    named = "accuracy_km" in records.table.column_names
    accuracy = records.numbers("accuracy_km") if named else np.zeros(len(records))
    return Gallery(features, records.points, accuracy, images=records.strings("image"))
