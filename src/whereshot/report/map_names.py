"""Names for the map of a page: countries, the large towns of the world, and the towns around the answers."""

from __future__ import annotations

import functools
import math

import numpy as np
import shapely
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.earth.countries import countries
from whereshot.earth.towns import gazetteer

WORLD_TOWNS = 600
"""Number of the largest towns of the world that every page names."""
NEAR = ((25.0, 10), (200.0, 30))
"""So many of the largest towns within so many km of an answer are named."""
MOST_TOWNS = 5000
"""Largest number of towns that a page names."""

Name = tuple[float, float, str, float]
"""Latitude and longitude in degrees, the name, and the width in degrees (countries) or the population (towns)."""


def map_names(points: sphere.Points) -> dict[str, list[Name]]:
    """Return the names for a map of these positions (n, 2), by "countries" and "towns", the largest first."""
    towns = gazetteer()
    numbers = {*_world_towns()}
    cells = np.unique(np.round(np.asarray(points).reshape(-1, 2), 1), axis=0)  # many answers lie close together
    share = min(1.0, MOST_TOWNS / (len(cells) * sum(count for _, count in NEAR) or 1))
    for cell in cells:
        near = np.flatnonzero(_roughly_near(towns.points, cell, NEAR[-1][0]))
        away = sphere.distance_km(cell, towns.points[near])
        for km, count in NEAR:
            inside = near[away <= km]
            order = np.argsort(-towns.populations[inside], kind="stable")
            numbers.update(inside[order[: max(2, int(share * count))]].tolist())
    largest = sorted(numbers, key=lambda number: (-towns.populations[number], number))[:MOST_TOWNS]
    named: list[Name] = []
    for number in largest:
        latitude, longitude = towns.points[number].round(3).tolist()
        named.append((latitude, longitude, towns.name(number), float(towns.populations[number])))
    return {"countries": list(_country_names()), "towns": named}


def _roughly_near(points: sphere.Points, point: sphere.Points, km: float) -> NDArray[np.bool_]:
    """Return which positions (n, 2) may lie within a distance in km, by their latitude and longitude alone."""
    degrees = math.degrees(km / sphere.EARTH_KM)
    wide = degrees / max(math.cos(math.radians(min(abs(float(point[0])) + degrees, 89.9))), 0.01)
    east = np.abs((points[:, 1] - point[1] + 180) % 360 - 180)
    result: NDArray[np.bool_] = (np.abs(points[:, 0] - point[0]) <= degrees) & (east <= wide)
    return result


@functools.cache
def _world_towns() -> tuple[int, ...]:
    """Return the numbers of the largest towns of the world."""
    return tuple(np.argsort(-gazetteer().populations, kind="stable")[:WORLD_TOWNS].tolist())


@functools.cache
def _country_names() -> tuple[Name, ...]:
    """Return a position inside the largest part of each country, its name, and the width of that part in degrees."""
    found = []
    for country in countries().all:
        parts = shapely.get_parts(country.geometry)
        largest = shapely.simplify(parts[shapely.area(parts).argmax()], 0.05)
        spot = shapely.get_coordinates(shapely.point_on_surface(largest))[0]
        west, _, east, _ = shapely.bounds(largest)
        found.append((round(float(spot[1]), 2), round(float(spot[0]), 2), country.name, round(float(east - west), 2)))
    return tuple(sorted(found, key=lambda name: -name[3]))
