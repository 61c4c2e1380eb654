"""A claimed place: parse it from text, find its probability under a posterior, and find the best other place.

A claim is a point with a tolerance, a country, or a region of a country.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from whereshot.earth import areas, coordinates, place_names, sphere
from whereshot.earth.countries import Country, countries
from whereshot.foundation.errors import InputError
from whereshot.posterior.base import Posterior
from whereshot.posterior.decision import best
from whereshot.posterior.masses import country_masses, region_masses

CLAIM_KM = 25.0
"""A claimed point or town counts as right within this distance."""
TOWN_BEFORE_REGION = 100_000
"""Inhabitants from which a name means a town and not a region of the same name."""


@dataclass(frozen=True)
class Claim:
    """A claimed place: a point with a tolerance, a whole country, or a first-order region of a country."""

    text: str
    name: str
    point: NDArray[np.float64] | None = None
    country: Country | None = None
    region: areas.Region | None = None
    division: areas.Division | None = None

    @classmethod
    def parse(cls, text: str) -> Claim:
        """ "48.86, 2.35", "48°12'30\"N 16°22'12\"E", "Altafulla", "Paris, Texas", "Denmark", "England" or "Bavaria".

        A country comes before a town, a town of at least 100,000 before a region. Raises InputError where nothing is
        called so.
        """
        pair = coordinates.read_pair(text)
        if pair is not None:
            point = sphere.points([pair])
            return cls(text, f"{point[0, 0]:.4f}, {point[0, 1]:.4f}", point)
        try:
            country = countries().find(text)
            return cls(text, country.name, country=country)
        except InputError:
            pass
        towns, divisions = place_names.find_place(text), areas.find_divisions(text)
        if divisions and not (towns and towns[0].population >= TOWN_BEFORE_REGION):
            region = areas.area_of(divisions[0])
            name = region.name + _among(len(divisions), "most populous", "regions")
            return cls(text, name, region=region, division=divisions[0])
        if not towns:
            raise InputError(f"no place {text!r} is known; give a town, a region, a country, or LAT,LON")
        town = towns[0]
        name = ", ".join(part for part in (town.name, town.region, town.country) if part)
        return cls(text, name + _among(len(towns), "largest", "places"), np.array([[town.latitude, town.longitude]]))

    @property
    def _country(self) -> Country:
        """The claimed country. Raises InputError for a claim of a point or a region."""
        if self.country is None:
            raise InputError(f"{self.text!r} is no country")
        return self.country

    @property
    def _spot(self) -> NDArray[np.float64]:
        """The claimed point (2,). Raises InputError for a claim of an area."""
        if self.point is None:
            raise InputError(f"{self.text!r} is no point")
        spot: NDArray[np.float64] = self.point[0]
        return spot

    @property
    def area(self) -> areas.Region | None:
        """The claimed country or region as an area; None for a point."""
        return self.region if self.country is None else areas.Region(self.country.name, self.country.geometry)

    def mass(self, posterior: Posterior) -> float:
        """Return the probability of the claim under a posterior of one row."""
        if self.point is not None:
            return float(posterior.mass_within(self.point, CLAIM_KM)[0])
        if self.region is not None:
            return float(posterior.mass[0, self.region.holds(_spots(posterior))].sum())
        return dict(country_masses(posterior)[0]).get(self._country.code, 0.0)

    def off_km(self, position: tuple[float, float]) -> float:
        """Return the distance in km of a position from the claimed point, or from the claimed area (0 inside it)."""
        spot = np.array(position)
        if self.point is not None:
            return float(sphere.distance_km(self.point[0], spot))
        if self._holds(spot):
            return 0.0
        outside = shapely.shortest_line((self.area or self._country).geometry, shapely.Point(spot[1], spot[0]))
        (longitude, latitude), *_ = outside.coords
        return float(sphere.distance_km(np.array([latitude, longitude]), spot))

    def _holds(self, spot: NDArray[np.float64]) -> bool:
        """Return whether a position lies in the claimed area, or in the sea close to its coast."""
        if self.division is not None:
            return bool(place_names.region_index(spot[None])[0, 1] == self.division.number)
        known = countries()
        return bool(known.index_of(spot[None])[0] == known.number_of[self._country.code])

    def others(self, after: Posterior, unread: Posterior, prior: Posterior) -> Others:
        """Return the best other place, with its probability after all evidence, without the text, and in the prior."""
        stages = (after, unread, prior)
        if self.country is None and self.division is None:
            decided = self._best_elsewhere(after)
            name = place_names.place_names(decided)[0]
            label = ", ".join(part for part in (name.name, name.region, name.country) if part) or "a place at sea"
            return Others(label, *(float(stage.mass_within(decided, CLAIM_KM)[0]) for stage in stages))
        shares = [self._shares(stage) for stage in stages]
        others = {key: share for key, share in shares[0].items() if key != self._key}
        if not others:
            return Others("nowhere", 0.0, 0.0, 0.0)
        best = max(others, key=lambda key: others[key])
        return Others(_area_name(best), *(each.get(best, 0.0) for each in shares))

    def rank(self, posterior: Posterior) -> int:
        """Return the rank of the claim among all countries, regions, or circles of 25 km; 1 is the likeliest."""
        if self.country is None and self.division is None:
            return self._rank_of_point(posterior)
        shares = self._shares(posterior)
        own = shares.get(self._key, 0.0)
        return 1 + sum(share > own for key, share in shares.items() if key != self._key)

    @property
    def _key(self) -> tuple[str, str | None]:
        """The country code of the claimed area, and its name where it is a region (else None)."""
        if self.division is not None:
            return self.division.country_code, self.division.name
        return self._country.code, None

    def _shares(self, posterior: Posterior) -> dict[tuple[str, str | None], float]:
        """Return the probability of each country, or of each region where the claim is a region."""
        if self.division is None:
            masses = country_masses(posterior)[0]
            return {(code, None): share for code, share in masses}
        regions = region_masses(posterior)[0]
        return {(code, region): share for code, region, share in regions if region is not None}

    def _best_elsewhere(self, posterior: Posterior) -> NDArray[np.float64]:
        """Return the best position (1, 2) that is not near the claimed point."""
        spots = _spots(posterior)
        far = sphere.distance_km(self._spot, spots) > 2 * CLAIM_KM
        rest = Posterior(spots, np.where(far, posterior.log_mass[0], -np.inf)[None], np.ravel(posterior.spread_km))
        return best(rest, CLAIM_KM)

    def _rank_of_point(self, posterior: Posterior) -> int:
        """Return the rank of the claimed point among circles of 25 km that do not overlap its center."""
        claimed = self.mass(posterior)
        heavy = posterior.top(200)
        spots = _spots(heavy)
        shares = posterior[np.zeros(len(spots), dtype=int)].mass_within(spots, CLAIM_KM)
        rank, free = 1, sphere.distance_km(self._spot, spots) > CLAIM_KM
        for number in np.argsort(-shares):
            if free[number] and shares[number] > claimed:
                rank += 1
                free &= sphere.distance_km(spots[number], spots) > CLAIM_KM
        return rank


class Others(NamedTuple):
    """The likeliest place or area apart from the claim."""

    best: str
    probability: float
    unread: float
    """Its probability without the text in the picture."""
    prior: float


def _area_name(key: tuple[str, str | None]) -> str:
    code, region = key
    country = countries().by_code[code].name
    return country if region is None else f"{region}, {country}"


def _among(count: int, which: str, kind: str) -> str:
    return f" (the {which} of {count} {kind} so called)" if count > 1 else ""


def _spots(posterior: Posterior) -> NDArray[np.float64]:
    return posterior.places if posterior.places.ndim == 2 else posterior.places[0]
