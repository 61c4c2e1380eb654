"""The packed base map: what is written is read again, and what is shipped lies where it should."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from whereshot.earth import base_map
from whereshot.earth.base_map import BLOCK_DEGREES, UNIT, BaseMap, MapBlock, MapLabel, encoded

NOTHING = MapBlock([], [], [], [], [], [])
POINTS = st.lists(st.tuples(st.integers(0, 4 * UNIT), st.integers(0, 4 * UNIT)), min_size=3, max_size=9, unique=True)


def area_at(latitude: float, longitude: float) -> shapely.Geometry:
    """The land of the block that a position lies in."""
    key = int(np.floor(longitude / BLOCK_DEGREES)), int(np.floor(latitude / BLOCK_DEGREES))
    block = base_map.base_map().block(key) or NOTHING
    polygons = [shapely.Polygon(outline, holes) for outline, *holes in block.land]
    return shapely.union_all(shapely.make_valid(np.array(polygons)))  # rounded coasts may touch themselves


def is_land(latitude: float, longitude: float) -> bool:
    return bool(area_at(latitude, longitude).covers(shapely.Point(longitude, latitude)))


@given(st.lists(POINTS, min_size=1, max_size=3), st.integers(-45, 44), st.integers(-22, 21), st.text(max_size=5))
def test_a_block_is_read_as_it_was_written(rings: list, column: int, row: int, name: str) -> None:
    name = name.replace("\n", "")
    corner = np.array([column, row]) * BLOCK_DEGREES
    arrays = [np.array(ring) / UNIT + corner for ring in rings]
    line = 7, arrays[0]
    label = MapLabel(*arrays[0][0][::-1].tolist(), name, 90)
    block = MapBlock([arrays], [line], [line, line], [], [label], [label, label])
    read = BaseMap(encoded({(3, 4): NOTHING, (column, row): block})).block((column, row))
    assert read is not None
    np.testing.assert_allclose(np.concatenate(read.land[0]), np.concatenate(arrays), atol=1e-9)
    assert [rank for rank, _ in (*read.rivers, *read.borders)] == [7, 7, 7]
    np.testing.assert_allclose(read.borders[1][1], arrays[0], atol=1e-9)
    assert [(label.name, label.rank) for label in (*read.regions, *read.towns)] == [(name, 90)] * 3
    np.testing.assert_allclose(read.towns[1][:2], label[:2], atol=1e-9)


def test_what_vanishes_in_the_grid_is_left_out() -> None:
    speck = np.array([[1.0, 1.0], [1.0001, 1.0], [1.0, 1.0001], [1.0, 1.0]])
    square = np.array([[1.0, 1.0], [2.0, 1.0], [2.0, 2.0], [1.0, 1.0]])
    read = BaseMap(encoded({(0, 0): MapBlock([[speck], [square, speck]], [(3, speck[:2])], [], [], [], [])})).block(
        (0, 0)
    )
    assert read is not None
    assert [len(rings) for rings in read.land] == [1]
    assert len(read.land[0][0]) == 3  # not closed
    assert read.rivers == []


def test_another_format_is_refused() -> None:
    content = gzip.compress(json.dumps({"format": 2, "unit": UNIT, "block_degrees": BLOCK_DEGREES}).encode() + b"\n")
    with pytest.raises(ValueError, match="a base map of format 2; expected format 1: build it again"):
        BaseMap(content)


def test_the_shipped_map_has_land_and_water_where_they_are() -> None:
    land = {"Madrid": (40.417, -3.704), "Manhattan": (40.783, -73.966), "Fiji": (-17.8, 178.0), "Pole": (-80.0, 100.0)}
    water = {
        "Lake Geneva": (46.45, 6.55),
        "Hudson": (40.76, -74.012),
        "Bosporus": (41.12, 29.075),
        "Lake Chapala": (20.22, -103.0),
    }
    assert [name for name, at in land.items() if not is_land(*at)] == []
    assert [name for name, at in water.items() if is_land(*at)] == []


def test_the_shipped_map_has_names_rivers_and_borders() -> None:
    vienna = base_map.base_map().block((4, 12))
    assert vienna is not None
    assert vienna.towns[0].name == "Vienna"
    assert base_map.rank_of_people(1_700_000) <= vienna.towns[0].rank <= base_map.rank_of_people(2_200_000)
    assert "South Moravian" in {label.name for label in vienna.regions}
    assert vienna.borders
    assert vienna.region_borders
    danube = shapely.MultiLineString([points for _, points in vienna.rivers])
    assert danube.distance(shapely.Point(16.42, 48.23)) < 0.03


def test_ranks_grow_with_people_and_with_length() -> None:
    assert [base_map.rank_of_people(people) for people in (0, 1023, 1_000_000)] == [0, 40, 80]
    assert [base_map.rank_of_length(degrees) for degrees in (0.0, 1.0, 2.0, 1e9)] == [0, 8, 10, 31]
