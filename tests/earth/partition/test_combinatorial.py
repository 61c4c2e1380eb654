"""Combinatorial partitions: nested parts give the finer one, crossing parts give many more cells than either."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pytest
import shapely
from numpy.typing import NDArray

from whereshot.earth import partition, sphere
from whereshot.earth.partition.combinatorial import Combination
from whereshot.earth.polygons import area_sr
from whereshot.foundation.errors import InputError

COARSE = {"kind": "s2", "max": 2000, "min_level": 1}
FINE = {"kind": "s2", "max": 200, "min_level": 1}
BOXES = {"kind": "quadtree", "max": 2000}


@pytest.fixture(scope="module")
def world() -> NDArray:
    rng = np.random.default_rng(3)
    return np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, 20_000))), rng.uniform(-180, 180, 20_000)], axis=1)


def combine(points: Any, *parts: dict[str, Any], **settings: Any) -> Combination:
    cells = partition.build("combinatorial", points, {"parts": list(parts), **settings})
    assert isinstance(cells, Combination)
    return cells


def test_nested_parts_give_the_finer_one_exactly(world: NDArray) -> None:
    fine = partition.build("s2", world, {"max": 200, "min_level": 1})
    for parts in ((COARSE, FINE), (FINE, COARSE), ({"kind": "s2-level", "level": 1}, COARSE, FINE)):
        cells = combine(world, *parts)
        assert len(cells) == len(fine) and (cells.within == parts.index(FINE)).all()
        number = cells.members[:, parts.index(FINE)]
        np.testing.assert_array_equal(number[cells.assign(world)], fine.assign(world))
        np.testing.assert_array_equal(cells.area_sr, fine.area_sr[number])
        np.testing.assert_array_equal(cells.counts, fine.counts[number])
        assert cells.polygon(5).equals(fine.polygon(int(number[5])))
        assert cells.convex


def test_a_cell_is_a_combination_of_the_cells_of_the_parts(world: NDArray) -> None:
    cells = combine(world, COARSE, BOXES, {"kind": "s2-level", "level": 2})
    label = cells.assign(world)
    assert (label >= 0).all() and not cells.convex
    for number, part in enumerate(cells.parts):
        np.testing.assert_array_equal(cells.members[label, number], part.assign(world))
    assert len(np.unique(cells.members, axis=0)) == len(cells)
    elsewhere = np.random.default_rng(0).uniform([-90, -180], [90, 180], (5000, 2))
    label = cells.assign(elsewhere)
    tuples = np.stack([part.assign(elsewhere) for part in cells.parts], axis=1)
    known = set(map(tuple, cells.members.tolist()))
    np.testing.assert_array_equal(label >= 0, [tuple(row) in known for row in tuples.tolist()])


def test_few_coarse_cells_make_many_fine_ones(shared: Path) -> None:
    """CPlaNet's point: two parts of some 340 cells, with photos enough in each to learn it, tell 1,001 places apart."""
    path = shared / "data" / "tables" / "geoclip_coordinates_100K.csv"
    if not path.is_file():
        pytest.skip(f"needs {path.name}")
    table = pyarrow.csv.read_csv(path)
    photos = np.stack([table["LAT"].to_numpy(), table["LON"].to_numpy()], axis=1)
    cells = combine(photos, {"kind": "s2", "max": 1000}, {"kind": "quadtree", "max": 1000, "max_depth": 16})
    assert ([len(part) for part in cells.parts], len(cells)) == ([350, 336], 1001)
    assert np.average(cells.spread_km, weights=cells.counts) < min(
        np.average(part.spread_km, weights=part.counts) for part in cells.parts
    )
    assert cells.counts.sum() == len(photos)


@pytest.mark.parametrize("parts", [(COARSE, BOXES), (BOXES, COARSE), (BOXES, COARSE, FINE)])
def test_areas_of_crossing_parts_sum_to_those_of_the_first(world: NDArray, parts: tuple) -> None:
    cells = combine(world, *parts)
    assert (cells.within >= 0).any()
    total = np.bincount(cells.members[:, 0], cells.area_sr, len(cells.parts[0]))
    share = total / cells.parts[0].area_sr
    complete = np.abs(share - 1) < 1e-9
    assert complete.mean() > 0.8 and share.max() < 1 + 1e-9  # the rest lacks corners without photos
    rng = np.random.default_rng(8)
    points = np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, 400_000))), rng.uniform(-180, 180, 400_000)], axis=1)
    label = cells.assign(points)
    counted = np.bincount(label[label >= 0], minlength=len(cells)) / len(points) * 4 * math.pi
    noise = np.sqrt(counted * 4 * math.pi / len(points)) + 4 * math.pi / len(points)
    assert (np.abs(counted - cells.area_sr) < 6 * noise).all()


def test_polygons_are_overlaps(world: NDArray) -> None:
    cells = combine(world, BOXES, COARSE)
    cut = np.flatnonzero(cells.within < 0)
    for cell in cut[::9]:
        polygon = cells.polygon(int(cell))
        for part, own in zip(cells.parts, cells.members[cell].tolist(), strict=True):
            assert polygon.difference(part.polygon(own)).area < 1e-8
        rings = cells.boundary(int(cell))
        drawn = shapely.union_all([shapely.Polygon(ring[:, ::-1]) for ring in rings])
        assert area_sr(drawn) == pytest.approx(area_sr(polygon), rel=1e-6)


def test_a_cell_may_have_several_pieces() -> None:
    """The northern face of S2's cube comes down to 35 degrees at four corners: a box up to 42 has those four of it."""
    points = [[0, -180], [42, 180], [38, 45], [38, 135], [38, -45], [38, -135]]
    cells = combine(
        points, {"kind": "s2-level", "level": 0}, {"kind": "quadtree", "max": 9, "extent": "photos", "min": 0}
    )
    (corners,) = np.flatnonzero(cells.counts == 4)
    assert len(cells.parts[1]) == 1 and shapely.get_num_geometries(cells.polygon(int(corners))) >= 4
    assert len(cells.boundary(int(corners))) >= 4
    assert cells.assign([[38, 45], [38, 135], [41.9, 50], [38, 0], [43, 45]]).tolist()[:3] == [corners] * 3
    assert corners not in cells.assign([[38, 0], [43, 45]])
    np.testing.assert_array_equal(cells.assign(cells.cell_centers), np.arange(len(cells)))


def test_photos_on_the_borders_of_all_parts_are_in_cells_that_have_an_area() -> None:
    points = [[0, 0], [0, 180], [0, -180], [0, 90], [90, 0], [90, 50], [-90, -5], [45, 0], [45, 180], [45, -180]]
    cells = combine(points, {"kind": "s2-level", "level": 3}, {"kind": "quadtree", "max": 1, "max_depth": 5})
    label = cells.assign(points)
    assert (label >= 0).all() and cells.counts.sum() == len(points)
    assert label[1] == label[2] and label[4] == label[5] and label[8] == label[9]
    assert cells.area_sr.min() > 1e-6
    for cell in range(len(cells)):
        assert area_sr(cells.polygon(cell)) == pytest.approx(cells.area_sr[cell], rel=0.05)


def test_cells_that_are_not_kept(world: NDArray) -> None:
    cells, kept = combine(world, COARSE, BOXES), combine(world, COARSE, BOXES, min=40)
    assert set(map(tuple, kept.members.tolist())) == set(map(tuple, cells.members[cells.counts > 40].tolist()))
    assert kept.counts.min() > 40
    label = kept.assign(world)
    assert (label == -1).sum() == cells.counts[cells.counts <= 40].sum()
    counted = partition.build(
        "combinatorial", world, {"parts": [COARSE, BOXES], "min": 10}, populate_with=world[:2000] * [0.5, 1]
    )
    assert isinstance(counted, Combination) and len(counted) < len(cells) and counted.counts.min() > 10
    for one, other in zip(counted.parts, cells.parts, strict=True):  # refined on the world, counted on those
        assert set(map(tuple, one.cell_centers.tolist())) <= set(map(tuple, other.cell_centers.tolist()))


def test_parts_that_drop_cells_leave_photos_outside(world: NDArray) -> None:
    cells = combine(world, {**FINE, "min": 150}, BOXES)
    outside = cells.assign(world) < 0
    np.testing.assert_array_equal(outside, cells.parts[0].assign(world) < 0)
    assert outside.any() and cells.counts.sum() == (~outside).sum()


def test_combinations_of_combinations(world: NDArray, tmp_path: Path) -> None:
    inner = {"kind": "combinatorial", "parts": [COARSE, BOXES]}
    cells = combine(world, inner, {"kind": "s2-level", "level": 2})
    flat = combine(world, COARSE, BOXES, {"kind": "s2-level", "level": 2})
    assert len(cells) == len(flat)
    np.testing.assert_array_equal(cells.counts, flat.counts)
    cells.save(tmp_path / "cells.parquet")
    again = partition.load(tmp_path / "cells.parquet")
    np.testing.assert_array_equal(again.assign(world), cells.assign(world))


def test_many_parts_do_not_overflow(world: NDArray) -> None:
    """Nine parts of a few hundred cells: their product has more than 64 bits."""
    parts = [{"kind": "s2", "max": most, "min_level": 1} for most in range(60, 105, 5)]
    cells = combine(world, *parts)
    assert math.prod(len(part) for part in cells.parts) > 2**64
    finest = partition.build("s2", world, {"max": 60, "min_level": 1})
    np.testing.assert_array_equal(cells.members[cells.assign(world), 0], finest.assign(world))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([FINE], "partition combinatorial: 'parts': list should have at least 2 items after validation, not 1; got "),
        ([FINE, {"max": 3}], "partition combinatorial: part 2 names no kind; known: "),
        ([FINE, {"kind": "s3"}], "no partition kind 's3'; did you mean 's2'?"),
        ([FINE, {"kind": "s2", "max": 3, "levels": 3}], "partition s2: unknown key 'levels'; "),
        ([FINE, {"kind": "s2", "max": 3, "min": 2}], "no cell is left: every cell has too few photos; lower min"),
    ],
)
def test_parts_that_make_no_sense(parts: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(InputError) as caught:
        partition.build("combinatorial", [[0, 0]], {"parts": parts})
    assert str(caught.value).startswith(message)


def test_single_photos_are_their_cells_centroids() -> None:
    """Own centres are in the cells, wherever those are, and imagery centroids at the only photo."""
    points = np.array([[10, 10], [10, -170], [-50, 100], [80, 0], [-80, 30.0]])
    cells = combine(points, {"kind": "s2-level", "level": 1}, {"kind": "quadtree", "max": 2, "max_depth": 3})
    np.testing.assert_array_equal(cells.assign(cells.cell_centers), np.arange(len(cells)))
    assert (sphere.distance_km(cells.centers, points[np.argsort(cells.assign(points))]) < 1).all()
