"""Find areas by name: countries, first-order regions ("Bavaria", "England", "Punjab, India"), and files of polygons.

The package has no borders of regions. A region is drawn as the part of its country that is nearer to a town of the
region than to a town of any other region: a Voronoi diagram of the gazetteer's towns, the same rule as in
``place_names.region_index``.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.affinity import scale, translate
from shapely.geometry.base import BaseGeometry

from whereshot.earth import border_files, place_names, polygons, sphere
from whereshot.earth.countries import Country, UnknownCountryError, countries, fold
from whereshot.earth.name_index import name_keys
from whereshot.earth.towns import gazetteer
from whereshot.foundation.errors import InputError, nearest_name

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
        known = countries().by_code.get(self.country_code)
        return self.country_code if known is None else known.name


@functools.cache
def _by_key() -> dict[str, tuple[Division, ...]]:
    numbers, of_town = place_names.divisions()
    people = np.bincount(of_town, gazetteer().populations, minlength=len(numbers)).astype(int).tolist()
    named = [(key, number) for key, number in numbers.items() if key[1]]
    found: dict[str, list[Division]] = {}
    for key, ((code, name), number) in zip(name_keys([name for (_, name), _ in named]), named, strict=True):
        found.setdefault(key, []).append(Division(name, code, number, people[number]))
    return {key: tuple(sorted(some, key=lambda one: -one.people)) for key, some in found.items()}


def find_divisions(text: str) -> tuple[Division, ...]:
    """Return first-order regions of a name, accents and case aside, the most populous first; "Punjab, India" has one.

    Names are those of the gazetteer, in English where it has them so. No such region gives an empty tuple.
    """
    name, _, land = (part.strip() for part in text.partition(","))
    found = _by_key().get(name_keys([name])[0], ())
    if land:
        try:
            code = countries().find(land).code
        except InputError:
            return ()
        found = tuple(division for division in found if division.country_code == code)
    return found


def area_of(division: Division) -> Region:
    """Return the area of a region, with the coasts and borders of its country at 1:50 million."""
    towns, of_town = gazetteer(), place_names.divisions()[1]
    known = countries()
    rows = towns.in_country(division.country_code)
    own = rows[of_town[rows] == division.number]
    middle = float(sphere.latlon(sphere.xyz(towns.points[own]).sum(axis=0))[1])
    # longitudes count from the region's middle, far from the date line
    turned = polygons.swap_axes(towns.points[rows]).copy()
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
    area = polygons.mended(translate(shapely.intersection(area, box), middle))
    if division.country_code in known.by_code:
        country: Country | None = known.by_code[division.country_code]
    else:  # what the map draws as a part of another country: Réunion
        number = int(known.index_of(towns.points[own[:1]])[0])
        country = known.all[number] if number >= 0 else None
    inside = area
    if country is not None:
        clipped = shapely.intersection(area, country.geometry)
        inside = clipped if clipped.area else area
    shapes = [part for part in shapely.get_parts(inside) if part.geom_type == "Polygon"]
    return Region(f"{division.name}, {division.country}", shapely.union_all(shapes))


def read_area(text: str) -> Region:
    """Return a country or a first-order region by name, or the polygons of a GeoJSON file. Raises InputError."""
    try:
        return read_region(text)
    except UnknownCountryError:
        pass
    try:
        return named_area(text)
    except UnknownAreaError as error:
        raise InputError(f"no country or region {text!r} and no such file; {error.hint}") from None


class UnknownAreaError(InputError):
    """No country and no region has the ``name``; ``hint`` has the nearest known name."""

    def __init__(self, name: str, hint: str) -> None:
        super().__init__(f"no country or region {name!r}; {hint}")
        self.name, self.hint = name, hint


def named_area(name: str) -> Region:
    """Return a country or a first-order region by name; no file is read. Raises UnknownAreaError."""
    try:
        country = countries().find(name)
        return Region(country.name, country.geometry)
    except UnknownCountryError:
        pass
    found = find_divisions(name)
    if found:
        return area_of(found[0])
    known = {country.name for country in countries().all}
    known |= {division.name for some in _by_key().values() for division in some}
    raise UnknownAreaError(name, nearest_name(fold(name), map(fold, known))[:200])


@dataclass(frozen=True)
class Region:
    """An area that an answer is restricted to."""

    name: str
    geometry: BaseGeometry

    def holds(self, points: ArrayLike) -> NDArray[np.bool_]:
        """Return which positions (n, 2) lie inside."""
        p = sphere.points(points)
        return shapely.intersects_xy(self.geometry, p[:, 1], p[:, 0])

    def grid(self, count: int = 400) -> tuple[sphere.Points, NDArray[np.float64]]:
        """Return about ``count`` positions spread evenly over the area, and the steradians that each stands for.

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


def read_region(text: str) -> Region:
    """Return a country by name or code, or the polygons of a file: GeoJSON, GeoPackage, GeoParquet. Raises
    InputError.
    """
    path = Path(text)
    if path.suffix.lower() in (".geojson", ".json") or path.is_file():
        return Region(path.stem, border_files.read_area(path))
    country = countries().find(text)
    return Region(country.name, country.geometry)
