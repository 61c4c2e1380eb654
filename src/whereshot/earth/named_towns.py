"""Find the towns that a text may mean: "Altafulla", "Paris, Texas", "Portland OR", "Costa Rica, San José"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import country_names, sphere
from whereshot.earth.divisions import NamedArea, find_areas
from whereshot.earth.towns import gazetteer

QUALIFIER_KM = 100.0
"""Km. In "Altafulla, Tarragona" the second town is at most this far from the first."""

_SEPARATORS = re.compile(r"\s*[,;/|()\[\]\n、，（）]\s*")
_HYPHENS = re.compile(r"\s+[-–—]\s+")
"""Characters that separate a text without any other separator. They also occur inside names."""


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
    """The number of the town in the gazetteer."""


def find_place(text: str) -> list[Town]:
    """Return towns that a text may mean, the largest first; an empty list for none.

    A country, a region or another town near by narrows the choice: "Paris, TX", "Paris (Texas)", "Texas, Paris",
    "Altafulla, Tarragona". Commas, slashes, brackets and hyphens between blanks separate the parts. Without any, the
    last or the first words may be the country or region: "Springfield Illinois", "Oregon Portland".
    """
    parts = [part for part in _SEPARATORS.split(text) if part.strip()]
    if len(parts) == 1:
        parts = [part for part in _HYPHENS.split(parts[0]) if part.strip()]
    if not parts:
        return []
    whole = gazetteer().named(text)
    found = np.empty(0, np.int64) if "," in text else whole
    readings = (
        ()
        if len(found)
        else [(narrow, *reading) for narrow in (_in_areas, _near_towns) for reading in _readings(parts)]
    )
    for narrow, name, qualifiers in readings:
        found = gazetteer().named(name)
        for qualifier in qualifiers:
            found = narrow(found, qualifier)
        if len(found):
            break
    return [_town(int(index)) for index in (found if len(found) else whole)]


def _readings(parts: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield a town's name and what narrows it, the likeliest reading first."""
    if len(parts) > 1:
        yield parts[0], parts[1:]
        yield parts[-1], parts[:-1]
        return
    words = parts[0].split()
    for cut in range(len(words) - 1, 0, -1):
        yield " ".join(words[:cut]), [" ".join(words[cut:])]
    for cut in range(1, len(words)):
        yield " ".join(words[cut:]), [" ".join(words[:cut])]


def _in_areas(found: NDArray[np.int64], qualifier: str) -> NDArray[np.int64]:
    """Return the found towns that lie in the country or region of a name.

    Areas with that name come before areas with that code; parts of regions come last.
    """
    areas = find_areas(qualifier) if len(found) else ()
    for some in (
        [area for area in areas if not area.is_code and not area.is_part],
        [area for area in areas if area.is_code and not area.is_part],
        [area for area in areas if area.is_part],
    ):
        inside = held(found, some)
        if inside.any():
            return found[inside]
    return found[:0]


def _near_towns(found: NDArray[np.int64], qualifier: str) -> NDArray[np.int64]:
    """Return the found towns that lie in the country or region of a name, or else near a town of that name."""
    inside = _in_areas(found, qualifier)
    towns = gazetteer()
    other = towns.points[towns.named(qualifier)]
    if len(inside) or len(found) == 0 or len(other) == 0:
        return inside
    near: NDArray[np.int64] = found[
        (sphere.distance_km(towns.points[found][:, None], other) <= QUALIFIER_KM).any(axis=1)
    ]
    return near


def held(towns: NDArray[np.int64], areas: list[NamedArea]) -> NDArray[np.bool_]:
    """Return which towns (n,), by their numbers, lie in at least one of some areas."""
    inside = np.zeros(len(towns), bool)
    for area in areas:
        inside |= area.holds(towns)
    return inside


def _town(index: int) -> Town:
    towns = gazetteer()
    latitude, longitude = towns.points[index].tolist()
    code = str(towns.country_codes[index])
    return Town(
        towns.name(index),
        towns.regions[index] or None,
        country_names.english_name(code),
        code,
        latitude,
        longitude,
        int(towns.populations[index]),
        index,
    )
