"""A posterior in, cells to draw out: S2 cells, small where the mass is, with their mass and density, as GeoJSON.

The places are drawn as points of equal mass, laid evenly over each place's extent (a sunflower, whose rings hold equal
shares of its spherical Cauchy distribution). Each point is in one cell, so the masses of the cells add up to one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
import shapely.geometry
from numpy.typing import NDArray

from whereshot.earth import polygons, s2, sphere
from whereshot.foundation.errors import InputError
from whereshot.posterior.base import Posterior
from whereshot.posterior.place_shape import GOLDEN_DEGREES, quantile_km

MOST_CELLS = 1500
POINTS = 4_096
"""Points that stand for a posterior's mass; a cell of 1/200 holds 20."""
FINEST_LEVEL = 20
"""About 9 m: finer than any place."""
COARSEST_LEVEL = 2
REGIONS = (0.5, 0.9, 1.0)
"""Levels of the smallest regions that a cell is told to belong to."""

LEAST_MASS = 1 / 200
"""A cell with less mass is not divided, however few cells there are."""
COARSER = 1.5
"""Factor of the least mass where there are too many cells."""
FEWEST_POINTS = 8
"""A cell with fewer points is not divided: the points would not show its parts."""
_SUPPORTS_KEPT = 8
_SINGLE: dict[int, tuple[sphere.Points, NDArray[np.float64], s2.CellIds, NDArray[np.int64]]] = {}
"""By the identity of an array of places, which is held here so that no other one gets it."""
STRAIGHT_LEVEL = 5
"""From this level on (cells of 3 degrees) the edges of a cell are drawn as straight lines."""
_TEXTS: dict[int, str] = {}
_TEXTS_KEPT = 50_000
"""Polygons of cells as text, 8 MB of them."""


@dataclass(frozen=True)
class MapCells:
    """Disjoint S2 cells (k,) in the order of the curve, the mass of each, summing to one, and its area."""

    ids: s2.CellIds
    mass: NDArray[np.float64]
    area_km2: NDArray[np.float64]

    @property
    def density(self) -> NDArray[np.float64]:
        """Probability (k,) per square kilometre."""
        return self.mass / self.area_km2

    @property
    def region(self) -> NDArray[np.float64]:
        """The smallest of the regions of highest density (k,), 0.5, 0.9 or 1.0, that each cell belongs to."""
        order = np.argsort(-self.density, kind="stable")
        before = np.concatenate([[0.0], np.cumsum(self.mass[order])[:-1]])
        of_rank = np.searchsorted(np.array(REGIONS[:-1]) - 1e-9, before, side="right")
        found = np.empty(len(order))
        found[order] = np.array(REGIONS)[of_rank]
        return found


def cells_of(posterior: Posterior, *, most: int = MOST_CELLS, finest_level: int = FINEST_LEVEL) -> MapCells:
    """The cells of a posterior of one row: at most ``most``, none below ``finest_level``. Raises InputError."""
    if len(posterior) != 1:
        raise InputError(f"a map is drawn of one row; this posterior has {len(posterior)}")
    if most < 6 * 4**COARSEST_LEVEL:
        raise InputError(f"a map has at least {6 * 4**COARSEST_LEVEL} cells; got {most}")
    leaves, mass = _leaves(posterior)
    sums = np.concatenate([[0.0], np.cumsum(mass)])
    least = LEAST_MASS
    while True:
        ids, lows, highs = _divide(leaves, sums, least, max(COARSEST_LEVEL, finest_level))
        if len(ids) <= most:
            break
        least *= COARSER
    order = np.argsort(ids)
    held = (sums[highs] - sums[lows])[order] / sums[-1]
    ids = ids[order]
    return MapCells(ids, held, s2.area_sr(ids) * sphere.EARTH_KM**2)


def _leaves(posterior: Posterior) -> tuple[s2.CellIds, NDArray[np.float64]]:
    """Leaf cells (m,), in order, of points that stand for the places, and their masses (m,).

    A place has as many points as its mass is worth, at least one, whose position depends on the place alone.
    """
    places = posterior.places if posterior.places.ndim == 2 else posterior.places[0]
    spread, mass = np.ravel(posterior.spread_km), posterior.mass[0]
    count = np.ceil(mass * POINTS).astype(np.int64)
    heavy = np.flatnonzero(count > 1)
    owner = np.repeat(heavy, count[heavy])
    number = np.arange(len(owner)) - np.repeat(np.cumsum(count[heavy]) - count[heavy], count[heavy])
    many = s2.encode(_laid(places[owner], spread[owner], number, (number + 0.5) / count[owner]))
    along = np.argsort(many)
    single, order = _singles(places, spread)
    light = count[order] == 1
    leaves = np.concatenate([single[light], many[along]])
    held = np.concatenate([mass[order[light]], (mass / np.maximum(count, 1))[owner[along]]])
    merged = np.argsort(leaves, kind="stable")  # of two runs in order, which is quick
    return leaves[merged], held[merged]


def _singles(places: sphere.Points, spread_km: NDArray[np.float64]) -> tuple[s2.CellIds, NDArray[np.int64]]:
    """The leaf cells (k,), in order, of one point for each place, and the places' numbers (k,); kept, as photos share
    their places."""
    kept = _SINGLE.get(id(places))
    if kept is None or kept[0] is not places or not np.array_equal(kept[1], spread_km):
        if len(_SINGLE) >= _SUPPORTS_KEPT:
            _SINGLE.clear()
        leaves = s2.encode(_laid(places, spread_km, np.arange(len(places)), np.full(len(places), 0.5)))
        order = np.argsort(leaves)
        kept = _SINGLE[id(places)] = places, spread_km, leaves[order], order
    return kept[2:]


def _laid(
    places: sphere.Points, spread_km: NDArray[np.float64], number: NDArray[np.int64], share: NDArray[np.float64]
) -> sphere.Points:
    """Positions (m, 2) so far from their places that ``share`` of these lies nearer, each turned from the one before.

    Single points are turned from place to place, or those of many light ones would all lie to their north.
    """
    return sphere.move(places, (number * GOLDEN_DEGREES) % 360, quantile_km(share, spread_km))


def _divide(
    leaves: s2.CellIds, sums: NDArray[np.float64], least: float, finest_level: int
) -> tuple[s2.CellIds, NDArray[np.int64], NDArray[np.int64]]:
    """Cells with more than ``least`` of the mass become their four children; empty ones go.

    ``leaves`` are the sorted leaf cells of the points, ``sums`` their masses up to each. Returns the cells and the
    ranges of points in them.
    """
    ids = s2.parent(leaves, COARSEST_LEVEL)
    ids = ids[np.concatenate([[True], ids[1:] != ids[:-1]])]
    done: list[tuple[s2.CellIds, NDArray[np.int64], NDArray[np.int64]]] = []
    for level in range(COARSEST_LEVEL, finest_level + 1):
        low = np.searchsorted(leaves, s2.range_min(ids), side="left")
        high = np.searchsorted(leaves, s2.range_max(ids), side="right")
        held = high > low
        ids, low, high = ids[held], low[held], high[held]
        divided = (sums[high] - sums[low] > least) & (high - low >= FEWEST_POINTS) & (level < finest_level)
        done.append((ids[~divided], low[~divided], high[~divided]))
        if not divided.any():
            break
        ids = s2.children(ids[divided]).ravel()
    cells, lows, highs = (np.concatenate(parts) for parts in zip(*done, strict=True))
    return cells, lows, highs


def to_geojson(cells: MapCells) -> str:
    """A FeatureCollection (RFC 7946) as text: a polygon per cell, cut at the date line, with token, mass and density.

    ``drawn`` beside the features is the mass that they hold together.
    """
    columns = (s2.token(cells.ids), _geometries(cells.ids), cells.mass, cells.density, cells.region)
    features = ",".join(
        f'{{"type":"Feature","geometry":{geometry},"properties":{{"cell":"{token}","probability":{mass:.6g},'
        f'"density_per_km2":{density:.4g},"region":{region}}}}}'
        for token, geometry, mass, density, region in zip(*(list(column) for column in columns), strict=True)
    )
    return f'{{"type":"FeatureCollection","features":[{features}],"drawn":{cells.mass.sum():.6g}}}'


def as_json(document: Any) -> str:
    """A document as JSON; NaN and infinity, which are none, as null."""
    settings: dict[str, Any] = {"ensure_ascii": False, "separators": (",", ":")}
    try:
        return json.dumps(document, allow_nan=False, **settings)
    except ValueError:
        return json.dumps(json.loads(json.dumps(document), parse_constant=lambda _: None), **settings)


def with_member(document: dict[str, Any], name: str, text: str) -> str:
    """A document as JSON with one more member, last, whose value is JSON already."""
    return f"{as_json(document)[:-1]},{json.dumps(name)}:{text}}}"


def _geometries(ids: s2.CellIds) -> list[str]:
    """GeoJSON polygons (k,) of cells, as text. Kept, since most photos share most cells of where photos are taken."""
    missing = [cell for cell in ids.tolist() if cell not in _TEXTS]
    if len(_TEXTS) + len(missing) > _TEXTS_KEPT:
        _TEXTS.clear()
        missing = ids.tolist()
    if missing:
        _TEXTS.update(zip(missing, _drawn(np.array(missing, np.uint64)), strict=True))
    return [_TEXTS[cell] for cell in ids.tolist()]


def _drawn(ids: s2.CellIds) -> list[str]:
    """The polygons (k,) of cells, as text; five digits are a metre, finer cells have seven."""
    level = s2.level_of(ids)
    corners = s2.vertices(ids)
    plain = (level >= STRAIGHT_LEVEL) & _is_flat(corners)
    rings = polygons.swap_axes(corners[:, [0, 1, 2, 3, 0]])
    rounded = np.where((level > 15)[:, None, None], np.round(rings, 7), np.round(rings, 5)).tolist()
    geometries = (
        {"type": "Polygon", "coordinates": [ring]} if straight else _bent(corner, max(1, 32 >> own_level))
        for ring, straight, corner, own_level in zip(
            rounded, plain.tolist(), s2.vertex_xyz(ids), level.tolist(), strict=True
        )
    )
    return [json.dumps(geometry, separators=(",", ":")) for geometry in geometries]


def _is_flat(ring: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether rings (..., m, 2) neither cross the date line nor hold a pole, so that they are polygons as they are."""
    result: NDArray[np.bool_] = (np.ptp(ring[..., 1], axis=-1) < 90) & (np.abs(ring[..., 0]).max(axis=-1) < 89.9)
    return result


def _bent(corners: NDArray[np.float64], parts: int) -> dict[str, Any]:
    """A cell of four corners (4, 3) whose edges, each in some ``parts``, are drawn as the great circles they are."""
    share = np.linspace(0, 1, parts, endpoint=False)[:, None]
    edges = [
        start * (1 - share) + end * share for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True)
    ]
    ring = sphere.latlon(np.concatenate([*edges, corners[:1]]))
    if _is_flat(ring):
        return {"type": "Polygon", "coordinates": [np.round(polygons.swap_axes(ring), 5).tolist()]}
    return shapely.geometry.mapping(shapely.set_precision(polygons.of_ring(ring), 1e-7))
