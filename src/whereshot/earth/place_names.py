"""Name positions: town, region, country. All knowledge is offline.

The borders of countries are built by ``scripts/build_borders.py`` from Natural Earth (public domain). The towns come
from the gazetteer.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import sphere
from whereshot.earth.countries import countries
from whereshot.earth.towns import gazetteer

REGION_KM = 100.0
"""Km. A point has the region of the nearest town, if that town is at most this far away."""

NAME_KM = 30.0
"""Km. A point at most this far outside a town is named after it."""

NAMES_KEPT = 100_000


class PlaceName(NamedTuple):
    """The names of a position: town, region and country. Names that are not known are None."""

    name: str | None
    region: str | None
    country: str | None
    country_code: str | None


class _Named(NamedTuple):
    names: PlaceName
    town: int


def place_names(points: ArrayLike) -> list[PlaceName]:
    """Return town, region and country of each position (n, 2).

    * Country: its borders contain the position, or its coast is within half a degree.
    * Region: the region of the country's nearest town within 100 km, because the package has no borders of regions.
    * Town: the town of the region whose edge is nearest, or inside which the position lies deepest. So the middle of a
      city is not named after a suburb, and a village near a city is not named after the city. There is no town where
      the nearest edge is more than 30 km away. The radius of a town depends on its population (``town_radius_km``).

    A position at sea has no names. A region can be "" in the gazetteer (Singapore); towns without a region count with
    every region of their country. Names are cached, because answers often repeat the same places.
    """
    return [named.names for named in _names(points)]


def town_index(points: ArrayLike) -> NDArray[np.int64]:
    """Return the numbers (n,) of the towns after which ``place_names`` names positions (n, 2); -1 for no town."""
    return np.array([named.town for named in _names(points)], np.int64)


def _names(points: ArrayLike) -> list[_Named]:
    keys = [tuple(point) for point in sphere.points(points).tolist()]
    cached = _names_by_view(countries().view)
    if len(cached) > NAMES_KEPT:
        cached.clear()
    new = list(dict.fromkeys(key for key in keys if key not in cached))
    if new:
        cached.update(zip(new, _names_of(np.array(new)), strict=True))
    return [cached[key] for key in keys]


@functools.cache
def _names_by_view(view: str) -> dict[tuple[float, float], _Named]:
    """Return the cached names by position; each point of view on borders has its own."""
    return {}


def _names_of(p: sphere.Points) -> list[_Named]:
    country, division = region_index(p).T
    towns, known = gazetteer(), countries()
    numbers, of_town = divisions()
    named = np.full(len(p), -1)
    for number in np.unique(division[division >= 0]):
        rows = np.flatnonzero(division == number)
        whole = numbers.get((code_and_region(number)[0], ""), number)
        own = np.flatnonzero((of_town == number) | (of_town == whole))
        radius = town_radius_km(towns.populations[own])
        for row in rows:
            beyond = sphere.distance_km(p[row], towns.points[own]) - radius
            best = int(np.argmin(beyond))
            if beyond[best] <= NAME_KM:
                named[row] = own[best]
    return [
        _Named(
            PlaceName(
                towns.name(town) if town >= 0 else None,
                (code_and_region(number)[1] or None) if number >= 0 else None,
                known.all[index].name if index >= 0 else None,
                known.all[index].code if index >= 0 else None,
            ),
            town,
        )
        for town, number, index in zip(named.tolist(), division, country, strict=True)
    ]


def town_radius_km(population: ArrayLike) -> NDArray[np.float64]:
    """Return how far towns reach from their centre, in km: 0.5 for 1,000 inhabitants, 2.0 for 50,000, 5.6 for a
    million.

    A rule of thumb, 0.5 km (population / 1000)^0.35: large towns are built more densely than small ones.
    """
    return 0.5 * (np.asarray(population, np.float64) / 1000) ** 0.35


@functools.cache
def divisions() -> tuple[dict[tuple[str, str], int], NDArray[np.int64]]:
    """Return the number of each first-order division by (country code, region), and the number for each town, (n,)."""
    pairs, of_town = gazetteer().divisions
    return {pair: number for number, pair in enumerate(pairs)}, of_town


def code_and_region(division: int) -> tuple[str, str]:
    """Return the country code and the name of a first-order division by its number."""
    return gazetteer().divisions[0][division]


def region_index(points: ArrayLike) -> NDArray[np.int64]:
    """Return the numbers (n, 2) of the country and the first-order division of each position (n, 2); -1 for none.

    The division is the one that the nearest town of the same country within 100 km lies in.
    """
    p = sphere.points(points)
    country = countries().index_of(p)
    return np.stack([country, division_index(p, country)], axis=1)


def division_index(points: ArrayLike, country: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the second column of ``region_index`` for positions (n, 2) whose countries (n,) are known."""
    p = sphere.points(points)
    towns, known, of_town = gazetteer(), countries(), divisions()[1]
    division = np.full(len(p), -1)
    for number in np.unique(country[country >= 0]):
        rows = np.flatnonzero(country == number)
        km, nearest = towns.nearest(p[rows], known.all[number].code)
        division[rows] = np.where(km <= REGION_KM, of_town[nearest], -1)
    # a part of a country on the map may have a code of its own in the gazetteer, such as Réunion
    rest = np.flatnonzero((country >= 0) & (division < 0))
    if len(rest):
        km, nearest = towns.nearest(p[rest])
        inside = (km <= REGION_KM) & (known.index_of(towns.points[nearest]) == country[rest])
        division[rest] = np.where(inside, of_town[nearest], -1)
    return division
