"""Find which cells of a partition touch: pairs of cells that share a stretch of border.

It works on the sphere, so neither the date line nor a pole is special. Two cells need not have corners in common: where
a large cell touches several small cells, a step across the border finds each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from whereshot.earth import polygons, sphere

_ALONG = (0.5, 1e-3, 1 - 1e-3)
"""Positions on an edge where the border is tested, as shares of its length.

A shared stretch ends at a corner of one of the two cells. So tests close to the corners find each stretch that is
longer than a thousandth of one of the edges."""

_ACROSS = (1e-5, 1e-4, 1e-3, 1e-2)
"""Distances of the two tested points from the edge, as shares of its length.

The next distance is used only where both points are still in the same cell. This happens where an edge is drawn a
little off the border, because a parallel is not a great circle. Close to corners only the first two are used."""

_SAME = 1e-9
"""Corners of two cells that are this close count as the same corner; in chords of the unit sphere (6 mm)."""

_STRETCH_DEGREES = 2e-5
"""Polygons that share at most this much border (2 m) only meet in a corner."""

_AT_POLE = 1e-5
"""Degrees around a pole (a metre) where a border on the map is not a border on the sphere."""

_SHORTEST = 1e-11
"""Shorter edges are ignored: they are the pole, which a ring can contain once for each longitude."""


def pairs(
    rings: Sequence[Sequence[sphere.Points]], assign: Callable[[sphere.Points], NDArray[np.int64]]
) -> NDArray[np.int64]:
    """Return pairs (m, 2) of cells i < j, sorted, that share a border of positive length.

    ``rings`` are the closed rings (p, 2) of each cell, ``assign`` returns the cells of positions (n, 2), -1 for none.
    Edges that two cells have in common are found by their ends. The other edges are tested at three positions.
    """
    start, end, owner = _edges(rings)
    if len(owner) == 0:
        return np.empty((0, 2), np.int64)
    first, second, alone = _matched(start, end, owner)
    found = [np.stack([first, second], axis=1)]
    start, end = start[alone], end[alone]
    for along in _ALONG:
        found.append(_across(start, end, along, _ACROSS if along == 0.5 else _ACROSS[:2], assign))
    both = np.sort(np.concatenate(found), axis=1)
    both = both[(both[:, 0] >= 0) & (both[:, 0] < both[:, 1])]
    return np.unique(both, axis=0)


def touching(shapes: NDArray[np.object_], gap_degrees: float) -> NDArray[np.int64]:
    """Return pairs (m, 2) of valid polygons (k,) of the map, i < j, sorted, that share a stretch of border.

    A gap of at most ``gap_degrees`` between their borders is ignored. Polygons that are cut at the date line touch
    across it. Polygons that meet at a pole only meet in a corner.
    """
    found = [_touching(shapes, shapes, gap_degrees)]
    bounds = shapely.bounds(shapes)
    east = np.flatnonzero(bounds[:, 2] > 180 - gap_degrees)
    west = np.flatnonzero(bounds[:, 0] < gap_degrees - 180)
    if len(east) and len(west):
        turned = shapely.transform(shapes[west], lambda xy: xy + np.array([360.0, 0.0]))
        over = _touching(shapes[east], turned, gap_degrees)
        found.append(np.stack([east[over[:, 0]], west[over[:, 1]]], axis=1))
    both = np.sort(np.concatenate(found), axis=1)
    return np.unique(both[both[:, 0] < both[:, 1]], axis=0)


def _touching(some: NDArray[np.object_], others: NDArray[np.object_], gap_degrees: float) -> NDArray[np.int64]:
    """Return pairs (m, 2) of a row of ``some`` and a row of ``others`` whose borders run along each other."""
    near = shapely.STRtree(others).query(some, predicate="dwithin", distance=gap_degrees).T
    if some is others:
        near = near[near[:, 0] < near[:, 1]]
    stays = np.zeros(len(near), bool)
    low = np.maximum(shapely.bounds(some)[near[:, 0], :2], shapely.bounds(others)[near[:, 1], :2]) - 2 * gap_degrees
    high = np.minimum(shapely.bounds(some)[near[:, 0], 2:], shapely.bounds(others)[near[:, 1], 2:]) + 2 * gap_degrees
    low[:, 1], high[:, 1] = np.maximum(low[:, 1], _AT_POLE - 90), np.minimum(high[:, 1], 90 - _AT_POLE)
    for row, (one, other) in enumerate(near.tolist()):  # only the parts inside both extents are compared
        frame = (*low[row].tolist(), *high[row].tolist())
        if frame[1] < frame[3]:
            line, beside = (shapely.clip_by_rect(shapely.boundary(x), *frame) for x in (some[one], others[other]))
            along = shapely.intersection(line, shapely.buffer(beside, gap_degrees, quad_segs=2))
            stays[row] = _length_degrees(along) > _STRETCH_DEGREES
    return near[stays]


def _length_degrees(lines: BaseGeometry) -> float:
    """Return the total length of lines of the map, in degrees of a great circle."""
    total = 0.0
    for line in shapely.get_parts(lines):
        unit = sphere.xyz(polygons.corners_of(line))
        total += float(np.linalg.norm(np.diff(unit, axis=0), axis=1).sum())
    return float(np.degrees(total))


def _edges(
    rings: Sequence[Sequence[sphere.Points]],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return both ends (e, 3), as unit vectors, and the cell (e,) of every edge of all rings."""
    flat = [(cell, ring) for cell, own in enumerate(rings) for ring in own if len(ring) > 1]
    if not flat:
        return np.empty((0, 3)), np.empty((0, 3)), np.empty(0, np.int64)
    lengths = np.array([len(ring) for _, ring in flat])
    unit = sphere.xyz(np.concatenate([ring for _, ring in flat]))
    owner = np.repeat(np.array([cell for cell, _ in flat]), lengths)
    inner = np.ones(len(unit), bool)
    inner[np.cumsum(lengths) - 1] = False  # no edge from the end of a ring to the start of the next
    rows = np.flatnonzero(inner)
    rows = rows[np.linalg.norm(unit[rows + 1] - unit[rows], axis=1) > _SHORTEST]
    return unit[rows], unit[rows + 1], owner[rows]


def _matched(
    start: NDArray[np.float64], end: NDArray[np.float64], owner: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the two cells of every edge that is in two rings; and which edges (a,) are in one only."""
    ends = np.round(np.concatenate([start, end]) / _SAME).astype(np.int64)
    corner = np.unique(ends, axis=0, return_inverse=True)[1].reshape(2, -1)
    low, high = corner.min(axis=0), corner.max(axis=0)
    order = np.lexsort([owner, high, low])
    low, high = low[order], high[order]
    twin = np.flatnonzero((low[1:] == low[:-1]) & (high[1:] == high[:-1]) & (low[1:] != high[1:]))
    alone = np.ones(len(order), bool)
    alone[twin] = alone[twin + 1] = False
    return owner[order[twin]], owner[order[twin + 1]], order[alone]


def _across(
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    along: float,
    distances: tuple[float, ...],
    assign: Callable[[sphere.Points], NDArray[np.int64]],
) -> NDArray[np.int64]:
    """Return the cells (e, 2) on the left and the right of a position on each edge."""
    spot = start + along * (end - start)
    spot /= np.linalg.norm(spot, axis=1, keepdims=True)
    aside = np.cross(start, end - start)  # nearly as long as the edge
    sides = np.full((len(spot), 2), -1)
    open_ = np.arange(len(spot))
    for distance in distances:
        for side, sign in enumerate((1, -1)):
            sides[open_, side] = assign(sphere.latlon(spot[open_] + sign * distance * aside[open_]))
        open_ = open_[sides[open_, 0] == sides[open_, 1]]
        if len(open_) == 0:
            break
    return sides
