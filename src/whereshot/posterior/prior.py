"""The prior: where photos are taken at all, and the country of each of its places."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from whereshot.earth.countries import DEGREE, countries
from whereshot.foundation import package_data, tables
from whereshot.posterior.base import Posterior


@functools.cache
def density_prior() -> Posterior:
    """Where photos are taken at all: one row on about 24,000 places, nowhere zero."""
    table = package_data.read_table(
        "posterior/data/photo_density.parquet", ["latitude", "longitude", "mass", "spread_km"]
    )
    degrees = [tables.numbers(table[name]) / DEGREE for name in ("latitude", "longitude")]
    mass, spread_km = (tables.numbers(table[name]) for name in ("mass", "spread_km"))
    return Posterior.from_mass(np.stack(degrees, axis=1), mass[None], spread_km)


@functools.cache
def prior_countries() -> NDArray[np.int64]:
    """Number (k,) of the country of each place of the prior, as ``Countries.index_of`` gives it, which takes longer."""
    codes, number = tables.strings(
        package_data.read_table("posterior/data/photo_density.parquet", ["country_code"])["country_code"]
    )
    known = countries().number_of
    result: NDArray[np.int64] = np.array([known.get(code, -1) for code in codes])[number]
    return result
