"""How much of a posterior lies in each country and in a region; a posterior restricted to a region."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.earth.countries import countries
from whereshot.earth.place_names import code_and_region, region_index
from whereshot.posterior.base import Posterior

if TYPE_CHECKING:
    from whereshot.earth.areas import Region


def country_masses(
    posterior: Posterior, index: NDArray[np.int64] | None = None, least: float = 0.0
) -> list[list[tuple[str, float]]]:
    """For each row the countries with any mass, and at least so much, heaviest first, as (code, probability).

    ``index`` may give ``Countries.index_of`` of shared places. Mass at sea belongs to none.
    """
    known = countries()
    count = len(known.all) + 1
    if posterior.places.ndim == 2:
        totals = posterior.totals((known.index_of(posterior.places) if index is None else index) + 1, count)
    else:
        mass = posterior.mass
        own = (known.index_of(posterior.places[row]) + 1 for row in range(len(posterior)))
        totals = np.stack([np.bincount(group, mass[row], count) for row, group in enumerate(own)])
    rows = []
    for total in totals[:, 1:]:
        some = np.flatnonzero((total > 0) & (total >= least))
        order = some[np.argsort(-total[some])]
        rows.append(list(zip(known.codes[order].tolist(), total[order].tolist(), strict=True)))
    return rows


def region_masses(
    posterior: Posterior, index: NDArray[np.int64] | None = None
) -> list[list[tuple[str, str | None, float]]]:
    """For each row the regions with any mass, heaviest first, as (country code, region, probability).

    ``index`` may give ``region_index`` of shared places. The region is None for mass that is in a country, but more
    than 100 km from its towns. Mass at sea belongs to none.
    """
    known = countries()
    shared = None if posterior.places.ndim == 3 else (region_index(posterior.places) if index is None else index)
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
    """The posterior, given that the truth lies inside a region.

    Its places inside the area, and a grid of about ``count`` positions over it weighted by the density, so that an
    area smaller than the places' distance is answered too.
    """
    grid, area_sr = region.grid(count)
    width_km = np.sqrt(area_sr / np.pi) * sphere.EARTH_KM
    rows = []
    for row in range(len(posterior)):
        one = posterior[row]
        places = one.places if one.places.ndim == 2 else one.places[0]
        spread = np.ravel(one.spread_km)
        inside = region.holds(places) & (spread < sphere.HALF_CIRCUMFERENCE_KM / 4)
        # a place inside counts by its mass; the grid counts what the places outside spill over the border
        left, spilled = float(one.mass[0, ~inside].sum()), np.full(len(grid), -np.inf)
        if left > 0:
            outside = Posterior(places[~inside], one.log_mass[:, ~inside], spread[~inside])
            spilled = np.log(left) + np.log(area_sr) + np.log(outside.map_density(grid))
        rows.append(
            Posterior(
                np.concatenate([places[inside], grid]),
                np.concatenate([one.log_mass[0, inside], spilled])[None],
                np.concatenate([spread[inside], width_km]),
            )
        )
    return Posterior.concat(rows)
