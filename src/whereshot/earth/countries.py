"""Countries: their names, codes and borders, and the country of each position."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from whereshot.earth import country_names, country_shapes, near_names, sphere
from whereshot.foundation.errors import InputError

SHORE_DEGREES = 0.5
"""A point at most this far off a coast belongs to the country."""


class UnknownCountryError(InputError):
    """No country has this name."""


@dataclass(frozen=True)
class Country:
    """A country or territory with an ISO 3166 code of its own (and XK, Kosovo)."""

    code: str
    name: str
    geometry: BaseGeometry


class Countries:
    """All countries and their borders, by a point of view of ``country_shapes.POINTS_OF_VIEW``."""

    def __init__(self, view: str = country_shapes.POINTS_OF_VIEW[0]) -> None:
        self.view = view
        self.codes = np.array(list(country_names.english_names()))
        self.number_of = {str(code): number for number, code in enumerate(self.codes)}
        self._grid = country_shapes.read_grid(view)

    @functools.cached_property
    def all(self) -> tuple[Country, ...]:
        """All countries, in the order of their codes. Borders are read when they are first needed."""
        named = zip(country_names.english_names().items(), country_shapes.read_shapes(self.view), strict=True)
        return tuple(Country(code, name, shape) for (code, name), shape in named)

    @functools.cached_property
    def by_code(self) -> dict[str, Country]:
        """ISO code -> country."""
        return {country.code: country for country in self.all}

    @functools.cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree([country.geometry for country in self.all])

    def index_of(self, points: ArrayLike) -> NDArray[np.int64]:
        """Return the number (n,) of the country that holds each position, or lies within half a degree of it; else
        -1.
        """
        p = sphere.points(points)
        held = country_shapes.grid_values(self._grid, p)
        found = np.maximum(held.astype(np.int64) - country_shapes.FIRST_COUNTRY, -1)
        unsure = np.flatnonzero(held == country_shapes.UNSURE)
        if len(unsure):
            found[unsure] = self._index_by_borders(p[unsure])
        return found

    def _index_by_borders(self, p: sphere.Points) -> NDArray[np.int64]:
        """Return the same, without the grid."""
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
            # measuring is slow, and few points at sea are near two countries
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
        """Return a country by any of its names or its ISO code. Raises UnknownCountryError.

        ``country_names.find_codes`` has the names; if several countries have the name, the first is returned.
        """
        codes = country_names.find_codes(name)
        if not codes:
            raise UnknownCountryError(f"no country {name!r}{near_names.hint(name)}")
        return self.by_code[codes[0]]

    def with_parts(self, country: Country) -> tuple[Country, ...]:
        """Return a country and its integral parts that have a code of their own, such as France and Réunion."""
        return (country, *(self.by_code[code] for code in country_names.INTEGRAL_PARTS.get(country.code, ())))


def whole(country: Country) -> BaseGeometry:
    """Return the shape of a country with its integral parts that have a code of their own."""
    parts = countries().with_parts(country)
    return country.geometry if len(parts) == 1 else shapely.union_all([part.geometry for part in parts])


def _array(shapes: BaseGeometry | NDArray[np.object_]) -> NDArray[np.object_]:
    """Return an array of shapes. shapely makes arrays of arrays, but its types allow a single geometry too."""
    return np.asarray(shapes, dtype=object)


def countries() -> Countries:
    """Return the countries by the chosen point of view, read once."""
    return _countries_of(country_shapes.point_of_view())


@functools.cache
def _countries_of(view: str) -> Countries:
    return Countries(view)
