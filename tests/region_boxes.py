"""Four regions side by side, files of regions, and cells made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from whereshot.earth import partition
from whereshot.earth.partition.regions import Regions

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


def build(points: Any, **asked: Any) -> Regions:
    cells = partition.build("regions", points, asked)
    assert isinstance(cells, Regions)
    label = cells.assign(points)
    np.testing.assert_array_equal(np.bincount(label[label >= 0], minlength=len(cells)), cells.counts)
    np.testing.assert_array_equal(cells.assign(cells.cell_centers), np.arange(len(cells)))
    return cells
