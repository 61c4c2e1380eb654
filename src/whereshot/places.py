"""Offline knowledge of places: country borders, and where photos are taken at all (the prior).

Points and posteriors in, countries out; names and GeoJSON files in, areas out. The tables are built by
``scripts/build_places.py`` from Natural Earth (public domain) and the package geoclip (MIT).
"""

from __future__ import annotations

import functools
import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.affinity import translate

from whereshot import sphere
from whereshot.errors import InputError, nearest_name
from whereshot.posterior import Posterior

SHORE_DEGREES = 0.5
"""Borders are drawn at 1:50 million: a point this far off a coast still belongs to it."""


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
    table = _read("photo_density")
    columns = [table[name].to_numpy().astype(np.float64) for name in ("latitude", "longitude", "mass", "spread_km")]
    return Posterior.from_mass(np.stack(columns[:2], axis=1), columns[2][None], columns[3])


def _read(name: str) -> Any:
    with resources.as_file(resources.files("whereshot") / "data" / f"{name}.parquet") as path:
        return pq.read_table(path)


@dataclass(frozen=True)
class Country:
    """A country or territory with an ISO 3166 code of its own (and XK, Kosovo)."""

    code: str
    name: str
    names: frozenset[str]
    geometry: shapely.Geometry


class Countries:
    """All countries and their borders."""

    def __init__(self) -> None:
        self.all = tuple(
            Country(
                row["country_code"],
                row["name"],
                frozenset(
                    fold(text) for text in (row["country_code"], row["country_code3"], row["name"], *row["names"])
                ),
                shapely.from_wkb(row["geometry"]),
            )
            for row in _read("countries").to_pylist()
        )
        self.by_code = {country.code: country for country in self.all}
        self._tree = shapely.STRtree([country.geometry for country in self.all])

    def index_of(self, points: ArrayLike) -> NDArray[np.int64]:
        """Number (n,) of the country that holds each position, or lies within half a degree of it; else -1."""
        p = sphere.points(points)
        found = np.full(len(p), -1)
        shapes = shapely.points(p[:, ::-1])
        inside, country = self._tree.query(shapes, predicate="intersects")
        found[inside] = country
        open_sea = np.flatnonzero(found < 0)
        if len(open_sea):
            near, country = self._tree.query_nearest(shapes[open_sea], max_distance=SHORE_DEGREES, all_matches=False)
            found[open_sea[near]] = country
        return found

    def find(self, name: str) -> Country:
        """A country by any of its names or its ISO code, accents and case aside. Raises InputError."""
        wanted = fold(name)
        if wanted in OTHER_NAMES:
            return self.by_code[OTHER_NAMES[wanted]]
        for country in self.all:
            if wanted in country.names:
                return country
        known = {text for country in self.all for text in country.names if len(text) > 3}
        raise InputError(f"no country {name!r} and no such file; {nearest_name(wanted, known)[:200]}")


@functools.cache
def countries() -> Countries:
    """The countries, read once."""
    return Countries()


def fold(text: str) -> str:
    """Case, accents and the kind of apostrophe aside: "Côte d’Ivoire" -> "cote d'ivoire"."""
    decomposed = unicodedata.normalize("NFKD", text.replace("’", "'"))
    return "".join(char for char in decomposed if not unicodedata.combining(char)).casefold().strip()


def country_masses(posterior: Posterior, index: NDArray | None = None) -> list[list[tuple[str, float]]]:
    """For each row the countries with any mass, heaviest first, as (code, probability).

    ``index`` may give ``Countries.index_of`` of shared places. Mass at sea belongs to none.
    """
    known = countries()
    rows = []
    mass = posterior.mass
    shared = None if posterior.places.ndim == 3 else (known.index_of(posterior.places) if index is None else index)
    for row in range(len(posterior)):
        own = known.index_of(posterior.places[row]) if shared is None else shared
        total = np.bincount(own + 1, mass[row], minlength=len(known.all) + 1)[1:]
        order = [number for number in np.argsort(-total) if total[number] > 0]
        rows.append([(known.all[number].code, float(total[number])) for number in order])
    return rows


@dataclass(frozen=True)
class Region:
    """An area that an answer is restricted to."""

    name: str
    geometry: shapely.Geometry

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

    def restrict(self, posterior: Posterior) -> Posterior:
        """The posterior, given that the truth lies inside.

        Its places inside the area, and a grid over it weighted by the density, so that an area smaller than the
        places' distance is answered too.
        """
        grid, area_sr = self.grid()
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
    """A country by name or code, or the polygons of a GeoJSON file. Raises InputError."""
    path = Path(text)
    if path.suffix.lower() in (".geojson", ".json") or path.is_file():
        return _read_geojson(path)
    country = countries().find(text)
    return Region(country.name, country.geometry)


def _read_geojson(path: Path) -> Region:
    try:
        document = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not a GeoJSON file ({error})") from error
    shapes = []
    for geometry in _geometries(document, path):
        try:
            shape = shapely.make_valid(shapely.geometry.shape(geometry))
        except (shapely.errors.ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            raise InputError(f"{path}: a geometry that cannot be read ({error})") from error
        shapes += [part for part in shapely.get_parts(shape) if part.geom_type in ("Polygon", "MultiPolygon")]
    shapes = [shape for shape in shapes if shape.area]
    if not shapes:
        raise InputError(f"{path}: no polygon in this file")
    area = shapely.union_all(shapes)
    west, south, east, north = area.bounds
    if not (-360 <= west <= east <= 360 and -90 <= south <= north <= 90):
        raise InputError(f"{path}: coordinates from {west:g}, {south:g} to {east:g}, {north:g} are not degrees (WGS84)")
    world = shapely.box(-180, -90, 180, 90)
    turns = [shapely.intersection(translate(area, turn), world) for turn in (-360, 0, 360)]
    return Region(path.stem, shapely.union_all(turns))  # an area drawn over the date line, cut there


def _list(value: Any) -> list:
    return value if isinstance(value, list) else []


def _geometries(document: Any, path: Path) -> Iterable[dict]:
    kind = document.get("type") if isinstance(document, dict) else None
    if kind == "FeatureCollection":
        for feature in _list(document.get("features")):
            yield from _geometries(feature, path)
    elif kind == "Feature":
        if document.get("geometry"):
            yield from _geometries(document["geometry"], path)
    elif kind == "GeometryCollection":
        for geometry in _list(document.get("geometries")):
            yield from _geometries(geometry, path)
    elif kind in ("Polygon", "MultiPolygon"):
        yield document
    elif kind not in ("Point", "MultiPoint", "LineString", "MultiLineString"):
        raise InputError(f"{path}: not GeoJSON; its type is {kind!r}")
