"""Cells of S2 of one level and of adapted levels, against a slow recursion and against published counts."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from whereshot.earth import partition, s2, sphere
from whereshot.earth.great_circles import densify
from whereshot.earth.polygons import of_ring
from whereshot.foundation.errors import InputError


def test_overlapping_cells_are_refused() -> None:
    ids = np.sort(s2.encode([[0, 0], [0, 0]], 4))
    with pytest.raises(InputError) as caught:
        partition.s2cells.S2Cells(ids, np.zeros((2, 2)), np.ones(2, np.int64), np.ones(2))
    assert str(caught.value) == "S2 cells of a partition must be disjoint and sorted by id"


def slow_adaptive(leaves: list[int], most: int, least: int, min_level: int, max_level: int) -> dict[int, int]:
    """Cell id -> count, by recursion on Python's integers."""

    def parent(leaf: int, level: int) -> int:
        lowest = 1 << (2 * (30 - level))
        return (leaf & -lowest) | lowest

    kept: dict[int, int] = {}

    def split(level: int, members: list[int]) -> None:
        if len(members) > most and level < max_level:
            for child in {parent(leaf, level + 1) for leaf in members}:
                split(level + 1, [leaf for leaf in members if parent(leaf, level + 1) == child])
        elif len(members) > least:
            kept[parent(members[0], level)] = len(members)

    for root, count in Counter(parent(leaf, min_level) for leaf in leaves).items():
        if count > least:
            split(min_level, [leaf for leaf in leaves if parent(leaf, min_level) == root])
    return kept


places = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@settings(max_examples=60, deadline=None)
@given(
    anchors=st.lists(places, min_size=1, max_size=6),
    counts=st.lists(st.integers(1, 12), min_size=6, max_size=6),
    scatter=st.sampled_from([0.0, 1e-7, 1e-3, 1.0, 30.0]),
    most=st.integers(1, 8),
    least=st.integers(0, 7),
    levels=st.tuples(st.integers(0, 22), st.integers(0, 30)),
    seed=st.integers(0, 99),
)
def test_adaptive_agrees_with_recursion(
    anchors: list, counts: list[int], scatter: float, most: int, least: int, levels: tuple[int, int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    points = np.repeat(np.array(anchors), counts[: len(anchors)], axis=0)
    points = points + rng.normal(0, scatter, points.shape) if scatter else points
    points[:, 0] = np.clip(points[:, 0], -90, 90)
    points[:, 1] = (points[:, 1] + 180) % 360 - 180
    least, low, high = min(least, most - 1), levels[0], max(levels)
    finest = min(high, 22)  # a finer cell is smaller than a square metre
    leaves = [int(leaf) for leaf in s2.encode(sphere.one_spelling(points))]
    expected = slow_adaptive(leaves, most, least, low, finest)
    asked = {"max": most, "min": least, "min_level": low, "max_level": high}
    if not expected:
        with pytest.raises(InputError, match=r"^no cell is left"):
            partition.build("s2", points, asked)
        return
    cells = partition.build("s2", points, asked)
    assert dict(zip(cells.ids.tolist(), cells.counts.tolist(), strict=True)) == expected
    label = cells.assign(points)
    np.testing.assert_array_equal(np.bincount(label[label >= 0], minlength=len(cells)), cells.counts)


@pytest.fixture(scope="module")
def hundred_thousand(shared: Path) -> NDArray:
    path = shared / "data" / "tables" / "geoclip_coordinates_100K.csv"
    if not path.is_file():
        pytest.skip(f"needs {path.name}")
    table = pyarrow.csv.read_csv(path)
    return np.stack([table["LAT"].to_numpy(), table["LON"].to_numpy()], axis=1)


@pytest.mark.parametrize(
    ("asked", "cells", "photos"),
    [
        ({"min": 50, "max": 5000, "min_level": 2, "max_level": 12}, 82, 99_584),
        ({"min": 50, "max": 2000, "min_level": 2, "max_level": 12}, 158, 99_232),
        ({"min": 50, "max": 1000, "min_level": 2, "max_level": 12}, 276, 97_866),
        ({"min": 5, "max": 100, "min_level": 2, "max_level": 30}, 2751, 97_921),
        ({"min": 5, "max": 200, "min_level": 2, "max_level": 30}, 1587, 99_159),
        ({"min": 5, "max": 500, "min_level": 2, "max_level": 30}, 678, 99_851),
    ],
)
def test_published_counts(hundred_thousand: NDArray, asked: dict[str, int], cells: int, photos: int) -> None:
    built = partition.build("s2", hundred_thousand, asked)
    assert (len(built), int(built.counts.sum())) == (cells, photos)
    assert int((built.assign(hundred_thousand) >= 0).sum()) == photos


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_map_of_a_level_tiles_the_plane(level: int) -> None:
    """The polygons of all cells, poles and date line included, fill the map exactly once."""
    ids = s2.encode([[0, 0], [0, 90], [90, 0], [0, 180], [0, -90], [-90, 0]], 0)
    for _ in range(level):
        ids = s2.children(ids).ravel()
    rings = [densify(corners) for corners in s2.vertices(ids)]
    polygons = [of_ring(ring) for ring in rings]
    assert all(polygon.is_valid for polygon in polygons)
    assert math.fsum(polygon.area for polygon in polygons) == pytest.approx(360 * 180, rel=1e-9)
    assert shapely.union_all(polygons, grid_size=1e-9).area == pytest.approx(360 * 180, rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(place=places, level=st.integers(4, 22))
def test_small_cells_are_drawn_where_they_are(place: tuple[float, float], level: int) -> None:
    cells = partition.build("s2-level", [place], {"level": level})
    polygon = cells.polygon(0)
    assert polygon.is_valid and polygon.area > 0
    latitude, longitude = cells.cell_centers[0]
    assert polygon.distance(shapely.Point(longitude, latitude)) == 0
    scale = max(math.cos(math.radians(latitude)), 1e-12) * (math.pi / 180) ** 2
    if level >= 8 and abs(latitude) < 80:
        assert polygon.area * scale == pytest.approx(cells.area_sr[0], rel=0.02)
