"""How far a named town or region reaches around its centre, as one radius in km."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.earth.place_names import town_radius_km
from whereshot.earth.towns import gazetteer

AROUND_TOWN_KM = 10.0
"""Km. A position at most this far outside a town still counts as the town."""
LEAST_REGION_KM = 10.0
"""Km. A region reaches at least this far from its centre."""


class Extent(NamedTuple):
    """A circle that stands for a town."""

    latitude: float
    longitude: float
    radius_km: float


def town_extent(town: int) -> Extent:
    """Return the circle of a town by its number in the gazetteer: its radius and 10 km more, around its centre."""
    towns = gazetteer()
    latitude, longitude = towns.points[town].tolist()
    return Extent(latitude, longitude, float(town_radius_km(towns.populations[town])) + AROUND_TOWN_KM)


@functools.cache
def region_radius_km() -> NDArray[np.float64]:
    """Return the radius of each first-order division, by its number: of a disc with the same spread of towns.

    Towns that are spread evenly over a disc have a mean squared distance from its centre of half the squared radius.
    A division has at least 10 km.
    """
    towns = gazetteer()
    pairs, of_town = towns.divisions
    unit = sphere.xyz(towns.points)
    count = np.bincount(of_town, minlength=len(pairs))
    middle = np.stack([np.bincount(of_town, unit[:, axis], len(pairs)) for axis in range(3)], axis=1) / count[:, None]
    spread = np.maximum(1 - np.square(middle).sum(axis=1), 0)  # the mean squared chord from the mean
    return np.asarray(np.maximum(np.sqrt(2 * spread) * sphere.EARTH_KM, LEAST_REGION_KM), np.float64)
