"""Which regions of a file are used, and settings that make no sense."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from whereshot.earth import partition
from whereshot.earth.partition.region_settings import RegionSettings, read_disjoint
from whereshot.earth.partition.regions import Regions
from whereshot.foundation.errors import InputError

BOXES = {
    "south-west": shapely.box(0, 0, 10, 10),
    "south-east": shapely.box(10, 0, 20, 10),
    "north-west": shapely.box(0, 10, 10, 20),
    "north-east": shapely.box(10, 10, 20, 20),
}


def write(path: Path, shapes: dict[str, shapely.Geometry], parents: dict[str, str] | None = None) -> str:
    features = [
        {
            "type": "Feature",
            "properties": {"name": name, **({"parent": parents[name]} if parents else {})},
            "geometry": json.loads(shapely.to_geojson(shape)),
        }
        for name, shape in shapes.items()
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return str(path)


def inside(box: shapely.Geometry, n: int, seed: int = 0) -> NDArray:
    """(n, 2) positions in a box, latitude first."""
    west, south, east, north = box.bounds
    return np.random.default_rng(seed).uniform([south, west], [north, east], (n, 2))


@pytest.fixture
def four(tmp_path: Path) -> str:
    return write(tmp_path / "four.geojson", BOXES)


@pytest.fixture
def points() -> NDArray:
    """400, 90, 30 and 4 photos in the four boxes."""
    return np.concatenate([inside(box, n) for box, n in zip(BOXES.values(), (400, 90, 30, 4), strict=True)])


def build(points: Any, **asked: Any) -> Regions:
    cells = partition.build("regions", points, asked)
    assert isinstance(cells, Regions)
    label = cells.assign(points)
    np.testing.assert_array_equal(np.bincount(label[label >= 0], minlength=len(cells)), cells.counts)
    np.testing.assert_array_equal(cells.assign(cells.cell_centers), np.arange(len(cells)))
    return cells


def test_what_two_regions_claim_is_the_firsts(tmp_path: Path) -> None:
    file = write(tmp_path / "a.geojson", {"A": shapely.box(0, 0, 10, 10), "B": shapely.box(5, 0, 15, 10)})
    cells = build([[5, 2], [5, 7], [5, 12]], file=file)
    assert cells.counts.tolist() == [2, 1]
    assert cells.polygon(1).equals(shapely.box(10, 0, 15, 10))


@pytest.mark.parametrize("kind", ["regions", "semantic"])
def test_a_region_that_earlier_ones_cover_is_left_out(tmp_path: Path, kind: str) -> None:
    shapes = {"A": shapely.box(0, 0, 10, 10), "B": shapely.box(2, 2, 5, 5), "C": shapely.box(10, 0, 15, 10)}
    file = write(tmp_path / "a.geojson", shapes)
    cells = partition.build(kind, [[3, 3]] * 3 + [[5, 7], [5, 12]], {"file": file, "max": 9})
    assert isinstance(cells, Regions) and cells.names == ["A", "C"] and cells.counts.tolist() == [4, 1]
    found = read_disjoint(RegionSettings(file=Path(file)))
    assert found.names == ["A", "C"] and found.notes == ["left out, as earlier regions cover them: B"]


def test_only_some_regions(four: str, points: NDArray) -> None:
    assert build(points, file=four, only=["south-east"]).names == ["south-east"]
    with pytest.raises(InputError) as caught:
        build(points, file=four, only=["south-eats"])
    assert str(caught.value) == f"{four}: no region 'south-eats'; did you mean 'south-east'?"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"cells": 3}, "3 cells are fewer than the 4 regions with photos; raise cells, or min to merge small regions"),
        ({"cells": 9, "max": 9}, "partition regions: give cells or max, not both; got "),
        ({"max": 9, "min": 9}, "partition regions: min 9 must be smaller than max 9; got "),
        ({"name": "title"}, "four.geojson: no column 'title'; columns: name"),
        ({"file": "none.geojson"}, "none.geojson: no such file"),
        ({"stray_km": -1}, "partition regions: 'stray_km': input should be greater than or equal to 0; got -1"),
    ],
)
def test_settings_that_make_no_sense(four: str, points: NDArray, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        partition.build("regions", points, {"file": four, **asked})
    assert message in str(caught.value)
