"""Draw random positions from a posterior."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.posterior.base import Posterior
from whereshot.posterior.place_shape import quantile_km


def sample(posterior: Posterior, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return positions (n, count, 2) in degrees that are drawn from each row."""
    out = np.empty((len(posterior), count, 2))
    for number in range(len(posterior)):
        row = posterior.row(number)
        mass = posterior[number].mass[0]
        index = rng.choice(len(mass), size=count, p=mass / mass.sum())
        bearing = rng.uniform(0, 360, count)
        distance_km = quantile_km(rng.uniform(size=count), row.places.spread_km[index])
        out[number] = sphere.move(row.places.places[index], bearing, distance_km)
    return out
