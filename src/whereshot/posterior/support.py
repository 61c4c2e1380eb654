"""Support: the places on which the mass of a posterior can lie, and how stored weights become masses of places.

A posterior stores weights (n, w) in logarithms; its support gives them their meaning. ``PlainSupport`` has one weight
per place, and all rows share the places. ``OwnPlaces`` has one weight per place, and each row has places of its own.
``background.PlacesOverBackground`` has one weight per own place and one for a whole background of 24,000 places.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.earth.countries import countries
from whereshot.posterior import candidates
from whereshot.posterior.place_set import PlaceSet
from whereshot.posterior.place_shape import circle_mass

Rows = int | np.integer | slice | Sequence[int] | NDArray[np.int64] | NDArray[np.bool_]
"""A selection of rows of a posterior: a number, a slice, numbers, or a mask (n,)."""

BLOCK = 2_000_000
"""Numbers that are worked on at a time, so that large posteriors need little memory."""


class PosteriorRow(Protocol):
    """One row of a posterior, prepared for several questions."""

    @property
    def places(self) -> PlaceSet:
        """The k places of the row."""

    @property
    def mass(self) -> NDArray[np.float64]:
        """The masses (k,) of the places, in a new array that the caller may change."""

    def ranked(self, k: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the masses as ``mass`` does, and the numbers of the k heaviest places, heaviest first."""

    def weigh(
        self, gain: candidates.Gain, near: sphere.Points | None = None, near_km: float = 0.0
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the numbers (c,) of places that may be the best answer, and their expected gains (c,).

        With ``near`` (2,) only places at most ``near_km`` from it are returned.
        """


class Support(Protocol):
    """The places of the rows of a posterior; ``weights`` are the weights of the posterior, (n, w) in logarithms."""

    @property
    def places(self) -> sphere.Points:
        """Positions (k, 2) that all rows share, or (n, k, 2)."""

    @property
    def spread_km(self) -> NDArray[np.float64]:
        """Spreads in km, (k,) or (n, k)."""

    @property
    def shared(self) -> bool:
        """Whether all rows have the same places and spreads."""

    @property
    def country_index(self) -> NDArray[np.int64]:
        """Numbers of the countries of the places, as ``Countries.index_of`` gives them: (k,), or (n, k); -1 at sea."""

    def take(self, rows: Rows) -> Support:
        """Return the support of some of the rows."""

    def plain(self) -> Support:
        """Return a support on the same places that has one weight per place."""

    def log_mass(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log masses (n, k) of all places."""

    def row(self, weights: NDArray[np.float64], number: int) -> PosteriorRow:
        """Return one row, prepared for several questions."""

    def top(
        self, weights: NDArray[np.float64], k: int
    ) -> tuple[sphere.Points, NDArray[np.float64], NDArray[np.float64]]:
        """Return the k heaviest places of each row, heaviest first: places (n, k, 2), log masses and spreads (n, k)."""

    def mass_within(
        self, weights: NDArray[np.float64], center: NDArray[np.float64], km: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the mass (n,) within ``km`` (n,) of ``center`` (n, 2)."""

    def country_mass(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mass (n, countries + 1) at sea, which comes first, and in every country by its number plus 1."""


class PlainSupport(PlaceSet):
    """Places that all rows share, with one weight per place.

    ``find_countries`` gives the numbers of the places' countries where these are known; otherwise they are looked up.
    """

    shared = True

    def __init__(
        self,
        places: sphere.Points,
        spread_km: NDArray[np.float64],
        find_countries: Callable[[], NDArray[np.int64]] | None = None,
    ) -> None:
        super().__init__(places, spread_km)
        self._find_countries = find_countries

    @functools.cached_property
    def country_index(self) -> NDArray[np.int64]:
        """Numbers (k,) of the countries of the places; -1 at sea. They are found once."""
        return countries().index_of(self.places) if self._find_countries is None else self._find_countries()

    def take(self, rows: Rows) -> PlainSupport:
        """Return this support, which all rows share."""
        return self

    def plain(self) -> PlainSupport:
        """Return this support."""
        return self

    def log_mass(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weights, which are the log masses (n, k)."""
        return weights

    def row(self, weights: NDArray[np.float64], number: int) -> PlainRow:
        """Return one row, prepared for several questions."""
        return PlainRow(self, weights[number])

    def top(
        self, weights: NDArray[np.float64], k: int
    ) -> tuple[sphere.Points, NDArray[np.float64], NDArray[np.float64]]:
        """Return the k heaviest places of each row, heaviest first: places (n, k, 2), log masses and spreads (n, k)."""
        best = candidates.heaviest(weights, k)
        return self.places[best], np.take_along_axis(weights, best, 1), self.spread_km[best]

    def mass_within(
        self, weights: NDArray[np.float64], center: NDArray[np.float64], km: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the mass (n,) within ``km`` (n,) of ``center`` (n, 2)."""
        return _mass_within(self, weights, center, km)

    def country_mass(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mass (n, countries + 1) at sea, which comes first, and in every country by its number plus 1."""
        group, count = self.country_index + 1, len(countries().all) + 1
        totals = [np.bincount(group, mass, count) for mass in np.exp(weights)]
        return np.array(totals, np.float64).reshape(len(weights), count)


class OwnPlaces:
    """Places (n, k, 2) that are each row's own, with one weight per place; spreads are (n, k), or (k,) for all rows.

    Also places (k, 2) that all rows share, where each row has spreads (n, k) of its own.
    """

    shared = False

    def __init__(self, places: sphere.Points, spread_km: NDArray[np.float64]) -> None:
        self.places, self.spread_km = places, spread_km

    @functools.cached_property
    def country_index(self) -> NDArray[np.int64]:
        """Numbers of the countries of the places, (n, k), or (k,) for shared places; -1 at sea."""
        if self.places.ndim == 2:
            return countries().index_of(self.places)
        if len(self.places) == 1:
            return countries().index_of(self.places[0])[None]
        return np.stack([countries().index_of(places) for places in self.places])

    def take(self, rows: Rows) -> OwnPlaces:
        """Return the places of some of the rows."""
        places = self.places if self.places.ndim == 2 else self.places[rows]
        return OwnPlaces(places, self.spread_km if self.spread_km.ndim == 1 else self.spread_km[rows])

    def plain(self) -> OwnPlaces:
        """Return this support."""
        return self

    def log_mass(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weights, which are the log masses (n, k)."""
        return weights

    def row(self, weights: NDArray[np.float64], number: int) -> PlainRow:
        """Return one row, prepared for several questions."""
        places = self.places if self.places.ndim == 2 else self.places[number]
        spread = self.spread_km if self.spread_km.ndim == 1 else self.spread_km[number]
        return PlainRow(PlaceSet(places, spread), weights[number])

    def top(
        self, weights: NDArray[np.float64], k: int
    ) -> tuple[sphere.Points, NDArray[np.float64], NDArray[np.float64]]:
        """Return the k heaviest places of each row, heaviest first: places (n, k, 2), log masses and spreads (n, k)."""
        best = candidates.heaviest(weights, k)
        places = self.places[best] if self.places.ndim == 2 else np.take_along_axis(self.places, best[..., None], 1)
        spread = self.spread_km[best] if self.spread_km.ndim == 1 else np.take_along_axis(self.spread_km, best, 1)
        return places, np.take_along_axis(weights, best, 1), spread

    def mass_within(
        self, weights: NDArray[np.float64], center: NDArray[np.float64], km: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the mass (n,) within ``km`` (n,) of ``center`` (n, 2)."""
        return _mass_within(self, weights, center, km)

    def country_mass(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mass (n, countries + 1) at sea, which comes first, and in every country by its number plus 1."""
        count, mass = len(countries().all) + 1, np.exp(weights)
        groups = np.broadcast_to(self.country_index + 1, mass.shape)
        totals = [np.bincount(group, own, count) for group, own in zip(groups, mass, strict=True)]
        return np.array(totals, np.float64).reshape(len(weights), count)


class PlainRow:
    """A row with one weight per place: log masses (k,) of a set of places."""

    def __init__(self, places: PlaceSet, log_mass: NDArray[np.float64]) -> None:
        self.places, self._log_mass = places, log_mass

    @property
    def mass(self) -> NDArray[np.float64]:
        """The masses (k,), in a new array."""
        return np.exp(self._log_mass)

    def ranked(self, k: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the masses (k,) and the numbers of the k heaviest places, heaviest first."""
        mass = self.mass
        return mass, candidates.heaviest(mass[None], k)[0]

    def weigh(
        self, gain: candidates.Gain, near: sphere.Points | None = None, near_km: float = 0.0
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the numbers (c,) of places that may be the best answer, and their expected gains (c,)."""
        return candidates.weigh(self.places, self.mass, gain, near, near_km)


def distances_of_rows(
    support: Support, rows: slice, center: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distances in km (m, k) of the places of some rows from ``center`` (m, 2), and the places' spreads."""
    places = support.places if support.places.ndim == 2 else support.places[rows]
    spread = support.spread_km if support.spread_km.ndim == 1 else support.spread_km[rows]
    return sphere.distance_km(center[:, None], places), spread


def _mass_within(
    support: PlainSupport | OwnPlaces,
    weights: NDArray[np.float64],
    center: NDArray[np.float64],
    km: NDArray[np.float64],
) -> NDArray[np.float64]:
    out = np.empty(len(weights))
    for rows in blocks(len(weights), weights.shape[1]):
        distance, spread = distances_of_rows(support, rows, center[rows])
        out[rows] = (np.exp(weights[rows]) * circle_mass(distance, spread, km[rows, None])).sum(1)
    return out


def blocks(n: int, width: int, most: int = BLOCK) -> Iterator[slice]:
    """Yield slices that divide n rows of a width into blocks of at most ``most`` numbers, or of one row."""
    step = max(1, most // max(width, 1))
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))
