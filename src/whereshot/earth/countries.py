"""Countries: their names, codes and borders, and the country of each position."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from whereshot.earth import sphere
from whereshot.foundation import package_data, tables
from whereshot.foundation.errors import InputError, nearest_name

SHORE_DEGREES = 0.5
"""A point at most this far off a coast belongs to the country, because borders are drawn at 1:50 million."""


DEGREE = 100_000
"""Borders and the prior's places are stored as multiples of 1/100,000 degree, about a metre."""


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
        table = package_data.read_table("earth/data/countries.parquet")
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
        """Return the number (n,) of the country that holds each position, or lies within half a degree of it; else
        -1.
        """
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
        """Yield each country with the rows of the shapes whose boxes meet the box of its borders."""
        rows, country = self._tree.query(shapes)
        for number in np.unique(country):
            yield int(number), rows[country == number]

    def _prepared(self, number: int) -> BaseGeometry:
        """Return the borders of a country, prepared for many tests of points."""
        geometry = self.all[number].geometry
        shapely.prepare(geometry)
        return geometry

    def find(self, name: str) -> Country:
        """Return a country by any of its names or its ISO code, accents and case aside. Raises UnknownCountryError."""
        wanted = fold(name)
        if wanted in OTHER_NAMES:
            return self.by_code[OTHER_NAMES[wanted]]
        for country in self.all:
            if wanted in country.names:
                return country
        known = {fold(country.name) for country in self.all}
        raise UnknownCountryError(f"no country {name!r} and no such file; {nearest_name(wanted, known)[:200]}")


def _array(shapes: BaseGeometry | NDArray[np.object_]) -> NDArray[np.object_]:
    """Return an array of shapes. shapely makes arrays of arrays, but its types allow a single geometry too."""
    return np.asarray(shapes, dtype=object)


def decoded_borders(table: pa.Table) -> NDArray[np.object_]:
    """Return the geometries (n,) of the columns "longitude" and "latitude": see ``encoded_borders``."""
    steps = [table[name].combine_chunks() for name in ("longitude", "latitude")]
    offsets: list[NDArray[np.int64]] = []
    parts = steps[0]
    while pa.types.is_list(parts.type):
        offsets.insert(0, tables.numbers(parts.offsets).astype(np.int64))
        parts = parts.values
    degrees = np.stack([tables.numbers(_flat(column)).cumsum(dtype=np.int64) / DEGREE for column in steps], axis=1)
    shapes = shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, degrees, tuple(offsets))
    return np.array([shape.geoms[0] if len(shape.geoms) == 1 else shape for shape in shapes])


def encoded_borders(geometries: Sequence[BaseGeometry]) -> dict[str, pa.Array]:
    """Return geometries as columns "longitude" and "latitude": lists of polygons of rings of steps in ``DEGREE``.

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
    """Return the countries, read once."""
    return Countries()


def fold(text: str) -> str:
    """Return a text without case, accents and kinds of apostrophe: "Côte d’Ivoire" gives "cote d'ivoire"."""
    decomposed = unicodedata.normalize("NFKD", text.replace("’", "'"))
    return "".join(char for char in decomposed if not unicodedata.combining(char)).casefold().strip()
