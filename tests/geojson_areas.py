"""What RFC 7946 asks of a Feature with an area."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
import shapely.geometry


def check_area(feature: dict[str, Any]) -> shapely.Geometry:
    """A valid polygon within the map whose rings are closed and turn the right way; returns it."""
    shape = shapely.geometry.shape(feature["geometry"])
    assert shape.is_valid and shape.geom_type in ("Polygon", "MultiPolygon")
    west, south, east, north = shape.bounds
    assert -180 <= west < east <= 180 and -90 <= south < north <= 90
    polygons = feature["geometry"]["coordinates"]
    for exterior, *holes in [polygons] if shape.geom_type == "Polygon" else polygons:
        assert exterior[0] == exterior[-1] and _counter_clockwise(exterior)
        assert not any(_counter_clockwise(hole) for hole in holes)
    return shape


def _counter_clockwise(ring: list[list[float]]) -> bool:
    x, y = np.array(ring).T
    return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum()) > 0
