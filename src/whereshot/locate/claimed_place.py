"""A claimed place: parse it from text, find its probability under a posterior, and find the best other place.

A claim is a point with a tolerance, a country, a region of a country, or a wide region such as Siberia.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from whereshot.earth import areas, coordinates, place_names, sphere
from whereshot.earth.countries import Country, countries
from whereshot.earth.divisions import NamedArea
from whereshot.foundation.errors import InputError
from whereshot.locate import claim_readings
from whereshot.posterior.base import Posterior
from whereshot.posterior.decision import best
from whereshot.posterior.masses import country_masses, region_masses

CLAIM_KM = 25.0
"""A claimed point or town counts as right within this distance."""
REST = "the rest"
"""Names what a country has outside of a claimed wide region that lies partly in it."""


@dataclass(frozen=True)
class Claim:
    """A claimed place: a point with a tolerance, a whole country, a first-order region of a country, or a wide region.

    A wide region has a ``region`` alone, all others but a point have a ``country`` or a ``division`` too.
    """

    text: str
    name: str
    point: NDArray[np.float64] | None = None
    country: Country | None = None
    region: areas.Region | None = None
    division: NamedArea | None = None
    _held: list[tuple[NDArray[np.float64], NDArray[np.bool_]]] = field(
        default_factory=list, init=False, repr=False, compare=False
    )
    """The positions that were asked last, and which of them a wide region holds."""

    @classmethod
    def parse(cls, text: str) -> Claim:
        """ "48.86, 2.35", "48°12'30\"N 16°22'12\"E", "Altafulla", "Paris, Texas", "Denmark", "England" or "Bavaria".

        ``claim_readings`` says which place a name means. What else the text may mean stands in the name. Raises
        InputError where nothing is called so.
        """
        pair = coordinates.read_pair(text)
        if pair is not None:
            point = sphere.points([pair])
            twice = " (the minus sign and the letter mean the same side)" if coordinates.is_signed_twice(text) else ""
            return cls(text, f"{point[0, 0]:.4f}, {point[0, 1]:.4f}{twice}", point)
        found = claim_readings.read_name(text)
        if found.country is not None:
            return cls(text, found.name, country=found.country)
        if found.wide is not None:
            return cls(text, found.name, region=areas.area_of_wide_region(found.wide))
        if found.division is not None:
            return cls(text, found.name, region=areas.area_of(found.division), division=found.division)
        return cls(text, found.name, np.array([found.spot]))

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
        if self.country is None:
            return float(posterior.mass[0, self._inside(posterior)].sum())
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
        if self.point is not None:
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
        if self.point is not None:
            return self._rank_of_point(posterior)
        shares = self._shares(posterior)
        own = shares.get(self._key, 0.0)
        return 1 + sum(share > own for key, share in shares.items() if key != self._key)

    @property
    def _key(self) -> tuple[str, str | None]:
        """The country code of the claimed area, and its name where it is a region (else None)."""
        if self.division is not None:
            return self.division.country_code, self.division.name
        return ("", self._wide.name) if self.country is None else (self.country.code, None)

    @property
    def _wide(self) -> areas.Region:
        """The claimed wide region. Raises InputError for another claim."""
        if self.region is None:
            raise InputError(f"{self.text!r} is no region")
        return self.region

    def _inside(self, posterior: Posterior) -> NDArray[np.bool_]:
        """Return which places of a posterior of one row a wide region holds."""
        spots = _spots(posterior)
        for before, held in self._held:
            if before is spots or np.array_equal(before, spots):
                return held
        self._held[:] = [(spots, self._wide.holds(spots)), *self._held[:3]]
        return self._held[0][1]

    def _shares(self, posterior: Posterior) -> dict[tuple[str, str | None], float]:
        """Return the probability of each country, or of each region where the claim is a region."""
        if self.country is None and self.division is None:
            return self._shares_beside(posterior)
        if self.division is None:
            shares: dict[tuple[str, str | None], float] = {(code, None): s for code, s in country_masses(posterior)[0]}
            parts = [(part.code, None) for part in countries().with_parts(self._country)]
            own = sum(shares.pop(part, 0.0) for part in parts)
            return shares | {self._key: own}
        regions = region_masses(posterior)[0]
        return {(code, region): share for code, region, share in regions if region is not None}

    def _shares_beside(self, posterior: Posterior) -> dict[tuple[str, str | None], float]:
        """Return the probability of a wide region, and of each country without what of it lies in the region."""
        held, mass = self._inside(posterior), posterior.mass[0]
        index = np.ravel(posterior.support.country_index)
        codes = countries().codes
        beside = np.bincount(index[~held & (index >= 0)], mass[~held & (index >= 0)], len(codes))
        shares: dict[tuple[str, str | None], float] = {
            (str(codes[number]), REST if codes[number] in self._wide.codes else None): float(beside[number])
            for number in np.flatnonzero(beside)
        }
        return shares | {self._key: float(mass[held].sum())}

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
    if region == REST:
        return f"{REST} of {country}"
    return country if region is None else f"{region}, {country}"


def _spots(posterior: Posterior) -> NDArray[np.float64]:
    return posterior.places if posterior.places.ndim == 2 else posterior.places[0]
