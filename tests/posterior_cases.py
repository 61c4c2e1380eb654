"""Random posteriors and numerical integration over circles, for the tests of the posterior district."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.posterior.base import Posterior

QUARTER_KM = math.pi / 2 * sphere.EARTH_KM


HALF_KM = math.pi * sphere.EARTH_KM


UNIFORM = 1 / (4 * math.pi)


latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180)


positions = st.tuples(latitudes, longitudes)


def uniform(rng: np.random.Generator, n: int) -> NDArray:
    """(n, 2) uniform on the sphere."""
    return np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(-180, 180, n)], axis=1)


def random_posterior(rng: np.random.Generator, rows: int, places: int, *, own: bool = False) -> Posterior:
    """Masses over several orders of magnitude, spreads from a street to a continent."""
    at = uniform(rng, rows * places).reshape(rows, places, 2) if own else uniform(rng, places)
    shape = (rows, places) if own else (places,)
    return Posterior(at, rng.normal(0, 2, (rows, places)), 10 ** rng.uniform(0, 3.7, shape))


def circle_nodes(center: NDArray, radius_km: float) -> tuple[NDArray, NDArray]:
    """Points (m, 2) in a circle and the steradians of each: Gauss-Legendre along the radius, even round about."""
    node, weight = np.polynomial.legendre.leggauss(120)
    radius = radius_km / sphere.EARTH_KM * (node + 1) / 2
    bearing = np.arange(240) * 1.5
    ring = weight * radius_km / sphere.EARTH_KM / 2 * np.sin(radius) * 2 * math.pi / len(bearing)
    at = sphere.move(np.asarray(center, float), bearing[None], radius[:, None] * sphere.EARTH_KM)
    return at.reshape(-1, 2), np.repeat(ring, len(bearing))


def integral(function: Callable[[NDArray], NDArray], center: NDArray, radius_km: float = HALF_KM) -> float:
    points, steradians = circle_nodes(center, radius_km)
    return float(function(points) @ steradians)


ONE = Posterior([[10, 20]], [[0]], 5.0)
