"""Densities of a posterior at many points, and the smallest region that holds a share of its mass."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import sphere
from whereshot.foundation.errors import InputError
from whereshot.posterior.base import Posterior
from whereshot.posterior.place_shape import log_kernel
from whereshot.posterior.support import blocks

PLACES_DRAWN = 4096
"""Number of the heaviest places that make the density of a map."""


def log_density_at(posterior: Posterior, points: ArrayLike) -> NDArray[np.float64]:
    """Return the natural log of the density, per steradian, of a posterior of one row at points (m, 2), as (m,).

    Raises InputError for a posterior of several rows.
    """
    if len(posterior) != 1:
        raise InputError(f"only a posterior of one row can be evaluated at many points; this one has {len(posterior)}")
    row, unit = posterior.row(0), sphere.xyz(sphere.points(points))
    places = row.places
    e = 2 * places.scale / (1 - places.scale)
    peak, out = posterior.mass[0] * e * (2 + e) / (4 * np.pi), np.empty(len(unit))
    for rows in blocks(len(unit), len(places)):
        out[rows] = np.log((peak / np.square(2 * places.offsets(unit[rows, None]) + e)).sum(axis=1))
    return out


def map_density(posterior: Posterior, points: ArrayLike) -> NDArray[np.float64]:
    """Return the density, per steradian, of a posterior of one row at points (m, 2), as (m,), for drawing.

    Only the 4,096 heaviest places count. Raises InputError for a posterior of several rows.
    """
    if len(posterior) != 1:
        raise InputError(f"a map is drawn of one row; this posterior has {len(posterior)}")
    p = sphere.points(points)
    heavy = posterior.top(PLACES_DRAWN)
    places = heavy.places[0] if heavy.places.ndim == 3 else heavy.places
    out = np.empty(len(p))
    for rows in blocks(len(p), heavy.log_mass.shape[1]):
        distance = sphere.distance_km(p[rows, None], places)
        out[rows] = np.exp(heavy.log_mass[0] + log_kernel(distance, np.ravel(heavy.spread_km))).sum(1)
    return out


def smallest_region(posterior: Posterior, level: float) -> NDArray[np.bool_]:
    """Return which places (n, k) make up the smallest region that holds ``level`` of the mass: the densest first.

    Raises InputError for a level that is not above 0 and at most 1.
    """
    if not 0 < level <= 1:
        raise InputError(f"a level lies between 0 and 1; got {level:g}")
    log_mass = posterior.log_mass
    peak = log_mass + log_kernel(np.zeros_like(log_mass), posterior.spread_km)
    order = np.argsort(-peak, axis=1, kind="stable")
    cumulated = np.cumsum(np.take_along_axis(posterior.mass, order, 1), axis=1)
    chosen = np.empty(log_mass.shape, dtype=bool)
    before = np.concatenate([np.zeros((len(posterior), 1)), cumulated[:, :-1]], axis=1)
    np.put_along_axis(chosen, order, before < level - 1e-12, axis=1)
    return chosen
