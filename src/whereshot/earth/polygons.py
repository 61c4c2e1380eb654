"""Polygons as files spell them in; valid polygons of the map out, cut at the date line and closed over a pole.

Edges are straight in longitude and latitude (RFC 7946, 3.1.1). A ring that goes over the date line may count on beyond
180 degrees, or jump from 179 to -179.
"""

from __future__ import annotations

import numpy as np
import shapely
import shapely.affinity
from numpy.typing import NDArray
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

_WORLD = shapely.box(-180, -90, 180, 90)
_TINY = 1e-9
"""Degrees, 0.1 mm."""


def mended(geometry: BaseGeometry) -> BaseGeometry:
    """The polygons in a geometry as one valid (multi-)polygon within [-180, 180] and [-90, 90]; empty for none.

    Crossed rings are untangled, what overlaps is one, and what has no area goes; outer rings run counter-clockwise.
    """
    polygons = [part for part in _leaves(geometry) if isinstance(part, Polygon) and not part.is_empty]
    if all(_is_plain(polygon) for polygon in polygons):
        shape: BaseGeometry = shapely.MultiPolygon(polygons) if len(polygons) != 1 else polygons[0]
        shape = shape if shape.is_valid else _untangled(shape)
    else:
        shape = shapely.union_all([_unrolled(polygon) for polygon in polygons])
    return flat(shape)


def flat(shape: BaseGeometry) -> BaseGeometry:
    """A valid geometry without what has no area, counter-clockwise: a Polygon or MultiPolygon, empty for none."""
    parts = [part for part in _leaves(shape) if isinstance(part, Polygon) and part.area > 0]
    return shapely.orient_polygons(parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts))


def _leaves(geometry: BaseGeometry) -> list[BaseGeometry]:
    """The single geometries in any nesting of collections."""
    parts = shapely.get_parts(geometry).tolist()
    nested = ("MultiPolygon", "GeometryCollection")
    return [leaf for part in parts for leaf in (_leaves(part) if part.geom_type in nested else [part])]


def _is_plain(polygon: BaseGeometry) -> bool:
    """Whether a polygon lies within the map and none of its edges is half a turn wide."""
    west, south, east, north = polygon.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        return False
    return east - west <= 180 or not any(_jumps(shapely.get_coordinates(ring)).any() for ring in _rings(polygon))


def _rings(polygon: BaseGeometry) -> list[BaseGeometry]:
    result: list[BaseGeometry] = shapely.get_rings(polygon).tolist()
    return result


def _jumps(ring: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which edges (m - 1,) of a closed ring (m, 2), longitude first, go over the date line, and not round the world."""
    longitude, latitude = ring.T
    steps = np.abs(np.diff(longitude))
    pole = np.abs(latitude) > 90 - _TINY
    jumps = (steps > 180 + _TINY) & ~(pole[1:] & pole[:-1])  # along a pole the map has an edge, the sphere has none
    # a whole turn along a parallel is drawn where the ring goes up or down the map's rim; else it is no step at all
    on_rim = np.abs(np.abs(longitude) - 180) < _TINY
    along_rim = on_rim[1:] & on_rim[:-1] & (steps < _TINY) & (np.diff(latitude) != 0)
    if pole.any() or along_rim.any():
        jumps &= np.abs(steps - 360) > _TINY
    result: NDArray[np.bool_] = jumps
    return result


def _unrolled(polygon: BaseGeometry) -> BaseGeometry:
    """A polygon over the date line or a pole, cut there."""
    outer, *holes = [_area(shapely.get_coordinates(ring)) for ring in _rings(polygon)]
    return shapely.difference(outer, shapely.union_all(holes)) if holes else outer


def _area(ring: NDArray[np.float64]) -> BaseGeometry:
    """What one closed ring (m, 2) surrounds; one that goes round a pole, the cap of the nearer pole."""
    ring = _unwrapped(ring) if _jumps(ring).any() else ring
    shape = _untangled(shapely.Polygon(ring))
    west, _, east, _ = ring[:, 0].min(), 0, ring[:, 0].max(), 0
    turns = range(int(np.floor((west + 180) / 360)), int(np.ceil((east - 180) / 360)) + 1)
    moved = [shapely.affinity.translate(shape, -360.0 * turn) if turn else shape for turn in turns]
    return shapely.union_all([shapely.intersection(one, _WORLD) for one in moved])


def _unwrapped(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ring with longitudes that count on instead of jumping."""
    pole = np.abs(ring[:-1, 1]) > 90 - _TINY
    start = int(np.argmin(pole))
    ring, pole = np.roll(ring[:-1], -start, axis=0), np.roll(pole, -start)
    kept = np.flatnonzero(~pole)
    ends = np.append(kept[1:], len(ring))
    longitude = ring[kept, 0]
    steps = (np.append(longitude[1:], longitude[0]) - longitude + 180) % 360 - 180
    longitude = longitude[0] + np.append(0.0, np.cumsum(steps))
    path: list[tuple[float, float]] = []
    for place, (row, end) in enumerate(zip(kept.tolist(), ends.tolist(), strict=True)):
        path.append((longitude[place], ring[row, 1]))
        if end > row + 1:  # a pole has every longitude: up along one neighbour's and down along the other's
            tip = float(np.copysign(90.0, ring[row + 1, 1]))
            path += [(longitude[place], tip), (longitude[place + 1], tip)]
    path.append((longitude[-1], ring[0, 1]))
    if abs(longitude[-1] - longitude[0]) > 180:
        tip = float(np.copysign(90.0, ring[kept, 1].mean()))
        path += [(longitude[-1], tip), (longitude[0], tip)]
    return np.array([*path, path[0]])


def _untangled(shape: BaseGeometry) -> BaseGeometry:
    return shapely.make_valid(shape, method="structure", keep_collapsed=False)
