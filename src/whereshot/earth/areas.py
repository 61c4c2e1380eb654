"""Find areas by name: countries, first-order regions ("Bavaria", "England", "Punjab, India"), and files of polygons.

The package has no borders of regions. A region is drawn as the part of its country that is nearer to a town of the
region than to a town of any other region: a Voronoi diagram of the gazetteer's towns, the same rule as in
``place_names.region_index``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.affinity import scale, translate
from shapely.geometry.base import BaseGeometry

from whereshot.earth import border_files, country_names, near_names, place_names, polygons, sphere
from whereshot.earth.countries import Country, UnknownCountryError, countries, whole
from whereshot.earth.divisions import NamedArea, find_divisions
from whereshot.earth.towns import gazetteer
from whereshot.foundation.errors import InputError

MARGIN_DEGREES, RIVALS_DEGREES = 1.5, 5.0
"""Km. A region reaches at most the first distance beyond its towns. Towns of other regions count up to the second."""


def area_of(division: NamedArea) -> Region:
    """Return the area of a region, with the coasts and borders of its country."""
    towns, of_town = gazetteer(), place_names.divisions()[1]
    known = countries()
    rows = towns.in_country(division.country_code)
    own = rows[of_town[rows] == division.division]
    middle = float(sphere.latlon(sphere.xyz(towns.points[own]).sum(axis=0))[1])
    # longitudes count from the region's middle, far from the date line
    turned = polygons.swap_axes(towns.points[rows]).copy()
    turned[:, 0] = (turned[:, 0] - middle + 180) % 360 - 180
    is_own = of_town[rows] == division.division
    (west, south), (east, north) = turned[is_own].min(axis=0), turned[is_own].max(axis=0)
    box = shapely.box(
        max(west - MARGIN_DEGREES, -180),
        max(south - MARGIN_DEGREES, -90),
        min(east + MARGIN_DEGREES, 180),
        min(north + MARGIN_DEGREES, 90),
    )
    (west, south), (east, north) = (
        turned[is_own].min(axis=0) - RIVALS_DEGREES,
        turned[is_own].max(axis=0) + RIVALS_DEGREES,
    )
    near = np.flatnonzero(((turned >= [west, south]) & (turned <= [east, north])).all(axis=1))
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
    area = polygons.repaired(translate(shapely.intersection(area, box), middle))
    clipped = shapely.intersection(area, known.by_code[division.country_code].geometry)
    inside = clipped if clipped.area else area
    shapes = [part for part in shapely.get_parts(inside) if part.geom_type == "Polygon"]
    name = f"{division.name}, {division.country}"
    return Region(name, shapely.union_all(shapes), (division.country_code,), division.division)


def area_of_country(country: Country) -> Region:
    """Return the area of a country with its integral parts: France has Réunion."""
    return Region(country.name, whole(country), tuple(part.code for part in countries().with_parts(country)))


def read_area(text: str) -> Region:
    """Return an area by name, or the polygons of a file. Raises InputError for an unknown name.

    ``named_area`` knows the names. Files are GeoJSON, GeoPackage or GeoParquet.
    """
    try:
        return read_region(text)
    except UnknownCountryError:
        pass
    try:
        return named_area(text)
    except UnknownAreaError as error:
        raise InputError(f"no country or region {text!r} and no such file; {error.hint}") from None


class UnknownAreaError(InputError):
    """No country and no region has the ``name``; ``hint`` has the nearest known name, or says what is expected."""

    def __init__(self, name: str, hint: str) -> None:
        super().__init__(f"no country or region {name!r}; {hint}")
        self.name, self.hint = name, hint


def named_area(name: str) -> Region:
    """Return a country, a first-order division ("Bavaria"), a continent or the European Union ("EU") by name.

    No file is read. A country has its integral parts: France has Réunion. Raises UnknownAreaError.
    """
    try:
        return area_of_country(countries().find(name))
    except UnknownCountryError:
        pass
    together = country_names.find_group(name)
    if together is not None:
        group, codes = together
        parts = [area_of_country(countries().by_code[code]) for code in codes]
        geometry = shapely.union_all([part.geometry for part in parts])
        return Region(group, geometry, tuple(code for part in parts for code in part.codes))
    found = find_divisions(name)
    if found:
        return area_of(found[0])
    near = near_names.near_name(name)
    raise UnknownAreaError(
        name, f"did you mean {near!r}?" if near else "give a country, a region of one, or a continent"
    )


@dataclass(frozen=True)
class Region:
    """An area that an answer is restricted to."""

    name: str
    geometry: BaseGeometry
    codes: tuple[str, ...] = ()
    """ISO codes of its countries, or of the country that it is a division of; () for the polygons of a file."""
    division: int | None = None
    """Number of the first-order division, as in ``place_names.region_index``; None for whole countries and polygons."""

    def holds(self, points: ArrayLike) -> NDArray[np.bool_]:
        """Return which positions (n, 2) lie inside.

        Coasts are simplified, so a town on a beach can lie outside the polygons. So the area of a country holds what
        ``place_names`` has in the country, which reaches half a degree into the sea. A division holds the positions
        whose nearest town of the country is its own, and its polygons hold what is more than 100 km from all towns.
        """
        p = sphere.points(points)
        drawn = np.asarray(shapely.intersects_xy(self.geometry, p[:, 1], p[:, 0]))
        if not self.codes:
            return drawn
        known = countries()
        country = known.index_of(p)
        inside = np.isin(country, [known.number_of[code] for code in self.codes])
        if self.division is None:
            return inside | drawn
        rows = np.flatnonzero(inside)
        division = place_names.division_index(p[rows], country[rows])
        drawn[rows] = np.where(division >= 0, division == self.division, drawn[rows])
        return drawn

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
    """Return a country by name or code, or the polygons of a file: GeoJSON, GeoPackage, GeoParquet.

    A country has its integral parts: France has Réunion. Raises InputError; UnknownCountryError for an unknown name.
    """
    path = Path(text)
    if path.suffix.lower() in (".geojson", ".json") or path.is_file():
        return Region(path.stem, border_files.read_area(path))
    try:
        country = countries().find(text)
    except UnknownCountryError:
        raise UnknownCountryError(f"no country {text!r} and no such file{near_names.hint(text)}") from None
    return area_of_country(country)
