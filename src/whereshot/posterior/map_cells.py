"""Turn a posterior into S2 cells for a map: small cells where the mass is, with mass and density, also as GeoJSON.

Each place is represented by points of equal mass, spread evenly over its extent. They form a sunflower pattern whose
rings hold equal shares of the spherical Cauchy distribution. Each point is in one cell, so the masses of the cells sum
to 1.
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
"""Points that represent the mass of a posterior; a cell with 1/200 of the mass has 20 of them."""
FINEST_LEVEL = 20
"""S2 level of the smallest cells, about 9 m: finer than any place."""
COARSEST_LEVEL = 2
"""S2 level of the largest cells."""
REGIONS = (0.5, 0.9, 1.0)
"""Shares of the mass for which the smallest regions are marked."""

LEAST_MASS = 1 / 200
"""A cell with less mass is never divided."""
COARSER = 1.5
"""The least mass is multiplied by this, again and again, while there are too many cells."""
FEWEST_POINTS = 8
"""A cell with fewer points is not divided, because so few points do not show where the mass is in it."""
_SUPPORTS_KEPT = 8
_SINGLE: dict[int, tuple[sphere.Points, NDArray[np.float64], s2.CellIds, NDArray[np.int64]]] = {}
"""Cached results by the ``id`` of an array of places. The array is kept too, so that its id is not reused."""
STRAIGHT_LEVEL = 5
"""From this level on (cells of 3 degrees) the edges of a cell are drawn as straight lines."""
_TEXTS: dict[int, str] = {}
_TEXTS_KEPT = 50_000
"""Polygons of cells that are cached as text; about 8 MB."""


@dataclass(frozen=True)
class MapCells:
    """Disjoint S2 cells (k,) in the order of the Hilbert curve, with their masses, which sum to 1, and their areas."""

    ids: s2.CellIds
    mass: NDArray[np.float64]
    area_km2: NDArray[np.float64]

    @property
    def density(self) -> NDArray[np.float64]:
        """Probability (k,) per square kilometre."""
        return self.mass / self.area_km2

    @property
    def region(self) -> NDArray[np.float64]:
        """The region (k,) of each cell: the least of 0.5, 0.9 and 1.0 whose smallest region has the cell in it."""
        order = np.argsort(-self.density, kind="stable")
        before = np.concatenate([[0.0], np.cumsum(self.mass[order])[:-1]])
        of_rank = np.searchsorted(np.array(REGIONS[:-1]) - 1e-9, before, side="right")
        found = np.empty(len(order))
        found[order] = np.array(REGIONS)[of_rank]
        return found


def cells_of(posterior: Posterior, *, most: int = MOST_CELLS, finest_level: int = FINEST_LEVEL) -> MapCells:
    """Return the map cells of a posterior of one row: at most ``most`` cells, none finer than ``finest_level``.

    Raises InputError for a posterior of several rows and for a ``most`` that is too small.
    """
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
    """Return the sorted leaf cells (m,) of the points that represent the places, and the points' masses (m,).

    The number of points of a place is proportional to its mass, at least one. Their positions depend on nothing else
    but the place and this number.
    """
    places = posterior.places if posterior.places.ndim == 2 else posterior.places[0]
    spread, mass = np.ravel(posterior.spread_km), posterior.mass[0]
    count = np.ceil(mass * POINTS).astype(np.int64)
    heavy = np.flatnonzero(count > 1)
    owner = np.repeat(heavy, count[heavy])
    number = np.arange(len(owner)) - np.repeat(np.cumsum(count[heavy]) - count[heavy], count[heavy])
    many = s2.encode(_spread_points(places[owner], spread[owner], number, (number + 0.5) / count[owner]))
    along = np.argsort(many)
    single, order = _single_points(places, spread)
    light = count[order] == 1
    leaves = np.concatenate([single[light], many[along]])
    held = np.concatenate([mass[order[light]], (mass / np.maximum(count, 1))[owner[along]]])
    merged = np.argsort(leaves, kind="stable")  # both runs are sorted, so this is fast
    return leaves[merged], held[merged]


def _single_points(places: sphere.Points, spread_km: NDArray[np.float64]) -> tuple[s2.CellIds, NDArray[np.int64]]:
    """Return the sorted leaf cells (k,) of one point for each place, and the numbers of the places (k,).

    The result is cached, because many photos share their places.
    """
    kept = _SINGLE.get(id(places))
    if kept is None or kept[0] is not places or not np.array_equal(kept[1], spread_km):
        if len(_SINGLE) >= _SUPPORTS_KEPT:
            _SINGLE.clear()
        leaves = s2.encode(_spread_points(places, spread_km, np.arange(len(places)), np.full(len(places), 0.5)))
        order = np.argsort(leaves)
        kept = _SINGLE[id(places)] = places, spread_km, leaves[order], order
    return kept[2:]


def _spread_points(
    places: sphere.Points, spread_km: NDArray[np.float64], number: NDArray[np.int64], share: NDArray[np.float64]
) -> sphere.Points:
    """Return positions (m, 2) at the distance from their places within which ``share`` of the place's mass lies.

    The bearing of each point is its ``number`` times the golden angle. So the points of a place are spread evenly, and
    single points of many light places do not all lie to the north.
    """
    return sphere.move(places, (number * GOLDEN_DEGREES) % 360, quantile_km(share, spread_km))


def _divide(
    leaves: s2.CellIds, sums: NDArray[np.float64], least: float, finest_level: int
) -> tuple[s2.CellIds, NDArray[np.int64], NDArray[np.int64]]:
    """Divide each cell with a mass above ``least`` into its four children; drop empty cells.

    ``leaves`` are the sorted leaf cells of the points, ``sums`` the cumulated masses before each point. Returns the
    cells and, for each cell, the first point in it and the point after its last one.
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
    """Return a FeatureCollection (RFC 7946) as text: a polygon for each cell, with its token, mass and density.

    Polygons are cut at the date line. The member ``drawn`` is the total mass of the features.
    """
    columns = (s2.token(cells.ids), _geometries(cells.ids), cells.mass, cells.density, cells.region)
    features = ",".join(
        f'{{"type":"Feature","geometry":{geometry},"properties":{{"cell":"{token}","probability":{mass:.6g},'
        f'"density_per_km2":{density:.4g},"region":{region}}}}}'
        for token, geometry, mass, density, region in zip(*(list(column) for column in columns), strict=True)
    )
    return f'{{"type":"FeatureCollection","features":[{features}],"drawn":{cells.mass.sum():.6g}}}'


def as_json(document: Any) -> str:
    """Return a document as JSON text. NaN and infinity, which JSON does not have, become null."""
    settings: dict[str, Any] = {"ensure_ascii": False, "separators": (",", ":")}
    try:
        return json.dumps(document, allow_nan=False, **settings)
    except ValueError:
        return json.dumps(json.loads(json.dumps(document), parse_constant=lambda _: None), **settings)


def with_member(document: dict[str, Any], name: str, text: str) -> str:
    """Return a document as JSON text with one more member at the end; ``text`` is its value, already as JSON."""
    return f"{as_json(document)[:-1]},{json.dumps(name)}:{text}}}"


def _geometries(ids: s2.CellIds) -> list[str]:
    """Return the GeoJSON polygons (k,) of cells as text. They are cached, because photos share most of their cells."""
    missing = [cell for cell in ids.tolist() if cell not in _TEXTS]
    if len(_TEXTS) + len(missing) > _TEXTS_KEPT:
        _TEXTS.clear()
        missing = ids.tolist()
    if missing:
        _TEXTS.update(zip(missing, _polygon_texts(np.array(missing, np.uint64)), strict=True))
    return [_TEXTS[cell] for cell in ids.tolist()]


def _polygon_texts(ids: s2.CellIds) -> list[str]:
    """Return the polygons (k,) of cells as text, with five decimals (a metre); fine cells have seven."""
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
    """Return whether rings (..., m, 2) neither cross the date line nor contain a pole, so that they need no cut."""
    result: NDArray[np.bool_] = (np.ptp(ring[..., 1], axis=-1) < 90) & (np.abs(ring[..., 0]).max(axis=-1) < 89.9)
    return result


def _bent(corners: NDArray[np.float64], parts: int) -> dict[str, Any]:
    """Return the polygon of a cell with corners (4, 3). Each edge is a great circle, drawn in ``parts`` pieces."""
    share = np.linspace(0, 1, parts, endpoint=False)[:, None]
    edges = [
        start * (1 - share) + end * share for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True)
    ]
    ring = sphere.latlon(np.concatenate([*edges, corners[:1]]))
    if _is_flat(ring):
        return {"type": "Polygon", "coordinates": [np.round(polygons.swap_axes(ring), 5).tolist()]}
    return shapely.geometry.mapping(shapely.set_precision(polygons.of_ring(ring), 1e-7))
