"""Polygons of the map: repair the polygons of files, make polygons of rings on the sphere, cut them at the date line.

A polygon of the map is a shapely geometry in degrees, valid, within longitude [-180, 180] and latitude [-90, 90]. Its
edges are straight in longitude and latitude (RFC 7946, 3.1.1). shapely has longitude first and everything else in this
package has latitude first: ``swap_axes`` is where they meet.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import shapely
import shapely.affinity
from numpy.typing import ArrayLike, NDArray
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from whereshot.earth import sphere

WORLD = shapely.box(-180, -90, 180, 90)
"""The whole map."""

_TINY = 1e-9
"""Degrees, 0.1 mm."""

_AnyArray = TypeVar("_AnyArray", bound=np.generic)


def swap_axes(coordinates: NDArray[_AnyArray]) -> NDArray[_AnyArray]:
    """Return coordinates (..., 2) with latitude and longitude exchanged; no copy is made.

    shapely, GeoJSON and WKB put longitude first. Positions in this package have latitude first.
    """
    return coordinates[..., ::-1]


def corners_of(geometry: BaseGeometry | NDArray[np.object_]) -> sphere.Points:
    """Return all coordinates (n, 2) of one geometry or of an array of them, latitude first."""
    return swap_axes(shapely.get_coordinates(geometry))


def repaired(geometry: BaseGeometry) -> BaseGeometry:
    """Return the polygons in a geometry, as a file spells them, as one polygon of the map; empty if there is none.

    A ring that crosses the date line may count on beyond 180 degrees, or jump from 179 to -179. Crossed rings are
    untangled, overlaps are joined, and parts without area are left out. Outer rings run counter-clockwise.
    """
    polygons = [part for part in _leaves(geometry) if isinstance(part, Polygon) and not part.is_empty]
    if all(_is_plain(polygon) for polygon in polygons):
        shape: BaseGeometry = shapely.MultiPolygon(polygons) if len(polygons) != 1 else polygons[0]
        shape = shape if shape.is_valid else _untangled(shape)
    else:
        shape = shapely.union_all([_unrolled(polygon) for polygon in polygons])
    return areas_only(shape)


def areas_only(shape: BaseGeometry) -> BaseGeometry:
    """Return the parts of a valid geometry that have an area, as a Polygon or MultiPolygon; empty if there is none.

    Outer rings run counter-clockwise.
    """
    parts = [part for part in _leaves(shape) if isinstance(part, Polygon) and part.area > 0]
    return shapely.orient_polygons(parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts))


def of_ring(ring: sphere.Points) -> BaseGeometry:
    """Return what lies to the left of a closed ring (m, 2) on the sphere as a polygon of the map.

    ``ring`` is in degrees and counter-clockwise seen from outside; it must surround less than half of the sphere, or a
    pole. It is unrolled along longitude, closed over a pole that it goes round, and cut at the date line.
    """
    latitude, longitude = ring[:, 0], ring[:, 1].copy()
    at_pole = np.abs(latitude) > 90 - _TINY
    path: list[tuple[float, float]] = []
    for row in range(len(ring)):
        if at_pole[row]:  # a pole has every longitude: go there along one neighbour's and back along the other's
            before, after = longitude[row - 1 if row else -2], longitude[row + 1 if row + 1 < len(ring) else 1]
            path += [(before, latitude[row]), (after, latitude[row])]
        else:
            path.append((longitude[row], latitude[row]))
    unrolled = np.array(path)
    steps = (np.diff(unrolled[:, 0]) + 180) % 360 - 180
    unrolled[1:, 0] = unrolled[0, 0] + np.cumsum(steps)
    turn = unrolled[-1, 0] - unrolled[0, 0]
    if abs(turn) > 180:
        pole = np.sign(turn) * 90.0  # counter-clockwise seen from outside: eastward round the north pole
        unrolled = np.concatenate([unrolled, [[unrolled[-1, 0], pole], [unrolled[0, 0], pole]]])
    pieces = _cut_at_date_line(shapely.make_valid(shapely.Polygon(unrolled)))
    areas = [part for piece in pieces for part in _leaves(piece) if isinstance(part, Polygon) and part.area]
    return areas_only(shapely.union_all(areas) if len(areas) > 1 else areas[0])


def circle(center: ArrayLike, radius_km: float, corners: int = 180) -> BaseGeometry:
    """Return all places within ``radius_km`` of a position (2,) in degrees as a polygon of the map.

    The border has ``corners`` corners. A radius below a metre counts as a metre.
    """
    middle = np.asarray(center, np.float64)
    radius_km = max(radius_km, 0.001)
    if radius_km >= 0.999 * sphere.HALF_CIRCUMFERENCE_KM:
        return WORLD
    if radius_km > sphere.HALF_CIRCUMFERENCE_KM / 2:  # more than half the Earth: all but the circle opposite
        opposite = np.array([-middle[0], (middle[1] + 360) % 360 - 180])
        rest = circle(opposite, sphere.HALF_CIRCUMFERENCE_KM - radius_km, corners)
        return shapely.orient_polygons(shapely.difference(WORLD, rest))
    ring = sphere.move(middle, np.linspace(360, 0, corners + 1), radius_km)  # counter-clockwise
    ring[-1] = ring[0]
    return of_ring(ring)


def area_sr(geometry: BaseGeometry) -> float:
    """Return the steradians on the sphere of a polygon of the map.

    Exact: the integral of sin(latitude) along each edge has a closed form, so the areas of a tiling of the map sum to
    4 pi.
    """
    total = 0.0
    for polygon in shapely.get_parts(shapely.orient_polygons(geometry)):
        for ring in shapely.get_rings(polygon):
            latitude, longitude = np.radians(corners_of(ring)).T
            middle, half = (latitude[1:] + latitude[:-1]) / 2, (latitude[1:] - latitude[:-1]) / 2
            # mean of sin over the edge: sin(middle) sin(half) / half
            total -= float((np.diff(longitude) * np.sin(middle) * np.sinc(half / np.pi)).sum())
    return total


def _cut_at_date_line(shape: BaseGeometry) -> list[BaseGeometry]:
    """Return the pieces within the map of a valid geometry whose longitudes may count on beyond [-180, 180]."""
    west, _, east, _ = shape.bounds
    turns = range(int(np.floor((west + 180) / 360)), int(np.ceil((east - 180) / 360)) + 1)
    moved = [shapely.affinity.translate(shape, -360.0 * turn) if turn else shape for turn in turns]
    return [shapely.intersection(part, WORLD) for part in moved]


def _leaves(geometry: BaseGeometry) -> list[BaseGeometry]:
    """Return the single geometries in any nesting of collections."""
    parts = shapely.get_parts(geometry).tolist()
    nested = ("MultiPolygon", "GeometryCollection")
    return [leaf for part in parts for leaf in (_leaves(part) if part.geom_type in nested else [part])]


def _is_plain(polygon: BaseGeometry) -> bool:
    """Return whether a polygon lies within the map and none of its edges is half a turn wide."""
    west, south, east, north = polygon.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        return False
    return east - west <= 180 or not any(_jumps(shapely.get_coordinates(ring)).any() for ring in _rings(polygon))


def _rings(polygon: BaseGeometry) -> list[BaseGeometry]:
    result: list[BaseGeometry] = shapely.get_rings(polygon).tolist()
    return result


def _jumps(ring: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which edges (m - 1,) of a closed ring (m, 2) of shapely cross the date line and do not go round the world.

    ``ring`` has longitude first.
    """
    longitude, latitude = ring.T
    steps = np.abs(np.diff(longitude))
    pole = np.abs(latitude) > 90 - _TINY
    jumps = (steps > 180 + _TINY) & ~(pole[1:] & pole[:-1])  # along a pole the map has an edge, the sphere has none
    # a step of a whole turn is an edge only where the ring runs along the rim of the map; else it is not a step
    on_rim = np.abs(np.abs(longitude) - 180) < _TINY
    along_rim = on_rim[1:] & on_rim[:-1] & (steps < _TINY) & (np.diff(latitude) != 0)
    if pole.any() or along_rim.any():
        jumps &= np.abs(steps - 360) > _TINY
    result: NDArray[np.bool_] = jumps
    return result


def _unrolled(polygon: BaseGeometry) -> BaseGeometry:
    """Return a polygon that crosses the date line or holds a pole, cut there."""
    outer, *holes = [_area(shapely.get_coordinates(ring)) for ring in _rings(polygon)]
    return shapely.difference(outer, shapely.union_all(holes)) if holes else outer


def _area(ring: NDArray[np.float64]) -> BaseGeometry:
    """Return what a closed ring (m, 2) of shapely surrounds; if it goes round a pole, the cap of the nearer pole."""
    ring = _unwrapped(ring) if _jumps(ring).any() else ring
    return shapely.union_all(_cut_at_date_line(_untangled(shapely.Polygon(ring))))


def _unwrapped(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a ring (m, 2) of shapely with longitudes that count on instead of jumping."""
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
