"""Semantic cells: regions that merge within their parent, dense clusters that are split off, the two together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from whereshot.earth import partition
from whereshot.earth.partition.regions import Regions
from whereshot.foundation.errors import ConfigError

# --- the whole


@pytest.fixture(scope="module")
def countries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two countries beside each other: Leftland of four provinces in a row and an island, Rightland of two."""
    provinces = {
        "Alba": ("Leftland", (0, 0, 2, 4)),
        "Bera": ("Leftland", (2, 0, 4, 4)),
        "Cora": ("Leftland", (4, 0, 6, 4)),
        "Dina": ("Leftland", (6, 0, 8, 4)),
        "Isla": ("Leftland", (3, 5, 4, 6)),
        "Yard": ("Rightland", (8, 0, 12, 4)),
        "Zeno": ("Rightland", (12, 0, 16, 4)),
    }
    features = [
        {
            "type": "Feature",
            "properties": {"name": name, "country": country},
            "geometry": json.loads(shapely.to_geojson(shapely.box(*box))),
        }
        for name, (country, box) in provinces.items()
    ]
    path = tmp_path_factory.mktemp("borders") / "provinces.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


@pytest.fixture(scope="module")
def photos() -> NDArray:
    rng = np.random.default_rng(5)
    return np.concatenate(
        [
            rng.uniform([0, 0], [4, 2], (20, 2)),  # Alba
            rng.uniform([0, 2], [4, 4], (300, 2)),  # Bera
            rng.uniform([0, 4], [4, 6], (30, 2)),  # Cora
            rng.uniform([0, 6], [4, 8], (25, 2)),  # Dina
            rng.uniform([5, 3], [6, 4], (5, 2)),  # Isla
            rng.uniform([0, 8], [4, 12], (700, 2)),  # Yard
            rng.normal([2, 9], 0.02, (900, 2)),  # a town in Yard
            rng.normal([3, 11], 0.02, (600, 2)),  # another
            rng.uniform([0, 12], [4, 16], (10, 2)),  # Zeno
        ]
    )


def test_semantic_cells(countries: Path, photos: NDArray) -> None:
    cells = partition.build("semantic", photos, {"file": str(countries), "max": 1000, "min": 50})
    assert isinstance(cells, Regions) and cells.kind == "regions"
    names = {group.name for group in cells.groups}
    # Isla is the emptiest: Bera, the nearest, takes it. Alba then has Bera only; Dina joins Cora, which is small too
    assert names == {"Alba + Bera + Isla", "Cora + Dina", "Yard + Zeno"}
    assert [group.parent for group in cells.groups].count("Leftland") == 2
    label = cells.assign(photos)
    assert (label >= 0).all() and cells.counts.min() > 50
    # the towns are no longer in one cell, and no cell crosses a country's border
    towns = label[380 + 700 : 380 + 700 + 900], label[380 + 1600 : 380 + 2200]
    assert not set(towns[0].tolist()) & set(towns[1].tolist())
    for town in towns:
        cell = np.bincount(town).argmax()
        assert (town == cell).mean() > 0.9 and cells.counts[cell] < 1000
    assert np.bincount(label[380:], minlength=len(cells))[label[:380]].sum() == 0
    assert sum(polygon.area for polygon in cells.shapes) == pytest.approx(4 * 16 + 1, rel=1e-6)


def test_what_is_left_too_small_is_dropped(countries: Path, photos: NDArray) -> None:
    given = {"file": str(countries), "max": 5000, "min": 400}
    cells = partition.build("semantic", photos[:1000], given)  # Leftland has 380
    assert isinstance(cells, Regions) and set(cells.parents) == {"Rightland"}
    np.testing.assert_array_equal(cells.assign(photos[:380]), -1)
    both = partition.build("semantic", photos, given, populate_with=np.concatenate([photos, photos[:380]]))
    assert len(both) == 2  # counted on other photos, it has enough


def test_saved_semantic_cells_are_regions(countries: Path, photos: NDArray, tmp_path: Path) -> None:
    cells = partition.build("semantic", photos, {"file": str(countries), "max": 300, "min": 50})
    cells.save(tmp_path / "cells.parquet")
    again = partition.load(tmp_path / "cells.parquet")
    assert isinstance(again, Regions)
    np.testing.assert_array_equal(again.assign(photos), cells.assign(photos))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "partition semantic: 'max' is missing"),
        ({"max": 5, "cells": 9}, "partition semantic: 'cells': input should be None; got 9"),
        ({"max": 5, "sample": 3}, "partition semantic: 'sample': input should be greater than or equal to 10; got 3"),
    ],
)
def test_settings_that_make_no_sense(countries: Path, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        partition.build("semantic", [[0, 0]], {"file": str(countries), **asked})
    assert str(caught.value).split("; settings of")[0] == message
