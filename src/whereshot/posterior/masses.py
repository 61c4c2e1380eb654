"""The mass of a posterior in each country and region, and a posterior that is restricted to a region."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.earth.countries import countries
from whereshot.earth.place_names import code_and_region, region_index
from whereshot.posterior.base import Posterior
from whereshot.posterior.density import map_density

if TYPE_CHECKING:
    from whereshot.earth.areas import Region


def country_masses(posterior: Posterior, least: float = 0.0) -> list[list[tuple[str, float]]]:
    """Return the countries with mass of each row, heaviest first, as (country code, probability).

    Countries with a mass below ``least`` are left out. Mass at sea belongs to no country.
    """
    codes, rows = countries().codes, []
    for total in posterior.support.country_mass(posterior.weights)[:, 1:]:
        some = np.flatnonzero((total > 0) & (total >= least))
        order = some[np.argsort(-total[some])]
        rows.append(list(zip(codes[order].tolist(), total[order].tolist(), strict=True)))
    return rows


def region_masses(posterior: Posterior) -> list[list[tuple[str, str | None, float]]]:
    """Return the regions with mass of each row, heaviest first, as (country code, region, probability).

    The region is None for mass that is in a country, but more than 100 km from its towns. Mass at sea belongs to no
    region.
    """
    known = countries()
    shared = None if posterior.places.ndim == 3 else region_index(posterior.places)
    rows = []
    for row, mass in enumerate(posterior.mass):
        pairs, pair = np.unique(
            region_index(posterior.places[row]) if shared is None else shared, axis=0, return_inverse=True
        )
        total: dict[tuple[str, str | None], float] = {}
        for (country, division), share in zip(pairs.tolist(), np.bincount(pair.ravel(), mass).tolist(), strict=True):
            if country >= 0 and share > 0:
                region = (code_and_region(division)[1] or None) if division >= 0 else None
                key = known.all[country].code, region
                total[key] = total.get(key, 0.0) + share
        rows.append([(*key, share) for key, share in sorted(total.items(), key=lambda item: -item[1])])
    return rows


def restricted(posterior: Posterior, region: Region, count: int = 400) -> Posterior:
    """Return the posterior, given that the truth lies inside a region.

    It has the places inside the region and a grid of about ``count`` positions over the region. The grid is weighted
    by the density, so that a region that is smaller than the distance between places has an answer too.
    """
    return Restriction(region, count)(posterior)


class Restriction:
    """Restricts posteriors to a region, as ``restricted`` does.

    It looks up only once, for posteriors on the same places, which of these lie inside.
    """

    def __init__(self, region: Region, count: int = 400) -> None:
        self._region = region
        self._grid, self._area_sr = region.grid(count)
        self._width_km = np.sqrt(self._area_sr / np.pi) * sphere.EARTH_KM
        self._known: tuple[sphere.Points, NDArray[np.bool_]] | None = None

    def __call__(self, posterior: Posterior) -> Posterior:
        """Return the posterior, given that the truth lies inside the region."""
        return Posterior.concat([self._row(posterior[row]) for row in range(len(posterior))])

    def _row(self, one: Posterior) -> Posterior:
        places = one.places if one.places.ndim == 2 else one.places[0]
        spread = np.ravel(one.spread_km)
        inside = self._holds(places) & (spread < sphere.HALF_CIRCUMFERENCE_KM / 4)
        # places inside count with their masses; the grid counts the mass of outside places that lies in the region
        left, spilled = float(one.mass[0, ~inside].sum()), np.full(len(self._grid), -np.inf)
        if left > 0:
            outside = Posterior(places[~inside], one.log_mass[:, ~inside], spread[~inside])
            spilled = np.log(left) + np.log(self._area_sr) + np.log(map_density(outside, self._grid))
        return Posterior(
            np.concatenate([places[inside], self._grid]),
            np.concatenate([one.log_mass[0, inside], spilled])[None],
            np.concatenate([spread[inside], self._width_km]),
        )

    def _holds(self, places: sphere.Points) -> NDArray[np.bool_]:
        if self._known is None or self._known[0] is not places:
            self._known = places, self._region.holds(places)
        return self._known[1]
