"""Regions that are merged and divided until cells have the wanted number of photos."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from region_boxes import BOXES, build, inside, write
from whereshot.earth.polygons import area_sr


def test_small_regions_join_the_smallest_neighbour_of_their_parent(tmp_path: Path, points: NDArray) -> None:
    parents = dict(zip(BOXES, ("west", "east", "west", "east"), strict=True))
    file = write(tmp_path / "a.geojson", BOXES, parents)
    cells = build(points, file=file, min=4)
    assert cells.names == ["south-west", "south-east + north-east", "north-west"]
    assert cells.counts.tolist() == [400, 94, 30] and cells.parents == ["west", "east", "west"]
    assert cells.polygon(1).equals(shapely.box(10, 0, 20, 20))
    assert build(points, file=file, min=30).names == ["south-west + north-west", "south-east + north-east"]


def test_regions_without_a_partner_are_dropped(tmp_path: Path, points: NDArray) -> None:
    file = write(tmp_path / "a.geojson", {**BOXES, "island": shapely.box(40, 0, 41, 1)})
    cells = build(np.concatenate([points, inside(shapely.box(40, 0, 41, 1), 3)]), file=file, min=3, stray_km=50)
    assert "island" not in cells.names and cells.counts.sum() == len(points)
    assert cells.assign([[0.5, 40.5], [0.5, 40.0 - 0.1]]).tolist() == [-1, -1]


def test_the_wanted_number_of_cells(four: str, points: NDArray) -> None:
    for wanted in (4, 5, 9, 40):
        cells = build(points, file=four, cells=wanted)
        assert len(cells) == wanted
        assert math.fsum(cells.area_sr) == pytest.approx(area_sr(shapely.box(0, 0, 20, 20)), rel=1e-9)
        assert len({cells.polygon(cell).wkb for cell in range(wanted)}) == wanted
    # whoever has the most photos per cell gets the next one: 400, 90, 30 and 4 of them
    assert [cells.names.count(name) for name in BOXES] == [29, 7, 3, 1]


def test_more_cells_than_places(four: str) -> None:
    cells = build([[5, 5]] * 30 + [[5, 15], [5, 16], [5, 17]], file=four, cells=10)
    assert cells.counts.tolist() == [30, 1, 1, 1]


def test_no_cell_above_the_largest_size(four: str, points: NDArray) -> None:
    cells = build(points, file=four, max=25)
    assert cells.counts.max() <= 25 and cells.counts.sum() == len(points)
    assert len(cells) >= len(points) / 25


def test_strays_are_divided_too(four: str, rng: np.random.Generator) -> None:
    coast = np.stack([rng.uniform(-0.4, 0, 1500), rng.uniform(0, 20, 1500)], axis=1)
    cells = build(np.concatenate([coast, inside(BOXES["south-west"], 300)]), file=four, max=56, min=7, stray_km=50)
    assert cells.counts.max() <= 56 and cells.counts.min() > 7 and cells.counts.sum() == 1800
    assert not shapely.is_empty(cells.shapes).any() and cells.notes == []


def test_cells_that_stay_too_large_are_told(four: str) -> None:
    cells = build([[5, 5]] * 30 + [[5, 15]], file=four, max=10)
    assert cells.notes == ["cells of more than max=10 photos: 1, the largest of 30"]
