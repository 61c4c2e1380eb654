"""The prior: how likely photos are taken at each place of the Earth."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from whereshot.earth.countries import countries
from whereshot.earth.country_shapes import POINTS_OF_VIEW
from whereshot.foundation import package_data, tables
from whereshot.posterior.base import MIN_SPREAD_KM, Posterior
from whereshot.posterior.support import PlainSupport
from whereshot.posterior.widening import Widening

DEGREE = 100_000
"""Coordinates are stored in these parts of a degree, about a metre."""

_FILE = "posterior/data/photo_density.parquet"


@functools.cache
def density_prior() -> Posterior:
    """Return the photo density: a posterior of one row on about 24,000 places, nowhere zero."""
    table = package_data.read_table(_FILE, ["latitude", "longitude", "mass", "spread_km"])
    degrees = [tables.numbers(table[name]) / DEGREE for name in ("latitude", "longitude")]
    mass, spread_km = (np.asarray(tables.numbers(table[name]), np.float64) for name in ("mass", "spread_km"))
    support = PlainSupport(np.stack(degrees, axis=1), np.maximum(spread_km, MIN_SPREAD_KM), _countries)
    return Posterior.on(support, np.log(mass[None]))


@functools.cache
def prior_widening() -> Widening:
    """Return how circles are widened where little more than the photo density is known.

    ``benchmarks/circles.py --fit`` fits it on kinds of photos that are rare in the photo density.
    """
    return Widening(doubling_km=float(package_data.read_toml("posterior/data/photo_density.toml")["doubling_km"]))


def _countries() -> NDArray[np.int64]:
    """Return the number (k,) of the country of each place. The file holds them by the first point of view."""
    if countries().view != POINTS_OF_VIEW[0]:
        return countries().index_of(density_prior().places)
    codes, number = tables.strings(package_data.read_table(_FILE, ["country_code"])["country_code"])
    known = countries().number_of
    result: NDArray[np.int64] = np.array([known.get(code, -1) for code in codes])[number]
    return result
