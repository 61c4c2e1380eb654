"""Which regions of a file are used, and settings that make no sense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import shapely
from numpy.typing import NDArray

from region_boxes import build, write
from whereshot.earth import partition
from whereshot.earth.partition.region_settings import RegionSettings, read_disjoint
from whereshot.earth.partition.regions import Regions
from whereshot.foundation.errors import InputError


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
