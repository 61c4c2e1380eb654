"""Build the borders of countries that the package ships, from Natural Earth at 1:10 million and from the gazetteer.

    pip install pycountry==26.2.16 && npm pack world-atlas@2.0.2
    python scripts/build_borders.py --world-atlas world-atlas-2.0.2.tgz

It writes

* earth/data/countries.parquet: the borders of every code of ISO 3166 (and XK, Kosovo), by Natural Earth (public domain)
  at 1:10 million, from the npm package world-atlas (ISC); parts of a state that have a code of their own, such as
  Réunion, are cut out; where a town of the gazetteer (GeoNames, CC BY 4.0) lies beyond the border of its country, the
  border is moved round it;
* earth/data/disputed.parquet: areas that the points of view give to different countries, with the country of each view;
* earth/data/country_grid.parquet: for each eighth of a degree the country of all its positions, which makes look-ups
  fast.

Borders on land are simplified by at most LAND_STEP, coasts by at most COAST_STEP. Islands below LEAST_ISLAND_KM2 are
left out, unless a town lies on them or within TOWN_REACH_KM, or no other land of the country is near.
"""

from __future__ import annotations

import argparse
import json
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pycountry
import shapely
import shipped_table
from scipy import ndimage
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from whereshot.earth import sphere
from whereshot.earth.countries import SHORE_DEGREES
from whereshot.earth.country_names import english_names
from whereshot.earth.country_shapes import (
    CELL_DEGREES,
    FIRST_COUNTRY,
    OPEN_SEA,
    STEPS_PER_DEGREE,
    UNSURE,
    decoded_borders,
    encoded_borders,
)
from whereshot.earth.towns import gazetteer

LAND_STEP, COAST_STEP = 0.0015, 0.01
"""Degrees by which a simplified line may lie beside the true one."""
LEAST_ISLAND_KM2, FAR_ISLAND_DEGREES, TOWN_REACH_KM = 4.0, 0.3, 3.0
PATCH_KM, FARTHEST_KM = 1.5, 12.0
"""A border is moved by at most FARTHEST_KM, and PATCH_KM beyond the town."""

UNNUMBERED = {
    "Kosovo": "XK",
    "N. Cyprus": "CY",
    "Cyprus U.N. Buffer Zone": "CY",
    "Akrotiri": "GB",
    "Dhekelia": "GB",
    "Somaliland": "SO",
    "Siachen Glacier": "IN",
    "Baikonur": "KZ",
    "USNB Guantanamo Bay": "CU",
    "Coral Sea Is.": "AU",
    "Clipperton I.": "FR",
    "Bajo Nuevo Bank": "CO",
    "Serranilla Bank": "CO",
}
"""What Natural Earth draws without a code -> the code that ISO 3166 counts it with. The other unnumbered reefs are left
out."""

PARTS = {
    "BQ": ("NL", (-69.0, 11.5, -62.5, 18.0)),
    "BV": ("NO", (2.5, -55.0, 4.5, -54.0)),
    "CC": ("Indian Ocean Ter.", (96.0, -13.0, 97.5, -11.0)),
    "CX": ("Indian Ocean Ter.", (105.0, -11.0, 106.5, -10.0)),
    "GF": ("FR", (-55.0, 2.0, -51.0, 6.5)),
    "GP": ("FR", (-62.0, 15.7, -60.9, 16.6)),
    "MQ": ("FR", (-61.4, 14.3, -60.7, 15.0)),
    "RE": ("FR", (55.0, -21.6, 56.0, -20.7)),
    "SJ": ("NO", (-10.0, 70.6, 37.0, 81.5)),
    "TK": ("NZ", (-173.0, -10.0, -171.0, -8.0)),
    "YT": ("FR", (44.8, -13.2, 45.5, -12.5)),
}
"""Codes that Natural Earth draws as part of another -> that one, and the box (west, south, east, north) they lie in."""

DISPUTED = {
    "Crimea": ("RU", (32.3, 44.3, 36.75, 46.3), "UA", "RU"),
    "Western Sahara": ("MA", (-18.0, 20.5, -8.66, 27.667), "EH", "MA"),
    "Golan Heights": ("IL", (35.655, 32.69, 36.0, 33.45), "SY", "IL"),
}
"""Area -> the country that Natural Earth draws it in, a box around it, its country by the United Nations, and its
country by who controls it."""

LEFT = {("IL", "PS"): 1.5, ("IL", "SY"): 1.5, ("MA", "EH"): 1.5}
"""Towns with the first code farther than this (km) inside the second country stay there: settlements on land that is
not their country's by the United Nations."""

ISLANDERS = ("CA", "GR", "NO", "PH", "TW", "VA")
"""Countries with land, mostly islands, that the map at 1:10 million lacks, within half a degree of another country."""


def read_topology(archive: Path) -> tuple[list[np.ndarray], list[dict]]:
    """Return the arcs (m, 2) in degrees, longitude first, and the countries of Natural Earth at 1:10 million."""
    with tarfile.open(archive) as files:
        topology = json.load(files.extractfile("package/countries-10m.json"))
    scale, shift = np.array(topology["transform"]["scale"]), np.array(topology["transform"]["translate"])
    arcs = [np.cumsum(np.array(arc), axis=0) * scale + shift for arc in topology["arcs"]]
    return arcs, topology["objects"]["countries"]["geometries"]


def polygons_of(shape: dict) -> list[list[list[int]]]:
    """Return the polygons of a TopoJSON geometry as lists of rings of numbers of arcs; ~i is arc i reversed."""
    return [shape["arcs"]] if shape["type"] == "Polygon" else shape.get("arcs", [])


def simplified(arcs: list[np.ndarray], shapes: list[dict]) -> list[np.ndarray]:
    """Return the arcs with fewer points. An arc of two countries is a border on land, the others are coasts."""
    uses = Counter(
        number if number >= 0 else ~number
        for shape in shapes
        for number in {n if n >= 0 else ~n for rings in polygons_of(shape) for ring in rings for n in ring}
    )
    steps = [LAND_STEP if uses[number] > 1 else COAST_STEP for number in range(len(arcs))]
    lines = [shapely.LineString(arc) for arc in arcs]
    kept = []
    for arc, line, step in zip(arcs, lines, steps, strict=True):
        coordinates = shapely.get_coordinates(shapely.simplify(line, step, preserve_topology=False))
        is_ring = (arc[0] == arc[-1]).all()
        kept.append(arc if is_ring and len(coordinates) < 5 else coordinates)
    return kept


def ring_of(numbers: list[int], arcs: list[np.ndarray]) -> np.ndarray:
    """Return arcs joined into one ring."""
    parts = [arcs[number] if number >= 0 else arcs[~number][::-1] for number in numbers]
    return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])


def polygon_of(rings: list[list[int]], arcs: list[np.ndarray]) -> BaseGeometry | None:
    """Return a polygon, unrolled over the date line and cut there; None for a reef that is a point or a line."""
    outline = [ring for ring in (ring_of(ring, arcs) for ring in rings) if len(ring) >= 4]
    if not outline:
        return None
    for ring in outline:
        steps = np.diff(ring[:, 0])
        ring[1:, 0] = ring[0, 0] + np.cumsum((steps + 180) % 360 - 180)
    winding = [ring for ring in outline if abs(ring[-1, 0] - ring[0, 0]) > 180]
    if winding:  # Antarctica: its coast, and a line along the pole; close the coast over the south pole instead
        coast = max(winding, key=lambda ring: ring[:, 1].mean())
        closed = np.concatenate([coast, [[coast[-1, 0], -90.0], [coast[0, 0], -90.0]]])
        outline = [closed, *(ring for ring in outline if abs(ring[-1, 0] - ring[0, 0]) <= 180)]
    shape = shapely.make_valid(shapely.Polygon(outline[0], outline[1:]))
    west, _, east, _ = shape.bounds
    if west >= -180 and east <= 180:
        return shape
    world = shapely.box(-180, -90, 180, 90)
    return shapely.union_all([shapely.intersection(translate(shape, shift), world) for shift in (-360, 0, 360)])


def read_borders(archive: Path) -> dict[str, list[shapely.Polygon]]:
    """Return code, or name of what is cut later -> its polygons."""
    arcs, shapes = read_topology(archive)
    arcs = simplified(arcs, shapes)
    found: dict[str, list[shapely.Polygon]] = {}
    for shape in shapes:
        name = shape["properties"]["name"]
        entry = pycountry.countries.get(numeric=str(shape.get("id", "")).zfill(3))
        code = entry.alpha_2 if entry else UNNUMBERED.get(name, name)
        for rings in polygons_of(shape):
            polygon = polygon_of(rings, arcs)
            if polygon is not None:
                found.setdefault(code, []).extend(areas(polygon))
    for code, (parent, box) in PARTS.items():
        inside = [shapely.contains(shapely.box(*box), part) for part in found[parent]]
        found[code] = [part for part, is_inside in zip(found[parent], inside, strict=True) if is_inside]
        found[parent] = [part for part, is_inside in zip(found[parent], inside, strict=True) if not is_inside]
    codes = set(english_names())
    return {code: parts for code, parts in found.items() if code in codes}


def areas(geometry: BaseGeometry) -> list[shapely.Polygon]:
    """Return the polygons of a geometry that have an area."""
    parts = shapely.get_parts(shapely.make_valid(geometry))
    parts = [one for part in parts for one in shapely.get_parts(part)]
    return [part for part in parts if part.geom_type == "Polygon" and part.area > 0]


def split_disputed(borders: dict[str, list[shapely.Polygon]]) -> dict[str, BaseGeometry]:
    """Cut the disputed areas out of their countries; return name -> area."""
    cut = {}
    for name, (code, box, _, _) in DISPUTED.items():
        around = shapely.box(*box)
        whole = shapely.union_all(borders[code])
        if name == "Crimea":  # a part of its own; the coast of Russia over the strait is in the box too
            own = [part for part in borders[code] if shapely.contains(around, part)]
            cut[name] = shapely.union_all(own)
            borders[code] = [part for part in borders[code] if not shapely.contains(around, part)]
        else:
            cut[name] = shapely.union_all(areas(shapely.intersection(whole, around)))
            borders[code] = areas(shapely.difference(whole, around))
    return cut


def without_small_islands(borders: dict[str, list[shapely.Polygon]]) -> dict[str, list[shapely.Polygon]]:
    """Return the borders without islands that nobody needs, and with a small square for a country that has none."""
    towns = gazetteer()
    tree = sphere.Nearest(towns.points)
    kept = {}
    for code, parts in borders.items():
        middles = np.array([[part.centroid.y, part.centroid.x] for part in parts])
        km2 = np.array([part.area for part in parts]) * np.cos(np.radians(middles[:, 0])) * 111.2**2
        km, _ = tree.query(middles)
        large = km2 >= LEAST_ISLAND_KM2
        main = shapely.union_all([part for part, is_large in zip(parts, large, strict=True) if is_large])
        far = shapely.distance(np.array(parts), main) > FAR_ISLAND_DEGREES if large.any() else np.ones(len(parts), bool)
        wanted = large | (km <= TOWN_REACH_KM) | far
        kept[code] = [part for part, is_wanted in zip(parts, wanted, strict=True) if is_wanted]
    return kept


def country_of_points(shapes: list[BaseGeometry], points: sphere.Points) -> np.ndarray:
    """Return the number (n,) of the shape that holds each position, or is nearest within half a degree; else -1."""
    latitude, longitude = points.T
    found = np.full(len(points), -1)
    for number, shape in enumerate(shapes):
        west, south, east, north = shape.bounds
        rows = np.flatnonzero((longitude >= west) & (longitude <= east) & (latitude >= south) & (latitude <= north))
        shapely.prepare(shape)
        found[rows[shapely.intersects_xy(shape, longitude[rows], latitude[rows])]] = number
    rest = np.flatnonzero(found < 0)
    tree = shapely.STRtree(shapes)
    spots = shapely.points(longitude[rest], latitude[rest])
    rows, numbers = tree.query_nearest(spots, max_distance=0.5, all_matches=False)
    found[rest[rows]] = numbers
    return found


def moved_round_towns(codes: list[str], shapes: list[BaseGeometry]) -> list[BaseGeometry]:
    """Return the shapes with borders moved round the towns on the wrong side.

    First a strip that leads from the town to its country changes hands, then, where strips cross, a circle round each
    town that is still on the wrong side. Strips and circles are never wider than half the way to the nearest town of
    another country, so no circle meets another one's. A town without any land near gets an island.
    """
    towns = gazetteer()
    number_of = {code: number for number, code in enumerate(codes)}
    own = np.array([number_of[code] for code in towns.country_codes])
    for is_circle in (False, True, True):
        shapes = shapely.set_precision(shapes, 1 / STEPS_PER_DEGREE).tolist()
        found = country_of_points(shapes, towns.points)
        wrong = np.flatnonzero(found != own)
        print(f"{len(wrong)} towns beyond the border of their country")
        given: dict[int, list[BaseGeometry]] = {}
        for town in wrong.tolist():
            pair = codes[own[town]], codes[found[town]] if found[town] >= 0 else None
            land = _near(shapes[own[town]], towns.points[town])
            km = _km_to(land, towns.points[town])
            is_island = pair[1] is None or pair[0] in ISLANDERS
            if km > LEFT.get(pair, np.inf if is_island else FARTHEST_KM):
                continue
            others = np.flatnonzero((own != own[town]) & (np.abs(towns.points - towns.points[town]).max(axis=1) < 0.3))
            nearest = sphere.distance_km(towns.points[town], towns.points[others]).min() if len(others) else np.inf
            radius_km = min(PATCH_KM, 0.45 * float(nearest))
            reach = None if is_circle or km > FARTHEST_KM else land
            given.setdefault(own[town], []).append(_strip(towns.points[town], reach, radius_km))
        shapes = _handed_over(shapes, {number: shapely.union_all(strips) for number, strips in given.items()})
    return shapes


def _near(shape: BaseGeometry, spot: np.ndarray) -> BaseGeometry:
    """Return the part of a shape within about 20 km of a position."""
    reach = np.array([0.18 / max(0.1, np.cos(np.radians(spot[0]))), 0.18])
    return shapely.clip_by_rect(shape, *(spot[::-1] - reach), *(spot[::-1] + reach))


def _km_to(shape: BaseGeometry, spot: np.ndarray) -> float:
    """Return the distance from a position to a shape; infinity for a shape without land."""
    if shape.is_empty:
        return np.inf
    start, end = shapely.get_coordinates(shapely.shortest_line(shapely.Point(spot[::-1]), shape))
    return float(sphere.distance_km(start[::-1], end[::-1]))


def _strip(spot: np.ndarray, shape: BaseGeometry | None, radius_km: float) -> BaseGeometry:
    """Return what lies within a radius of the way from a position to a shape, or of the position alone."""
    start = spot[::-1]
    narrow = np.array([max(0.1, np.cos(np.radians(spot[0]))), 1.0])
    way = (
        shapely.Point(start) if shape is None or shape.is_empty else shapely.shortest_line(shapely.Point(start), shape)
    )
    flat = shapely.transform(way, lambda xy: (xy - start) * narrow)
    if flat.length == 0:
        flat = shapely.Point(0.0, 0.0)
    strip = shapely.buffer(flat, radius_km / 111.2, quad_segs=2)
    return shapely.transform(strip, lambda xy: xy / narrow + start)


def _handed_over(shapes: list[BaseGeometry], given: dict[int, BaseGeometry]) -> list[BaseGeometry]:
    """Return the shapes after each number got its strip from the others."""
    tree = shapely.STRtree(shapes)
    taken: dict[int, list[BaseGeometry]] = {}
    for number, strip in given.items():
        for other in tree.query(strip, predicate="intersects").tolist():
            if other != number:
                taken.setdefault(other, []).append(strip)
    moved = list(shapes)
    for number in given.keys() | taken.keys():
        rest = shapely.difference(shapes[number], shapely.union_all(taken.get(number, [])))
        moved[number] = shapely.union_all([rest, given.get(number, shapely.Polygon())])
    return moved


def grid_of(shapes: list[BaseGeometry]) -> np.ndarray:
    """Return the grid (rows from the south, columns from the west) of the cells in which every position has one answer.

    A cell has a country's number if the country holds it whole, or if the whole cell lies within half a degree of the
    country and no part of it within half a degree of another.
    """
    rows, columns = int(180 / CELL_DEGREES), int(360 / CELL_DEGREES)
    possible, certain = _cells_near(SHORE_DEGREES)
    margin = len(possible) // 2
    count = np.zeros((rows, columns), np.uint8)
    nearest, holder = np.full((rows, columns), -1), np.full((rows, columns), -1)
    is_certain = np.zeros((rows, columns), bool)
    for number, shape in enumerate(shapes):
        west, south, east, north = shape.bounds
        first = np.array([south + 90, west + 180]) // CELL_DEGREES - margin
        last = np.array([north + 90, east + 180]) // CELL_DEGREES + margin + 1
        (row, column), (end_row, end_column) = np.clip(np.array([first, last]).astype(int), 0, [rows, columns])
        window = slice(row, end_row), slice(column, end_column)
        touched = np.zeros((end_row - row, end_column - column), bool)
        at = shapely.get_coordinates(shapely.segmentize(shapely.boundary(shape), 0.002))
        cell = np.clip(((at[:, ::-1] + [90, 180]) / CELL_DEGREES).astype(int), 0, [rows - 1, columns - 1])
        touched[cell[:, 0] - row, cell[:, 1] - column] = True
        latitude = (np.arange(row, end_row) + 0.5) * CELL_DEGREES - 90
        longitude = (np.arange(column, end_column) + 0.5) * CELL_DEGREES - 180
        shapely.prepare(shape)
        whole = shapely.intersects_xy(shape, longitude[None], latitude[:, None]) & ~touched
        holder[window][whole] = number
        land = touched | whole
        edge = land & ~ndimage.binary_erosion(land)
        near = land | ndimage.binary_dilation(edge, possible)
        count[window] += near
        nearest[window][near] = number
        is_certain[window] |= land | ndimage.binary_dilation(edge, certain)
    grid = np.where(holder >= 0, holder, nearest) + FIRST_COUNTRY
    grid[(holder < 0) & ~((count == 1) & is_certain)] = UNSURE
    grid[count == 0] = OPEN_SEA
    return grid.astype(np.uint8)


def _cells_near(degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the cells around a cell that may have a position within a distance of it, and those with only such
    positions.
    """
    reach = int(degrees / CELL_DEGREES) + 2
    north, east = np.abs(np.mgrid[-reach : reach + 1, -reach : reach + 1])
    closest = np.hypot(np.maximum(north - 1, 0), np.maximum(east - 1, 0))
    return closest * CELL_DEGREES <= degrees, np.hypot(north + 1, east + 1) * CELL_DEGREES <= degrees


def runs_of(grid: np.ndarray) -> pa.Table:
    """Return the grid as runs of one value, row by row: the values, and how many cells each has."""
    cells = grid.ravel()
    first = np.flatnonzero(np.diff(cells, prepend=np.uint8(255)))
    return pa.table({"country": cells[first], "cells": np.diff(np.append(first, len(cells))).astype(np.int32)})


def main() -> None:
    """Write the three tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world-atlas", type=Path, required=True, help="the archive that npm pack wrote")
    borders = read_borders(parser.parse_args().world_atlas)
    cut = split_disputed(borders)
    borders = without_small_islands(borders)
    codes = list(english_names())
    for name, (_, _, code, _) in DISPUTED.items():
        borders.setdefault(code, []).extend(areas(cut[name]))
    shapes = moved_round_towns(codes, [shapely.union_all(borders.get(code, [])) for code in codes])
    wrong = country_of_points(shapes, gazetteer().points) != [codes.index(code) for code in gazetteer().country_codes]
    print(f"{wrong.sum()} towns are still beyond the border of their country")
    write("countries", pa.table({"country_code": codes, **encoded_borders(shapes)}))
    of_view = {
        "united_nations": [views[2] for views in DISPUTED.values()],
        "control": [v[3] for v in DISPUTED.values()],
    }
    held = [shapely.intersection(cut[name], shapes[codes.index(views[2])]) for name, views in DISPUTED.items()]
    write("disputed", pa.table({"name": list(DISPUTED), **of_view, **encoded_borders(held)}))
    grid = grid_of(decoded_borders(pq.read_table(shipped_table.path_of("countries"))).tolist())
    shipped_table.write(
        "country_grid",
        runs_of(grid),
        data_page_size=shipped_table.ONE_PAGE,
        use_dictionary=False,
        column_encoding={"cells": "BYTE_STREAM_SPLIT"},
    )


def write(name: str, table: pa.Table) -> None:
    """Write a table with borders."""
    encoding = {f"{axis}{3 * '.list.element'}": "BYTE_STREAM_SPLIT" for axis in ("longitude", "latitude")}
    shipped_table.write(
        name, table, data_page_size=shipped_table.ONE_PAGE, use_dictionary=["country_code"], column_encoding=encoding
    )


if __name__ == "__main__":
    main()
