"""The fine base map around the answers of a page: coasts, rivers and borders of the blocks in which they lie."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np

from whereshot.earth import sphere
from whereshot.earth.base_map import BLOCK_DEGREES, UNIT, Key, MapBlock, base_map
from whereshot.report.single_page import pack

NEAR_KM = 130.0
"""Blocks within this distance of an answer are drawn finely: as far as the first view of an exact answer shows."""
MOST_NUMBERS = 400_000
"""The most numbers of all blocks together, about 1 MB of the page; blocks with few answers are left out first."""


def map_detail(points: sphere.Points) -> list[dict[str, Any]]:
    """Return the blocks near these positions (n, 2), those near most of them first.

    ``box`` is west, south, east and north in degrees; ``land`` holds rings; ``rivers``, ``borders`` and ``regions``
    hold lines. All are packed in units of 1/UNIT degree, see ``single_page.pack``.
    """
    near: Counter[Key] = Counter()
    for point in np.asarray(points, np.float64).reshape(-1, 2):
        near.update(_keys_near(*point.tolist()))
    found, left = [], MOST_NUMBERS
    for key, _ in sorted(near.items(), key=lambda entry: (-entry[1], entry[0])):
        block = base_map().block(key)
        entry = _entry(key, block or MapBlock([], [], [], [], [], []))
        left -= sum(len(line) for kind in ("land", "rivers", "borders", "regions") for line in entry[kind])
        if left < 0:
            break
        found.append(entry)
    return found


def _keys_near(latitude: float, longitude: float) -> set[Key]:
    """Return the keys of the blocks that may lie within NEAR_KM of a position."""
    up = math.degrees(NEAR_KM / sphere.EARTH_KM)
    wide = up / max(0.1, math.cos(math.radians(min(abs(latitude) + up, 89.0))))
    columns = 360 // BLOCK_DEGREES
    rows = range(math.floor((latitude - up) / BLOCK_DEGREES), math.floor((latitude + up) / BLOCK_DEGREES) + 1)
    across = range(math.floor((longitude - wide) / BLOCK_DEGREES), math.floor((longitude + wide) / BLOCK_DEGREES) + 1)
    return {((column + columns // 2) % columns - columns // 2, row) for row in rows for column in across}


def _entry(key: Key, block: MapBlock) -> dict[str, Any]:
    west, south = (BLOCK_DEGREES * side for side in key)
    return {
        "box": [west, south, west + BLOCK_DEGREES, south + BLOCK_DEGREES],
        "land": [pack(np.concatenate([ring, ring[:1]]), UNIT) for polygon in block.land for ring in polygon],
        "rivers": [pack(points, UNIT) for _, points in block.rivers],
        "borders": [pack(points, UNIT) for _, points in block.borders],
        "regions": [pack(points, UNIT) for _, points in block.region_borders],
    }
