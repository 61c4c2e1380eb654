"""Name positions (town, region, country), and find the towns that a text may mean. All knowledge is offline.

The borders of countries are built by ``scripts/build_places.py`` from Natural Earth (public domain). The towns are
those of the gazetteer.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import sphere
from whereshot.earth.countries import Country, countries
from whereshot.earth.name_index import name_keys
from whereshot.earth.towns import Gazetteer, gazetteer
from whereshot.foundation.errors import InputError

REGION_KM = 100.0
"""A point has the region of the nearest town, if that town is at most this far away."""

NAME_KM = 30.0
"""A point at most this far outside a town is named after it."""

NAMES_KEPT = 100_000

QUALIFIER_KM = 100.0
"""In "Altafulla, Tarragona" the second town is at most this far from the first."""


class PlaceName(NamedTuple):
    """The names of a position: town, region and country. Names that are not known are None."""

    name: str | None
    region: str | None
    country: str | None
    country_code: str | None


class Town(NamedTuple):
    """A town of the gazetteer."""

    name: str
    region: str | None
    country: str
    country_code: str
    latitude: float
    longitude: float
    population: int
    index: int  # type: ignore[assignment]  # it hides the method of tuples, which nobody needs of a town
    """Its number in the gazetteer."""


def place_names(points: ArrayLike) -> list[PlaceName]:
    """Return town, region and country of each position (n, 2).

    * Country: its borders contain the position, or its coast is within half a degree.
    * Region: that of the country's nearest town within 100 km, because the package has no borders of regions.
    * Town: the town of the region whose edge is nearest, or inside which the position lies deepest. So the middle of a
      city is not named after a suburb, and a village near a city is not named after the city. There is no town where
      the nearest edge is more than 30 km away. The radius of a town depends on its population (``town_radius_km``).

    A position at sea has no names. A region can be "" in the gazetteer (Singapore); towns without a region count with
    every region of their country. Names are cached, because answers often repeat the same places.
    """
    keys = [tuple(point) for point in sphere.points(points).tolist()]
    if len(_named) > NAMES_KEPT:
        _named.clear()
    new = list(dict.fromkeys(key for key in keys if key not in _named))
    if new:
        _named.update(zip(new, _names_of(np.array(new)), strict=True))
    return [_named[key] for key in keys]


_named: dict[tuple[float, float], PlaceName] = {}


def _names_of(p: sphere.Points) -> list[PlaceName]:
    country, division = region_index(p).T
    towns, known = gazetteer(), countries()
    numbers, of_town = divisions()
    names: list[str | None] = [None] * len(p)
    for number in np.unique(division[division >= 0]):
        rows = np.flatnonzero(division == number)
        whole = numbers.get((code_and_region(number)[0], ""), number)
        own = np.flatnonzero((of_town == number) | (of_town == whole))
        radius = town_radius_km(towns.populations[own])
        for row in rows:
            beyond = sphere.distance_km(p[row], towns.points[own]) - radius
            best = int(np.argmin(beyond))
            if beyond[best] <= NAME_KM:
                names[row] = towns.name(own[best])
    return [
        PlaceName(
            name,
            (code_and_region(number)[1] or None) if number >= 0 else None,
            known.all[index].name if index >= 0 else None,
            known.all[index].code if index >= 0 else None,
        )
        for name, number, index in zip(names, division, country, strict=True)
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

    The division is that of the nearest town of the same country within 100 km.
    """
    p = sphere.points(points)
    towns, known, of_town = gazetteer(), countries(), divisions()[1]
    country, division = known.index_of(p), np.full(len(p), -1)
    for number in np.unique(country[country >= 0]):
        rows = np.flatnonzero(country == number)
        km, nearest = towns.nearest(p[rows], known.all[number].code)
        division[rows] = np.where(km <= REGION_KM, of_town[nearest], -1)
    # what the map draws as part of a country may have a code of its own in the gazetteer: Réunion
    rest = np.flatnonzero((country >= 0) & (division < 0))
    if len(rest):
        km, nearest = towns.nearest(p[rest])
        inside = (km <= REGION_KM) & (known.index_of(towns.points[nearest]) == country[rest])
        division[rest] = np.where(inside, of_town[nearest], -1)
    return np.stack([country, division], axis=1)


def find_place(text: str) -> list[Town]:
    """Return towns that a text may mean, the largest first: "Altafulla", "Paris, France", "Paris, TX", "Altafulla,
    Tarragona".

    What follows a comma narrows the choice: a country or region by name or code, or another town near by. Without
    commas the last words may do the same ("Springfield Illinois"). No town gives an empty list.
    """
    parts = [part for part in (part.strip() for part in text.split(",")) if part]
    if not parts:
        return []
    found = _narrowed(parts[0], parts[1:])
    if len(parts) > 1 and len(found) == 0:  # a comma inside a name
        found = gazetteer().named(text)
    words = text.split()
    if len(parts) == 1 and len(found) == 0:
        for cut in range(len(words) - 1, 0, -1):
            found = _narrowed(" ".join(words[:cut]), [" ".join(words[cut:])])
            if len(found):
                break
    return [_town(int(index)) for index in found]


def _narrowed(name: str, qualifiers: list[str]) -> NDArray[np.int64]:
    towns = gazetteer()
    found = towns.named(name)
    for qualifier in qualifiers:
        if len(found):
            found = found[_qualified(towns, found, qualifier)]
    return found


def _qualified(towns: Gazetteer, found: NDArray[np.int64], qualifier: str) -> NDArray[np.bool_]:
    """Return which towns lie in the country or region of a name, or else near the town of that name."""
    key = name_keys([qualifier])[0]
    try:
        code = countries().find(qualifier).code
    except InputError:
        code = ""
    own = list(zip(towns.country_codes[found], towns.regions[found], strict=True))
    region_keys = name_keys([region for _, region in own])
    inside: NDArray[np.bool_] = np.array(
        [
            _country_of(index).code == code
            or (key != "" and key in (region, towns.region_codes.get((land, name), "").casefold()))
            for index, (land, name), region in zip(found, own, region_keys, strict=True)
        ]
    )
    if inside.any():
        return inside
    other = towns.points[towns.named(qualifier)]
    if len(other) == 0:
        return inside
    result: NDArray[np.bool_] = (sphere.distance_km(towns.points[found][:, None], other) <= QUALIFIER_KM).any(axis=1)
    return result


def _country_of(index: int) -> Country:
    """Return the country of a town; what the map draws as a part of another country belongs to that one."""
    known, code = countries(), gazetteer().country_codes[index]
    if code in known.by_code:
        return known.by_code[code]
    number = int(known.index_of(gazetteer().points[index])[0])
    return known.all[number] if number >= 0 else Country(code, code, frozenset(), shapely.Polygon())


def _town(index: int) -> Town:
    towns, country = gazetteer(), _country_of(index)
    latitude, longitude = towns.points[index].tolist()
    return Town(
        towns.name(index),
        towns.regions[index] or None,
        country.name,
        country.code,
        latitude,
        longitude,
        int(towns.populations[index]),
        index,
    )
