"""Find areas by name: countries, first-order regions ("Bavaria", "England", "Punjab, India"), wide regions ("Siberia"),
and files of polygons.

The package has no borders of regions. A region is drawn as the part of its country that is nearer to a town of the
region than to a town of any other region: a Voronoi diagram of the gazetteer's towns, the same rule as in
``place_names.region_index``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.affinity import scale, translate
from shapely.geometry.base import BaseGeometry

from whereshot.earth import border_files, near_names, place_names, polygons, sphere
from whereshot.earth.countries import Country, UnknownCountryError, countries, whole
from whereshot.earth.divisions import NamedArea, find_divisions
from whereshot.earth.towns import gazetteer
from whereshot.earth.wide_regions import WideRegion, find_wide_region
from whereshot.foundation.errors import InputError

MARGIN_DEGREES, RIVALS_DEGREES = 1.5, 5.0
"""Km. A region reaches at most the first distance beyond its towns. Towns of other regions count up to the second."""


def area_of(division: NamedArea) -> Region:
    """Return the area of a region, with the coasts and borders of its country."""
    if division.division is None:
        return area_of_country(countries().by_code[division.country_code])
    return _area_of_divisions(f"{division.name}, {division.country}", division.country_code, (division.division,))


def _area_of_divisions(name: str, code: str, divisions: tuple[int, ...]) -> Region:
    """Return some divisions of a country as one area."""
    towns, of_town = gazetteer(), place_names.divisions()[1]
    known = countries()
    rows = towns.in_country(code)
    own = rows[np.isin(of_town[rows], divisions)]
    middle = float(sphere.latlon(sphere.xyz(towns.points[own]).sum(axis=0))[1])
    # longitudes count from the region's middle, far from the date line
    turned = polygons.swap_axes(towns.points[rows]).copy()
    turned[:, 0] = (turned[:, 0] - middle + 180) % 360 - 180
    is_own = np.isin(of_town[rows], divisions)
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
    clipped = shapely.intersection(area, known.by_code[code].geometry)
    inside = clipped if clipped.area else area
    shapes = [part for part in shapely.get_parts(inside) if part.geom_type == "Polygon"]
    return Region(name, shapely.union_all(shapes), (code,), divisions)


def area_of_wide_region(wide: WideRegion) -> Region:
    """Return the area of a wide region: its countries and divisions, or what of them lies inside its outline."""
    known, numbers = countries(), place_names.divisions()[0]
    outline = shapely.Polygon([(longitude, latitude) for latitude, longitude in wide.outline])
    parts = []
    if wide.codes:
        shapes = [known.by_code[code].geometry for code in wide.codes]
        if wide.outline:  # before the union, which takes long for whole countries
            shapes = [shapely.intersection(shape, outline) for shape in shapes]
        parts.append(Region(wide.name, shapely.GeometryCollection(shapes), wide.codes))
    for code in dict.fromkeys(code for code, _ in wide.divisions):
        own = tuple(numbers[pair] for pair in wide.divisions if pair[0] == code)
        part = _area_of_divisions(wide.name, code, own)
        if wide.outline:
            part = replace(part, geometry=shapely.intersection(part.geometry, outline))
        parts.append(part)
    if wide.outline:
        parts = [replace(part, outline=outline) for part in parts]
    geometry = polygons.areas_only(
        shapely.union_all([leaf for part in parts for leaf in shapely.get_parts(part.geometry)])
    )
    if len(parts) == 1:
        return replace(parts[0], geometry=geometry)
    return Region(wide.name, geometry, wide.all_codes, parts=tuple(parts))


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
    """Return a country, a first-order division ("Bavaria") or a wide region ("Siberia", "Asia", "EU") by name.

    No file is read. A country has its integral parts: France has Réunion. Raises UnknownAreaError.
    """
    try:
        return area_of_country(countries().find(name))
    except UnknownCountryError:
        pass
    wide = find_wide_region(name)
    if wide is not None:
        return area_of_wide_region(wide)
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
    divisions: tuple[int, ...] = ()
    """Numbers of its first-order divisions, as in ``place_names.region_index``; () for whole countries and polygons."""
    outline: BaseGeometry | None = None
    """Only what lies inside it belongs to the area; None for no such limit."""
    parts: tuple[Region, ...] = ()
    """The areas that it consists of, where these are countries and divisions of others; else ()."""

    def holds(self, points: ArrayLike) -> NDArray[np.bool_]:
        """Return which positions (n, 2) lie inside.

        Coasts are simplified, so a town on a beach can lie outside the polygons. So the area of a country holds what
        ``place_names`` has in the country, which reaches half a degree into the sea. A division holds the positions
        whose nearest town of the country is its own, and its polygons hold what is more than 100 km from all towns.
        """
        p = sphere.points(points)
        if not self.codes:
            return self._drawn(p)
        return self._held(p, countries().index_of(p))

    def _drawn(self, p: sphere.Points) -> NDArray[np.bool_]:
        return np.asarray(shapely.intersects_xy(self.geometry, p[:, 1], p[:, 0]))

    def _held(self, p: sphere.Points, country: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return the same for positions whose countries (n,) are known, of an area with countries."""
        if self.parts:
            return np.asarray(np.any([part._held(p, country) for part in self.parts], axis=0), bool)
        inside = np.isin(country, [countries().number_of[code] for code in self.codes])
        if self.outline is not None:
            inside &= np.asarray(shapely.intersects_xy(self.outline, p[:, 1], p[:, 0]))
        if not self.divisions:
            return inside | self._drawn(p)
        rows = np.flatnonzero(inside)
        division = place_names.division_index(p[rows], country[rows])
        held = self._drawn(p)
        held[rows] = np.where(division >= 0, np.isin(division, self.divisions), held[rows])
        return held

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
