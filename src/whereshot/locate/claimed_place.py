"""A claimed place: parse it from text, find its probability under a posterior, and find the best other place.

A claim is a point with a tolerance, a country, or a region of a country.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from whereshot.earth import areas, coordinates, country_names, near_names, place_names, sphere
from whereshot.earth.countries import Country, countries
from whereshot.earth.divisions import CODES_IN_USE, NamedArea, find_divisions
from whereshot.earth.named_towns import Town, find_place
from whereshot.foundation.errors import InputError
from whereshot.posterior.base import Posterior
from whereshot.posterior.decision import best
from whereshot.posterior.masses import country_masses, region_masses

CLAIM_KM = 25.0
"""A claimed point or town counts as right within this distance."""
MOST_OTHERS = 2
"""Other places of a name that a remark names; it counts the rest."""
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
    division: NamedArea | None = None

    @classmethod
    def parse(cls, text: str) -> Claim:
        """ "48.86, 2.35", "48°12'30\"N 16°22'12\"E", "Altafulla", "Paris, Texas", "Denmark", "England" or "Bavaria".

        A country comes before a region and a town, a town of at least 100,000 before a region. What else the text may
        mean stands in the name. Raises InputError where nothing is called so.
        """
        pair = coordinates.read_pair(text)
        if pair is not None:
            point = sphere.points([pair])
            return cls(text, f"{point[0, 0]:.4f}, {point[0, 1]:.4f}", point)
        lands = [countries().by_code[code] for code in country_names.find_codes(text)]
        divisions = find_divisions(text)
        if lands:
            if not country_names.is_code(text):
                divisions = tuple(division for division in divisions if not division.is_code)
            others = [land.name for land in lands[1:]] + _division_names(divisions, lands[0].code)
            return cls(text, lands[0].name + _not_meant(others), country=lands[0])
        towns = find_place(text)
        if divisions and not (towns and _is_rather_town(text, towns[0], divisions[0])):
            region = areas.area_of(divisions[0])
            return cls(
                text, region.name + _not_meant(_division_names(divisions[1:])), region=region, division=divisions[0]
            )
        if not towns:
            hint = near_names.hint(text, with_towns=True) or "; give a town, a region, a country, or LAT,LON"
            raise InputError(f"no place {text!r} is known{hint}")
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
        return self.region if self.country is None else areas.area_of_country(self.country)

    def mass(self, posterior: Posterior) -> float:
        """Return the probability of the claim under a posterior of one row."""
        if self.point is not None:
            return float(posterior.mass_within(self.point, CLAIM_KM)[0])
        if self.division is not None:
            return _division_mass(self.division, posterior)
        return self._shares(posterior).get(self._key, 0.0)

    def off_km(self, position: tuple[float, float]) -> float:
        """Return the distance in km of a position from the claimed point, or from the claimed area (0 inside it)."""
        spot = np.array(position)
        if self.point is not None:
            return float(sphere.distance_km(self.point[0], spot))
        area = self.area or areas.area_of_country(self._country)
        if area.holds(spot[None])[0]:
            return 0.0
        outside = shapely.shortest_line(area.geometry, shapely.Point(spot[1], spot[0]))
        (longitude, latitude), *_ = outside.coords
        return float(sphere.distance_km(np.array([latitude, longitude]), spot))

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
            shares: dict[tuple[str, str | None], float] = {(code, None): s for code, s in country_masses(posterior)[0]}
            parts = [(part.code, None) for part in countries().with_parts(self._country)]
            own = sum(shares.pop(part, 0.0) for part in parts)
            return shares | {self._key: own}
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


def _division_mass(division: NamedArea, posterior: Posterior) -> float:
    """Return the probability of a division under a posterior of one row, as ``region_masses`` counts it.

    The towns decide what belongs to it, not an outline: a town on a beach can lie outside a simplified coast.
    """
    country_index = np.ravel(posterior.support.country_index)
    in_country = country_index == countries().number_of[division.country_code]
    found = place_names.division_index(_spots(posterior)[in_country], country_index[in_country])
    inside = found == division.division
    return float(posterior.mass[0, in_country][inside].sum())


def _area_name(key: tuple[str, str | None]) -> str:
    code, region = key
    country = countries().by_code[code].name
    return country if region is None else f"{region}, {country}"


def _is_rather_town(text: str, town: Town, division: NamedArea) -> bool:
    """Return whether a town is meant and not a region of its name.

    A large town is, and one whose name is also the code of a region, written in small letters. In "Zug, Switzerland"
    it is the town that the region round it is named after.
    """
    is_seat = "," in text and bool(division.holds([town.index])[0])
    return town.population >= TOWN_BEFORE_REGION or is_seat or (division.is_code and text != text.upper())


def _division_names(divisions: Sequence[NamedArea], but: str = "") -> list[str]:
    """Return names of divisions for a remark, without codes that hardly anybody uses and the divisions of ``but``."""
    return [
        f"{division.name}, {division.country}"
        for division in divisions
        if division.country_code != but and not (division.is_code and division.country_code not in CODES_IN_USE)
    ]


def _not_meant(others: list[str]) -> str:
    """Return a remark on what else is called so: " (also Georgia, United States)"."""
    if not others:
        return ""
    more = f" and {len(others) - MOST_OTHERS} more" if len(others) > MOST_OTHERS else ""
    return f" (also {'; '.join(others[:MOST_OTHERS])}{more})"


def _among(count: int, which: str, kind: str) -> str:
    return f" (the {which} of {count} {kind} so called)" if count > 1 else ""


def _spots(posterior: Posterior) -> NDArray[np.float64]:
    return posterior.places if posterior.places.ndim == 2 else posterior.places[0]
