"""Posteriors on a coarse grid, so that no part of an answer is more exact than the grid.

Every place moves to the S2 cell that contains it. All places of a cell get the same position, which depends on the
grid and on where photos are usually taken, never on the photo. The whole answer is computed from these positions.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import s2, sphere
from whereshot.locate.prediction import Evidence
from whereshot.posterior.base import Posterior
from whereshot.posterior.prior import density_prior

_NAMES_A_PLACE = ("text/place", "exif")
"""Kinds of evidence that contain a position or a place name."""


def grid_level(km: float) -> int:
    """Return the finest S2 level whose cells are on average at least ``km`` wide."""
    width = math.sqrt(4 * math.pi / 6) * sphere.EARTH_KM
    return int(np.clip(math.floor(math.log2(width / km)), 0, s2.MAX_LEVEL))


def coarsened(posterior: Posterior, km: float) -> Posterior:
    """Return a posterior of one row on the cells of the grid.

    The spread of a cell is at least half its width, and at least the mean spread of the places in it.
    """
    level = grid_level(km)
    spots = posterior.places if posterior.places.ndim == 2 else posterior.places[0]
    mass = posterior.mass[0]
    cells, owner = np.unique(s2.encode(spots, level), return_inverse=True)
    held = np.bincount(owner, mass)
    wide = np.bincount(owner, mass * np.ravel(posterior.spread_km)) / np.maximum(held, 1e-300)
    half_km = np.sqrt(s2.area_sr(cells) / (2 * math.pi)) * sphere.EARTH_KM
    return Posterior.from_mass(_positions(cells, level), held[None], np.maximum(wide, half_km))


def without_places(evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """Return the evidence without the kinds that name a place, which are more exact than the grid."""
    return tuple(item for item in evidence if item.kind not in _NAMES_A_PLACE)


def _positions(cells: s2.CellIds, level: int) -> sphere.Points:
    """Return the position (k, 2) of each cell: where most photos are taken in it, or its centre."""
    known, spots = _heaviest(level)
    at = np.searchsorted(known, cells)
    at = np.where(at < len(known), at, 0)
    return np.where((known[at] == cells)[:, None], spots[at], s2.center(cells))


@functools.lru_cache(4)
def _heaviest(level: int) -> tuple[s2.CellIds, NDArray[np.float64]]:
    """Return the cells where photos are taken, in order, and in each the place with most photos."""
    prior = density_prior()
    order = np.argsort(-prior.mass[0], kind="stable")
    cells, first = np.unique(s2.encode(prior.places, level)[order], return_index=True)
    return cells, np.round(prior.places[order][first], 2)
