"""What an answer is sure of: the finest named street, city, region or country with at least 90 % of the probability."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import place_names, sphere
from whereshot.earth.countries import countries
from whereshot.earth.place_extents import region_radius_km, town_extent
from whereshot.locate.prediction import CONFIDENT, Place, SureOf
from whereshot.posterior.base import Posterior
from whereshot.posterior.circles import EXACT_PLACES
from whereshot.posterior.place_shape import circle_mass

STEPS = (16, 64, EXACT_PLACES)
"""This number of the heaviest places are assigned to regions; more are assigned while a region can still have 90 %."""


def sure_of(
    posterior: Posterior,
    number: int,
    answer: NDArray[np.float64],
    place: Place,
    shares: list[tuple[str, float]],
    street: float,
    radius_factor: float = 1.0,
) -> SureOf | None:
    """Return what the answer (2,) of a row is sure of; None where no country has 90 %.

    * Country: the mass of the places inside it (``shares``, heaviest first).
    * Region: the mass of the places inside it. Of a place with a large extent only the share counts that fits into a
      disc of the region's size (``region_radius_km``).
    * City: the town that ``place`` names. The mass, with the extents of the places, within the town's radius and 10 km
      more around its centre (``town_extent``).
    * Street: ``street``, the mass within 1 km of the answer, in the town that ``place`` names.

    Regions and cities count the 256 heaviest places only, so their masses are lower bounds. A street, city or region
    counts only in a country with 90 %. ``radius_factor`` corrects the extents.
    """
    if not shares or shares[0][1] < CONFIDENT:
        return None
    code, share = shares[0]
    at_home = place.name is not None and place.country_code == code
    if at_home and street >= CONFIDENT:
        return SureOf("street", str(place.name), code, round(street, 4))
    row = posterior.row(number)
    mass, heavy = row.ranked(EXACT_PLACES)
    mass, spots, spread = mass[heavy], row.places.places[heavy], row.places.spread_km[heavy] * radius_factor
    if at_home:
        town = town_extent(int(place_names.town_index(answer[None])[0]))
        away = sphere.distance_km(np.array(town[:2]), spots)
        city = float(mass @ circle_mass(away, spread, np.float64(town.radius_km)))
        if city >= CONFIDENT:
            return SureOf("city", str(place.name), code, round(city, 4))
    index = posterior.support.country_index
    country = (index if index.ndim == 1 else index[number])[heavy]
    region = _region(countries().number_of[code], country, mass, spots, spread)
    if region is not None:
        return SureOf("region", region[0], code, round(region[1], 4))
    return SureOf("country", countries().by_code[code].name, code, round(share, 4))


def _region(
    number: int,
    country: NDArray[np.int64],
    mass: NDArray[np.float64],
    spots: sphere.Points,
    spread_km: NDArray[np.float64],
) -> tuple[str, float] | None:
    """Return the name and the mass of the region of a country that has 90 %; None where there is none."""
    inside = np.flatnonzero(country == number)
    for count in STEPS:
        some = inside[:count]
        division = place_names.division_index(spots[some], country[some])
        held = np.bincount(division + 1, mass[some])
        held[0] = 0.0  # places without a region
        best = int(held.argmax()) - 1
        if best < 0 or mass[some].sum() - held[best + 1] > 1 - CONFIDENT:
            return None
        if count >= len(inside):
            break
    own = some[division == best]
    size = np.float64(region_radius_km()[best])
    share = float(mass[own] @ circle_mass(np.zeros(len(own)), spread_km[own], size))
    name = place_names.code_and_region(best)[1]
    return (name, share) if name and share >= CONFIDENT else None
