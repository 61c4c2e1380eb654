"""Offline knowledge of places: country borders, names of points, and where photos are taken at all (the prior).

Points and posteriors in, countries, regions and towns out; names and GeoJSON files in, towns and areas out. The tables
are built by ``scripts/build_places.py`` from Natural Earth (public domain) and the package geoclip (MIT); the towns are
the gazetteer's.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from whereshot import arrow, borders, shipped, sphere
from whereshot.errors import InputError, nearest_name
from whereshot.gazetteer import Gazetteer, gazetteer, name_keys
from whereshot.posterior import Posterior

SHORE_DEGREES = 0.5
"""Borders are drawn at 1:50 million: a point this far off a coast still belongs to it."""

REGION_KM = 100.0
"""The nearest town at most this far away tells the region of a point."""

NAME_KM = 30.0
"""A point at most this far outside a town is named after it."""

NAMES_KEPT = 100_000

QUALIFIER_KM = 100.0
"""In "Altafulla, Tarragona" the second town is at most this far from the first."""

DEGREE = 100_000
"""Borders and the prior's places are kept in these parts of a degree, about a metre."""

OTHER_NAMES = {
    "burma": "MM",
    "east timor": "TL",
    "great britain": "GB",
    "holland": "NL",
    "ivory coast": "CI",
    "swaziland": "SZ",
    "uk": "GB",
}
"""Names in daily use that are in neither ISO 3166 nor CLDR."""


@functools.cache
def density_prior() -> Posterior:
    """Where photos are taken at all: one row on about 24,000 places, nowhere zero."""
    table = shipped.read_table("photo_density", ["latitude", "longitude", "mass", "spread_km"])
    degrees = [arrow.numbers(table[name]) / DEGREE for name in ("latitude", "longitude")]
    mass, spread_km = (arrow.numbers(table[name]) for name in ("mass", "spread_km"))
    return Posterior.from_mass(np.stack(degrees, axis=1), mass[None], spread_km)


@functools.cache
def prior_countries() -> NDArray[np.int64]:
    """Number (k,) of the country of each place of the prior, as ``Countries.index_of`` gives it, which takes longer."""
    codes, number = arrow.strings(shipped.read_table("photo_density", ["country_code"])["country_code"])
    known = countries().number_of
    result: NDArray[np.int64] = np.array([known.get(code, -1) for code in codes])[number]
    return result


class UnknownCountryError(InputError):
    """No country is called so."""


@dataclass(frozen=True)
class Country:
    """A country or territory with an ISO 3166 code of its own (and XK, Kosovo)."""

    code: str
    name: str
    names: frozenset[str]
    geometry: BaseGeometry


class Countries:
    """All countries and their borders."""

    def __init__(self) -> None:
        table = shipped.read_table("countries")
        named = table.select(["country_code", "country_code3", "name", "names"]).to_pylist()
        self.all = tuple(
            Country(
                row["country_code"],
                row["name"],
                frozenset(
                    fold(text) for text in (row["country_code"], row["country_code3"], row["name"], *row["names"])
                ),
                geometry,
            )
            for row, geometry in zip(named, decoded_borders(table), strict=True)
        )
        self.codes = np.array([country.code for country in self.all])
        self.by_code = {country.code: country for country in self.all}
        self.number_of = {country.code: number for number, country in enumerate(self.all)}
        self._tree = shapely.STRtree([country.geometry for country in self.all])

    def index_of(self, points: ArrayLike) -> NDArray[np.int64]:
        """Number (n,) of the country that holds each position, or lies within half a degree of it; else -1."""
        p = sphere.points(points)
        found = np.full(len(p), -1)
        x, y = p[:, 1], p[:, 0]
        for number, rows in self._boxed(_array(shapely.points(x, y))):
            found[rows[shapely.intersects_xy(self._prepared(number), x[rows], y[rows])]] = number
        open_sea = np.flatnonzero(found < 0)
        coast = np.full(len(p), np.inf)
        west, south, east, north = (np.stack([x, y, x, y]) + SHORE_DEGREES * np.array([[-1], [-1], [1], [1]]))[
            :, open_sea
        ]
        around = _array(shapely.box(west, south, east, north))
        for number, boxed in self._boxed(around):
            rows = open_sea[boxed]
            shapes = _array(shapely.points(x[rows], y[rows]))
            near = shapely.dwithin(self._prepared(number), shapes, SHORE_DEGREES)
            rows, shapes = rows[near], shapes[near]
            # measuring is slow, and hardly any point of the sea is near two countries
            distance = np.where(found[rows] < 0, 0.0, np.inf)
            for which in np.flatnonzero(found[rows] >= 0):
                other = self.all[found[rows[which]]].geometry
                coast[rows[which]] = shapely.distance(other, shapes[which])
                distance[which] = shapely.distance(self.all[number].geometry, shapes[which])
            closer = distance < coast[rows]
            found[rows[closer]] = number
        return found

    def _boxed(self, shapes: NDArray[np.object_]) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Each country and the rows of the shapes whose boxes meet that of its borders."""
        rows, country = self._tree.query(shapes)
        for number in np.unique(country):
            yield int(number), rows[country == number]

    def _prepared(self, number: int) -> BaseGeometry:
        """A country's borders, ready for many questions."""
        geometry = self.all[number].geometry
        shapely.prepare(geometry)
        return geometry

    def find(self, name: str) -> Country:
        """A country by any of its names or its ISO code, accents and case aside. Raises UnknownCountryError."""
        wanted = fold(name)
        if wanted in OTHER_NAMES:
            return self.by_code[OTHER_NAMES[wanted]]
        for country in self.all:
            if wanted in country.names:
                return country
        known = {fold(country.name) for country in self.all}
        raise UnknownCountryError(f"no country {name!r} and no such file; {nearest_name(wanted, known)[:200]}")


def _array(shapes: BaseGeometry | NDArray[np.object_]) -> NDArray[np.object_]:
    """What shapely makes of arrays is an array; its types allow a single geometry, too."""
    return np.asarray(shapes, dtype=object)


def decoded_borders(table: pa.Table) -> NDArray[np.object_]:
    """The geometries (n,) of the columns "longitude" and "latitude": see ``encoded_borders``."""
    steps = [table[name].combine_chunks() for name in ("longitude", "latitude")]
    offsets: list[NDArray[np.int64]] = []
    parts = steps[0]
    while pa.types.is_list(parts.type):
        offsets.insert(0, arrow.numbers(parts.offsets).astype(np.int64))
        parts = parts.values
    degrees = np.stack([arrow.numbers(_flat(column)).cumsum(dtype=np.int64) / DEGREE for column in steps], axis=1)
    shapes = shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, degrees, tuple(offsets))
    return np.array([shape.geoms[0] if len(shape.geoms) == 1 else shape for shape in shapes])


def encoded_borders(geometries: Sequence[BaseGeometry]) -> dict[str, pa.Array]:
    """Geometries as columns "longitude" and "latitude": lists of polygons of rings of steps in ``DEGREE``.

    A step is the difference from the coordinate before, whatever ring or country that is of.
    """
    exact = shapely.set_precision(list(geometries), 1 / DEGREE)  # stays valid, as plain rounding does not
    whole = [shapely.MultiPolygon(shapely.get_parts(shape).tolist()) for shape in exact]
    _, coordinates, offsets = shapely.to_ragged_array(whole)
    steps = np.diff(np.round(coordinates * DEGREE).astype(np.int32), axis=0, prepend=0)
    columns = {}
    for axis, name in enumerate(("longitude", "latitude")):
        column = pa.array(steps[:, axis])
        for ends in offsets:
            column = pa.ListArray.from_arrays(pa.array(ends.astype(np.int32)), column)
        columns[name] = column
    return columns


def _flat(column: pa.Array) -> pa.Array:
    return _flat(column.values) if pa.types.is_list(column.type) else column


@functools.cache
def countries() -> Countries:
    """The countries, read once."""
    return Countries()


def fold(text: str) -> str:
    """Case, accents and the kind of apostrophe aside: "Côte d’Ivoire" -> "cote d'ivoire"."""
    decomposed = unicodedata.normalize("NFKD", text.replace("’", "'"))
    return "".join(char for char in decomposed if not unicodedata.combining(char)).casefold().strip()


def country_masses(
    posterior: Posterior, index: NDArray[np.int64] | None = None, least: float = 0.0
) -> list[list[tuple[str, float]]]:
    """For each row the countries with any mass, and at least so much, heaviest first, as (code, probability).

    ``index`` may give ``Countries.index_of`` of shared places. Mass at sea belongs to none.
    """
    known = countries()
    count = len(known.all) + 1
    if posterior.places.ndim == 2:
        totals = posterior.totals((known.index_of(posterior.places) if index is None else index) + 1, count)
    else:
        mass = posterior.mass
        own = (known.index_of(posterior.places[row]) + 1 for row in range(len(posterior)))
        totals = np.stack([np.bincount(group, mass[row], count) for row, group in enumerate(own)])
    rows = []
    for total in totals[:, 1:]:
        some = np.flatnonzero((total > 0) & (total >= least))
        order = some[np.argsort(-total[some])]
        rows.append(list(zip(known.codes[order].tolist(), total[order].tolist(), strict=True)))
    return rows


class PlaceName(NamedTuple):
    """What a point is called; None for what is not known of it."""

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
    """Town, region and country of each position (n, 2).

    The country is the one inside whose borders, or half a degree off whose coast, the position lies. The region is
    that of the country's nearest town within 100 km: borders of regions are not at hand. Of the region's towns the
    one is named whose edge is nearest, or inside which the position lies deepest, so that the middle of a city is not
    called after a suburb, nor a village near it after the city; none, if the nearest edge is more than 30 km away.
    How far a town reaches is judged by its population (``town_radius_km``). A position at sea has no names. A region
    may be "" in the gazetteer (Singapore); towns without one count with every region of their country. Names are kept:
    answers come again and again from the same places.
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
        whole = numbers.get((_code_and_region(number)[0], ""), number)
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
            (_code_and_region(number)[1] or None) if number >= 0 else None,
            known.all[index].name if index >= 0 else None,
            known.all[index].code if index >= 0 else None,
        )
        for name, number, index in zip(names, division, country, strict=True)
    ]


def town_radius_km(population: ArrayLike) -> NDArray[np.float64]:
    """How far towns reach from their centre, in km: 0.5 for 1,000 inhabitants, 2.0 for 50,000, 5.6 for a million.

    A rule of thumb, 0.5 km (population / 1000)^0.35: large towns are built more densely than small ones.
    """
    return 0.5 * (np.asarray(population, np.float64) / 1000) ** 0.35


@functools.cache
def divisions() -> tuple[dict[tuple[str, str], int], NDArray[np.int64]]:
    """(country code, region) -> number of that first-order division; and the number for each town, (n,)."""
    pairs, of_town = gazetteer().divisions
    return {pair: number for number, pair in enumerate(pairs)}, of_town


def _code_and_region(division: int) -> tuple[str, str]:
    return gazetteer().divisions[0][division]


def region_index(points: ArrayLike) -> NDArray[np.int64]:
    """Numbers (n, 2) of the country and the first-order division that each position (n, 2) is in; -1 for none.

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


def region_masses(
    posterior: Posterior, index: NDArray[np.int64] | None = None
) -> list[list[tuple[str, str | None, float]]]:
    """For each row the regions with any mass, heaviest first, as (country code, region, probability).

    ``index`` may give ``region_index`` of shared places. The region is None for mass that is in a country, but more
    than 100 km from its towns. Mass at sea belongs to none.
    """
    known = countries()
    shared = None if posterior.places.ndim == 3 else (region_index(posterior.places) if index is None else index)
    rows = []
    for row, mass in enumerate(posterior.mass):
        pairs, pair = np.unique(
            region_index(posterior.places[row]) if shared is None else shared, axis=0, return_inverse=True
        )
        total: dict[tuple[str, str | None], float] = {}
        for (country, division), share in zip(pairs.tolist(), np.bincount(pair.ravel(), mass).tolist(), strict=True):
            if country >= 0 and share > 0:
                region = (_code_and_region(division)[1] or None) if division >= 0 else None
                key = known.all[country].code, region
                total[key] = total.get(key, 0.0) + share
        rows.append([(*key, share) for key, share in sorted(total.items(), key=lambda item: -item[1])])
    return rows


def find_place(text: str) -> list[Town]:
    """Towns that a text may mean, the largest first: "Altafulla", "Paris, France", "Paris, TX", "Altafulla, Tarragona".

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
    """Which towns lie in the country or region of a name, or else near the town of that name."""
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
    """The country of a town; what the map draws as a part of another country belongs to that one."""
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


@dataclass(frozen=True)
class Region:
    """An area that an answer is restricted to."""

    name: str
    geometry: BaseGeometry

    def holds(self, points: ArrayLike) -> NDArray[np.bool_]:
        """Which positions (n, 2) lie inside."""
        p = sphere.points(points)
        return shapely.intersects_xy(self.geometry, p[:, 1], p[:, 0])

    def grid(self, count: int = 400) -> tuple[sphere.Points, NDArray[np.float64]]:
        """About ``count`` positions spread evenly over the area, and the steradians that each stands for.

        Every separate part has at least one.
        """
        # each part by itself: a mesh over all islands of an ocean would be nearly all water
        parts = [part for part in shapely.get_parts(self.geometry) if part.area]
        flat = [max(0.05, float(np.cos(np.radians(part.centroid.y)))) for part in parts]
        step = np.sqrt(sum(part.area * f for part, f in zip(parts, flat, strict=True)) / count)
        positions, area_sr = [], []
        for part, f in zip(parts, flat, strict=True):
            west, south, east, north = part.bounds
            latitude = np.arange(south + step / 2, north, step)
            longitude = np.arange(west + step / f / 2, east, step / f)
            mesh = np.stack(np.meshgrid(latitude, longitude, indexing="ij"), axis=-1).reshape(-1, 2)
            inside = mesh[shapely.intersects_xy(part, mesh[:, 1], mesh[:, 0])]
            if len(inside) == 0:
                inner = part.representative_point()
                inside = np.array([[inner.y, inner.x]])
            positions.append(inside)
            area_sr.append(part.area / len(inside) * np.cos(np.radians(inside[:, 0])) * (np.pi / 180) ** 2)
        return np.concatenate(positions), np.concatenate(area_sr)

    def restrict(self, posterior: Posterior, count: int = 400) -> Posterior:
        """The posterior, given that the truth lies inside.

        Its places inside the area, and a grid of about ``count`` positions over it weighted by the density, so that an
        area smaller than the places' distance is answered too.
        """
        grid, area_sr = self.grid(count)
        width_km = np.sqrt(area_sr / np.pi) * sphere.EARTH_KM
        rows = []
        for row in range(len(posterior)):
            one = posterior[row]
            places = one.places if one.places.ndim == 2 else one.places[0]
            spread = np.ravel(one.spread_km)
            inside = self.holds(places) & (spread < sphere.HALF_CIRCUMFERENCE_KM / 4)
            # a place inside counts by its mass; the grid counts what the places outside spill over the border
            left, spilled = float(one.mass[0, ~inside].sum()), np.full(len(grid), -np.inf)
            if left > 0:
                outside = Posterior(places[~inside], one.log_mass[:, ~inside], spread[~inside])
                spilled = np.log(left) + np.log(area_sr) + np.log(outside.map_density(grid))
            rows.append(
                Posterior(
                    np.concatenate([places[inside], grid]),
                    np.concatenate([one.log_mass[0, inside], spilled])[None],
                    np.concatenate([spread[inside], width_km]),
                )
            )
        return Posterior.concat(rows)


def read_region(text: str) -> Region:
    """A country by name or code, or the polygons of a file: GeoJSON, GeoPackage, GeoParquet. Raises InputError."""
    path = Path(text)
    if path.suffix.lower() in (".geojson", ".json") or path.is_file():
        return Region(path.stem, borders.read_area(path))
    country = countries().find(text)
    return Region(country.name, country.geometry)
