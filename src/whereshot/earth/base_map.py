"""The base map below country scale, in one packed file: land with its coasts, rivers, borders and names, by blocks.

``data/base_map.bin`` is made by ``scripts/build_base_map.py``, which names its sources. ``web/src/map/packed.ts`` reads
the same file in the page. It is gzipped: a line of JSON (the header), then the blocks, each of BLOCK_DEGREES by
BLOCK_DEGREES degrees.

The header lists, for each block, its column and row (its west and south edge in BLOCK_DEGREES), and the bytes of its
numbers and of its text. The numbers are unsigned varints (seven bits a byte, low ones first). They give the polygons of
land, then rivers, borders of countries, borders of first-order divisions, then the labels of divisions and of towns.
Each list begins with its length. A polygon is a list of rings, and a ring is a list of points; rings are not closed. A
line is its rank and a list of points; a label is its rank and its point. A point is two steps, east and north, from the
point before, in units of 1/UNIT degree, zigzag-coded; the first point of a block is counted from its south-western
corner. The text has one name a line for each label.
"""

from __future__ import annotations

import functools
import gzip
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.foundation import package_data

FILE = "earth/data/base_map.bin"
FORMAT = 1
BLOCK_DEGREES = 4
UNIT = 1000
"""Points are whole multiples of 1/UNIT degree: 111 m."""
LENGTH_RANKS = 31

Key = tuple[int, int]
"""Column and row of a block: its western and southern edge in multiples of BLOCK_DEGREES."""
Line = tuple[int, NDArray[np.float64]]
"""Rank by length, and points (m, 2) in degrees, longitude first."""


class MapLabel(NamedTuple):
    """A name on the map. ``rank`` says how many people live there (``rank_of_people``)."""

    latitude: float
    longitude: float
    name: str
    rank: int


@dataclass(frozen=True)
class MapBlock:
    """What lies in a block. Rings (m, 2) are in degrees, longitude first; a polygon begins with its outline."""

    land: Sequence[Sequence[NDArray[np.float64]]]
    rivers: Sequence[Line]
    borders: Sequence[Line]
    region_borders: Sequence[Line]
    regions: Sequence[MapLabel]
    towns: Sequence[MapLabel]


def rank_of_people(people: float) -> int:
    """Return the rank of a number of inhabitants: quarters of powers of two."""
    return round(4 * math.log2(1 + people))


def rank_of_length(degrees: float) -> int:
    """Return the rank of a line that is so long as a whole: halves of powers of two, 8 for one degree."""
    return min(LENGTH_RANKS, max(0, round(2 * math.log2(max(degrees, 1e-9))) + 8))


def encoded(blocks: Mapping[Key, MapBlock]) -> bytes:
    """Return the packed file of blocks."""
    entries, bodies = [], []
    for (column, row), block in blocks.items():
        numbers = _varints(_numbers(block, np.array([column, row]) * BLOCK_DEGREES * UNIT))
        text = "\n".join(label.name for label in (*block.regions, *block.towns)).encode()
        entries.append((column, row, len(numbers), len(text)))
        bodies += [numbers, text]
    header = {"format": FORMAT, "block_degrees": BLOCK_DEGREES, "unit": UNIT, "blocks": entries}
    content = json.dumps(header, separators=(",", ":")).encode() + b"\n" + b"".join(bodies)
    return gzip.compress(content, compresslevel=9, mtime=0)


def _numbers(block: MapBlock, corner: NDArray[np.int64]) -> list[int]:
    """Return the numbers of a block, not negative, whose south-western corner is given in units."""
    found: list[int] = []
    last = corner

    def put_points(points: NDArray[np.int64]) -> None:
        nonlocal last
        steps = np.diff(points, axis=0, prepend=last[None]).ravel()
        found.extend(((steps << 1) ^ (steps >> 63)).tolist())
        last = points[-1]

    polygons = [rings for rings in (_rings(polygon) for polygon in block.land) if rings]
    found.append(len(polygons))
    for rings in polygons:
        found.append(len(rings))
        for ring in rings:
            found.append(len(ring))
            put_points(ring)
    for lines in (block.rivers, block.borders, block.region_borders):
        whole = [(rank, points) for rank, points in ((rank, _units(line)) for rank, line in lines) if len(points) > 1]
        found.append(len(whole))
        for rank, points in whole:
            found += [rank, len(points)]
            put_points(points)
    for labels in (block.regions, block.towns):
        found.append(len(labels))
        for label in labels:
            found.append(label.rank)
            put_points(np.round(np.array([[label.longitude, label.latitude]]) * UNIT).astype(np.int64))
    return found


def _units(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return points in units, without repeated ones."""
    whole: NDArray[np.int64] = np.round(points * UNIT).astype(np.int64)
    kept: NDArray[np.int64] = whole[np.concatenate([[True], (np.diff(whole, axis=0) != 0).any(axis=1)])]
    return kept


def _rings(polygon: Iterable[NDArray[np.float64]]) -> list[NDArray[np.int64]]:
    """Return the rings of a polygon in units, not closed, without those that vanish; [] where the outline does."""
    rings = []
    for number, ring in enumerate(polygon):
        whole = _units(ring)
        whole = whole[:-1] if len(whole) > 1 and (whole[0] == whole[-1]).all() else whole
        if len(whole) >= 3:
            rings.append(whole)
        elif number == 0:
            return []
    return rings


def _varints(numbers: list[int]) -> bytes:
    """Return numbers as varints."""
    values = np.array(numbers, np.uint64)
    widest = max(1, -(-int(values.max()).bit_length() // 7))
    shifts = np.arange(widest, dtype=np.uint64) * np.uint64(7)
    parts = values[:, None] >> shifts
    used = (parts > 0) | (np.arange(widest) == 0)
    more = np.concatenate([used[:, 1:], np.zeros((len(values), 1), bool)], axis=1)
    coded = (parts & np.uint64(127)) | (more.astype(np.uint64) << np.uint64(7))
    result: bytes = coded.astype(np.uint8)[used].tobytes()
    return result


def _read_varints(content: bytes) -> list[int]:
    """Return the numbers of varints."""
    held = np.frombuffer(content, np.uint8)
    ends = np.flatnonzero(held < 128)
    starts = np.concatenate([[0], ends[:-1] + 1])
    place = np.arange(len(held)) - np.repeat(starts, ends - starts + 1)
    result: list[int] = np.add.reduceat((held & 127).astype(np.int64) << (7 * place), starts).tolist()
    return result


class BaseMap:
    """The blocks of a packed file by their keys. A block is decoded when it is asked for."""

    def __init__(self, content: bytes) -> None:
        """Take the bytes of a packed file. Raises ValueError for another format."""
        whole = gzip.decompress(content)
        end = whole.index(b"\n")
        header: dict[str, Any] = json.loads(whole[:end])
        if header["format"] != FORMAT or header["unit"] != UNIT or header["block_degrees"] != BLOCK_DEGREES:
            raise ValueError(f"a base map of format {header['format']}; expected format {FORMAT}: build it again")
        self._content = whole
        self._spans: dict[Key, tuple[int, int, int]] = {}
        at = end + 1
        for column, row, numbers, text in header["blocks"]:
            self._spans[column, row] = at, at + numbers, at + numbers + text
            at += numbers + text

    def __iter__(self) -> Iterator[Key]:
        return iter(self._spans)

    def block(self, key: Key) -> MapBlock | None:
        """Return the block of a key; None where there is only sea."""
        if key not in self._spans:
            return None
        start, middle, end = self._spans[key]
        names = self._content[middle:end].decode().split("\n")
        return _decoded(_read_varints(self._content[start:middle]), names, key)


def _decoded(numbers: list[int], names: list[str], key: Key) -> MapBlock:
    """Return the block of its numbers and names."""
    at = 0
    x, y = (side * BLOCK_DEGREES * UNIT for side in key)

    def take() -> int:
        nonlocal at
        at += 1
        return numbers[at - 1]

    def take_points(count: int) -> NDArray[np.float64]:
        nonlocal at, x, y
        coded = np.array(numbers[at : at + 2 * count], np.int64).reshape(count, 2)
        at += 2 * count
        points = np.array([x, y]) + np.cumsum((coded >> 1) ^ -(coded & 1), axis=0)
        x, y = points[-1].tolist()
        return points / UNIT

    def take_lines() -> list[Line]:
        return [(take(), take_points(take())) for _ in range(take())]

    def take_labels(names: Iterator[str]) -> list[MapLabel]:
        found = []
        for _ in range(take()):
            rank = take()
            longitude, latitude = take_points(1)[0].tolist()
            found.append(MapLabel(latitude, longitude, next(names), rank))
        return found

    land = [[take_points(take()) for _ in range(take())] for _ in range(take())]
    rivers, borders, region_borders = take_lines(), take_lines(), take_lines()
    left = iter(names)
    regions, towns = take_labels(left), take_labels(left)
    return MapBlock(land, rivers, borders, region_borders, regions, towns)


@functools.cache
def base_map() -> BaseMap:
    """Return the base map that the package ships."""
    return BaseMap(package_data.read_bytes(FILE))
