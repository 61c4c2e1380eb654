"""Names in, areas out: countries, first-order regions ("Bavaria", "England", "Punjab, India"), and GeoJSON files.

Borders of regions are not at hand. A region is drawn as the part of its country that is nearer to one of its towns than
to those of other regions (a Voronoi diagram of the gazetteer's towns), as ``places.region_index`` tells regions.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import shapely
from shapely.affinity import scale, translate

from whereshot import places, rings, sphere
from whereshot.errors import InputError, nearest_name
from whereshot.gazetteer import gazetteer, name_keys

MARGIN_DEGREES = 1.5
"""Towns this far outside a region's own may share a border with it."""


class Division(NamedTuple):
    """A first-order region of a country."""

    name: str
    country_code: str
    number: int
    """As in ``places.region_index``."""
    people: int
    """Inhabitants of its towns."""

    @property
    def country(self) -> str:
        """The country's English name."""
        known = places.countries().by_code.get(self.country_code)
        return self.country_code if known is None else known.name


@functools.cache
def _by_key() -> dict[str, tuple[Division, ...]]:
    numbers, of_town = places.divisions()
    people = np.bincount(of_town, gazetteer().populations, minlength=len(numbers)).astype(int).tolist()
    named = [(key, number) for key, number in numbers.items() if key[1]]
    found: dict[str, list[Division]] = {}
    for key, ((code, name), number) in zip(name_keys([name for (_, name), _ in named]), named, strict=True):
        found.setdefault(key, []).append(Division(name, code, number, people[number]))
    return {key: tuple(sorted(some, key=lambda one: -one.people)) for key, some in found.items()}


def find_divisions(text: str) -> tuple[Division, ...]:
    """First-order regions of a name, accents and case aside, the most populous first; "Punjab, India" has one.

    Names are those of the gazetteer, in English where it has them so. No such region gives an empty tuple.
    """
    name, _, land = (part.strip() for part in text.partition(","))
    found = _by_key().get(name_keys([name])[0], ())
    if land:
        try:
            code = places.countries().find(land).code
        except InputError:
            return ()
        found = tuple(division for division in found if division.country_code == code)
    return found


def area_of(division: Division) -> places.Region:
    """The area of a region, with the coasts and borders of its country at 1:50 million."""
    towns, of_town = gazetteer(), places.divisions()[1]
    known = places.countries()
    rows = towns.in_country(division.country_code)
    own = rows[of_town[rows] == division.number]
    middle = float(sphere.latlon(sphere.xyz(towns.points[own]).sum(axis=0))[1])
    turned = towns.points[rows, ::-1].copy()  # longitudes count from the region's middle: far from the date line
    turned[:, 0] = (turned[:, 0] - middle + 180) % 360 - 180
    is_own = of_town[rows] == division.number
    (west, south), (east, north) = turned[is_own].min(axis=0), turned[is_own].max(axis=0)
    box = shapely.box(
        max(west - MARGIN_DEGREES, -180),
        max(south - MARGIN_DEGREES, -90),
        min(east + MARGIN_DEGREES, 180),
        min(north + MARGIN_DEGREES, 90),
    )
    near = np.flatnonzero(shapely.intersects_xy(box, *turned.T))
    spots, first = np.unique(turned[near], axis=0, return_index=True)
    is_own = is_own[near[first]]
    narrower = max(0.05, float(np.cos(np.radians((south + north) / 2))))  # degrees of longitude are shorter
    if is_own.all():
        area = box
    else:
        sites = shapely.MultiPoint(spots * [narrower, 1.0])
        stretched = scale(box, narrower, 1.0, origin=(0, 0))
        cells = shapely.get_parts(shapely.voronoi_polygons(sites, extend_to=stretched, ordered=True))
        area = scale(shapely.union_all(cells[is_own]), 1 / narrower, 1.0, origin=(0, 0))
    area = rings.mended(translate(shapely.intersection(area, box), middle))
    if division.country_code in known.by_code:
        country: places.Country | None = known.by_code[division.country_code]
    else:  # what the map draws as a part of another country: Réunion
        number = int(known.index_of(towns.points[own[:1]])[0])
        country = known.all[number] if number >= 0 else None
    inside = area
    if country is not None:
        clipped = shapely.intersection(area, country.geometry)
        inside = clipped if clipped.area else area
    shapes = [part for part in shapely.get_parts(inside) if part.geom_type == "Polygon"]
    return places.Region(f"{division.name}, {division.country}", shapely.union_all(shapes))


def read_area(text: str) -> places.Region:
    """A country or a first-order region by name, or the polygons of a GeoJSON file. Raises InputError."""
    try:
        return places.read_region(text)
    except places.UnknownCountryError:
        pass
    found = find_divisions(text)
    if found:
        return area_of(found[0])
    known = {country.name for country in places.countries().all}
    known |= {division.name for some in _by_key().values() for division in some}
    hint = nearest_name(places.fold(text), map(places.fold, known))[:200]
    raise InputError(f"no country or region {text!r} and no such file; {hint}")
