"""A library of known photos: features, positions, the places that they show, and which places are near each other."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.models.readout.prototypes import SAME_PLACE_KM, means, places_of
from whereshot.posterior.support import blocks

NEAR_KM = 25.0
"""A chosen place within this distance of the truth is right."""
_HUB_NEIGHBOURS = 5
_HUB_SAMPLE = 4096  # photos that the hubness of each is measured on
BLOCK = 4_000_000
"""Most numbers of a block of rows that is computed at a time."""


@dataclass(frozen=True)
class Library:
    """Known photos: unit features (m, d), positions (m, 2), their accuracy in km (m,), the place (m,) of each."""

    features: NDArray[np.float32]
    points: sphere.Points
    accuracy_km: NDArray[np.float64]
    place: NDArray[np.int64]
    hubness: NDArray[np.float32]
    """Mean cosine (m,) of each photo with the most similar photos of other places."""

    @functools.cached_property
    def counts(self) -> NDArray[np.int64]:
        """The number (p,) of photos of each place."""
        return np.bincount(self.place)

    @functools.cached_property
    def places(self) -> sphere.Points:
        """The middle (p, 2) of each place's photos."""
        return means(self.points, self.place)

    def extent_km(self, floor_km: float, accuracy_share: float) -> NDArray[np.float64]:
        """Return the radius (p,) in km that holds half of each place.

        It is the root mean square distance of the photos from the middle of the place, at least ``accuracy_share`` of
        the least exact position, and at least ``floor_km``.
        """
        squared = np.bincount(self.place, sphere.distance_km(self.points, self.places[self.place]) ** 2)
        extent = np.sqrt(squared / self.counts)
        np.maximum.at(extent, self.place, self.accuracy_km * accuracy_share)
        return np.maximum(extent, floor_km)

    @functools.cached_property
    def near(self) -> Near:
        """Which places are within 25 km of one another."""
        return near_one_another(self.places, NEAR_KM)

    @functools.cached_property
    def by_place(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The photos (m,) ordered by place, and the index (p,) at which each place starts."""
        order = np.argsort(self.place, kind="stable")
        return order, np.searchsorted(self.place[order], np.arange(len(self.counts)))


@dataclass(frozen=True)
class Near:
    """Which places (p,) are near each other: place i, and those near it, are ``indices[indptr[i] : indptr[i + 1]]``.

    This is the layout of SciPy's sparse matrices, which take a seventh of a second to import.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int64]

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return, for values (n, p), their sums (n, p) over the places near each place."""
        rows = max(1, BLOCK // len(self.indices))
        parts = [values[start : start + rows, self.indices] for start in range(0, len(values), rows)]
        return np.concatenate([np.add.reduceat(part, self.indptr[:-1], axis=1) for part in parts])

    def mask(self, chosen: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which places (n, p) are near each of the chosen places (n,)."""
        found = np.zeros((len(chosen), len(self.indptr) - 1), dtype=bool)
        for row, place in enumerate(chosen.tolist()):
            found[row, self.indices[self.indptr[place] : self.indptr[place + 1]]] = True
        return found


def near_one_another(places: sphere.Points, km: float) -> Near:
    """Return which places (p, 2) are at most ``km`` apart."""
    unit, least = sphere.xyz(places), math.cos(km / sphere.EARTH_KM)
    found = [np.nonzero(unit[rows] @ unit.T >= least) for rows in blocks(len(unit), len(unit), BLOCK)]
    counts = np.concatenate([np.bincount(place) for place, _ in found])  # each place is near itself
    return Near(np.concatenate([[0], np.cumsum(counts)]), np.concatenate([other for _, other in found]))


def library_of(features: NDArray[np.floating], points: sphere.Points, accuracy_km: NDArray[np.float64]) -> Library:
    """Return a library of photos: divide them into places, and measure the hubness of each photo."""
    points = sphere.points(points)
    accuracy = np.nan_to_num(np.asarray(accuracy_km, np.float64), nan=0.0)
    place = places_of(points, SAME_PLACE_KM)
    return Library(np.asarray(features, np.float32), points, accuracy, place, hubness(features, points))


def hubness(features: NDArray[np.floating], points: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the mean cosine (m,) of each photo with the five most similar photos farther than 25 km away, or -1.

    A sunset is similar to many photos, a facade to few. A photo that is similar to all photos tells little about the
    place (Conneau et al. 2018).
    """
    count, features = len(features), np.asarray(features, np.float32)  # products of halves are slow and inexact
    sample = np.arange(count)
    if count > _HUB_SAMPLE:
        sample = np.sort(np.random.default_rng(0).permutation(count)[:_HUB_SAMPLE])
    found = np.full(count, -1.0, np.float32)
    for rows in blocks(count, len(sample), BLOCK):
        cosine = features[rows] @ features[sample].T
        cosine[sphere.distance_km(points[rows, None], points[sample][None]) <= NEAR_KM] = -1.0
        k = min(_HUB_NEIGHBOURS, cosine.shape[1])
        found[rows] = np.partition(cosine, -k, axis=1)[:, -k:].mean(axis=1)
    return found
