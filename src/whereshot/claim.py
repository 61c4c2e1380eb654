"""Is a claimed place plausible for a photo? The claim's probability against the prior's and against the best other
place, its rank, and the evidence for and against it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from whereshot import areas, coordinates, images, places, sphere
from whereshot.errors import InputError
from whereshot.evidence import Weighed
from whereshot.geolocator import Geolocator
from whereshot.posterior import Posterior

CLAIM_KM = 25.0
"""A claimed point or town is right within this distance."""
THIN_NATS = 1.0
"""Evidence that moves the claim by less than this, either way, decides nothing."""
STRONG_NATS = 2.0
TOWN_BEFORE_REGION = 100_000
"""Inhabitants from which a town is rather meant than a region of its name."""


@dataclass(frozen=True)
class Claim:
    """A claimed place: a point with a tolerance, a whole country, or a first-order region of one."""

    text: str
    name: str
    point: NDArray[np.float64] | None = None
    country: places.Country | None = None
    region: places.Region | None = None
    division: areas.Division | None = None

    @classmethod
    def parse(cls, text: str) -> Claim:
        """ "48.86, 2.35", "48°12'30\"N 16°22'12\"E", "Altafulla", "Paris, Texas", "Denmark", "England"
        or "Bavaria".

        A country comes before a town, a town of at least 100,000 before a region. Raises InputError where nothing is
        called so.
        """
        pair = coordinates.read_pair(text)
        if pair is not None:
            point = sphere.points([pair])
            return cls(text, f"{point[0, 0]:.4f}, {point[0, 1]:.4f}", point)
        try:
            country = places.countries().find(text)
            return cls(text, country.name, country=country)
        except InputError:
            pass
        towns, divisions = places.find_place(text), areas.find_divisions(text)
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
    def _country(self) -> places.Country:
        """The claimed country, of a claim that is neither a point nor a region."""
        if self.country is None:
            raise InputError(f"{self.text!r} is no country")
        return self.country

    @property
    def _spot(self) -> NDArray[np.float64]:
        """The claimed point (2,), of a claim of one."""
        if self.point is None:
            raise InputError(f"{self.text!r} is no point")
        spot: NDArray[np.float64] = self.point[0]
        return spot

    @property
    def area(self) -> places.Region | None:
        """The claimed country or region as an area; None for a point."""
        return self.region if self.country is None else places.Region(self.country.name, self.country.geometry)

    def mass(self, posterior: Posterior, country_index: NDArray[np.int64] | None = None) -> float:
        """Probability of the claim under a posterior of one row; ``country_index`` may number its places' countries."""
        if self.point is not None:
            return float(posterior.mass_within(self.point, CLAIM_KM)[0])
        if self.region is not None:
            return float(posterior.mass[0, self.region.holds(_spots(posterior))].sum())
        return dict(places.country_masses(posterior, country_index)[0]).get(self._country.code, 0.0)

    def off_km(self, position: tuple[float, float]) -> float:
        """Distance of a position from the claimed point, or from the nearest border of the claimed area (0 inside)."""
        spot = np.array(position)
        if self.point is not None:
            return float(sphere.distance_km(self.point[0], spot))
        if self._holds(spot):
            return 0.0
        area = self.area or self._country
        outside = shapely.shortest_line(area.geometry, shapely.Point(spot[1], spot[0]))
        (longitude, latitude), *_ = outside.coords
        return float(sphere.distance_km(np.array([latitude, longitude]), spot))

    def _holds(self, spot: NDArray[np.float64]) -> bool:
        """Whether the claimed area holds a position, or its coast does."""
        if self.division is not None:
            return bool(places.region_index(spot[None])[0, 1] == self.division.number)
        known = places.countries()
        return bool(known.index_of(spot[None])[0] == known.number_of[self._country.code])

    def others(self, posterior: Posterior, prior: Posterior) -> Others:
        """What else the photo may show."""
        if self.country is not None:
            named = dict(places.country_masses(posterior)[0])
            before = dict(places.country_masses(prior)[0])
            return Others.of(named, before, self.country.code, lambda code: places.countries().by_code[code].name)
        if self.division is not None:
            own = (self.division.country_code, self.division.name)
            shares, earlier = (
                {(code, region): share for code, region, share in places.region_masses(one)[0] if region is not None}
                for one in (posterior, prior)
            )
            return Others.of(shares, earlier, own, lambda key: f"{key[1]}, {places.countries().by_code[key[0]].name}")
        spots = _spots(posterior)
        far = sphere.distance_km(self._spot, spots) > 2 * CLAIM_KM
        rest = Posterior(spots, np.where(far, posterior.log_mass[0], -np.inf)[None], np.ravel(posterior.spread_km))
        decided = rest.best(CLAIM_KM)
        name = places.place_names(decided)[0]
        label = ", ".join(part for part in (name.name, name.region, name.country) if part) or "a place at sea"
        now, before_it = (float(each.mass_within(decided, CLAIM_KM)[0]) for each in (posterior, prior))
        return Others(label, now, before_it, self._rank_of_point(posterior))

    def _rank_of_point(self, posterior: Posterior) -> int:
        """1 where no place 25 km wide is likelier."""
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


@dataclass(frozen=True)
class Others:
    """The likeliest place or area that is not the claimed one, and the claim's rank among all of its kind."""

    best: str
    probability: float
    prior: float
    rank: int

    @classmethod
    def of(cls, shares: dict[Any, float], before: dict[Any, float], own: Any, name: Callable[[Any], str]) -> Others:
        """From the probabilities of areas with and before the photo."""
        others = {key: share for key, share in shares.items() if key != own}
        rank = 1 + sum(share > shares.get(own, 0.0) for share in others.values())
        if not others:
            return cls("nowhere", 0.0, 0.0, rank)
        best = max(others, key=lambda key: others[key])
        return cls(name(best), others[best], before.get(best, 0.0), rank)


@dataclass(frozen=True)
class Verdict:
    """What the photo says of a claim; nats are natural logs of likelihood ratios."""

    claim: Claim
    probability: float
    prior: float
    others: Others
    evidence: tuple[Weighed, ...]
    """Every cue, and by how many nats it moved the claim."""
    not_a_photo: str | None = None
    """Why the picture is taken for none, in which case the prior alone answers."""
    recorded: tuple[float, float] | None = None
    """The position that the camera recorded, whether it was used or not."""
    recorded_off_km: float | None = None
    """Its distance from the claim; 0 inside a claimed area."""
    used_exif: bool = False
    remarks: tuple[str, ...] = ()
    """What was asked for and could not be used."""

    @property
    def against_prior(self) -> float:
        """How far the photo moved the claim, in nats."""
        return math.log(max(self.probability, 1e-12) / max(self.prior, 1e-12))

    @property
    def against_best(self) -> float:
        """What the photo says for the claim against the best other place, in nats: their likelihood ratio.

        A village is not unlikely because a city is photographed more.
        """
        other = math.log(max(self.others.probability, 1e-12) / max(self.others.prior, 1e-12))
        return self.against_prior - other

    @property
    def word(self) -> str:
        """ "plausible", "unlikely" or "can't tell"."""
        if self.against_prior >= THIN_NATS and self.against_best >= -STRONG_NATS:
            return "plausible"
        if self.against_prior <= -THIN_NATS or (self.against_best <= -STRONG_NATS and self.best_moved):
            return "unlikely"
        return "can't tell"

    @property
    def best_moved(self) -> bool:
        """Whether any evidence speaks at all, so that a likelier place elsewhere means something."""
        return any(abs(weighed.nats) >= THIN_NATS for weighed in self.evidence)

    def to_json(self) -> dict[str, Any]:
        """One document."""
        recorded = None
        if self.recorded is not None:
            latitude, longitude = self.recorded
            recorded = {
                "latitude": latitude,
                "longitude": longitude,
                "off_km": None if self.recorded_off_km is None else round(self.recorded_off_km, 3),
                "used": self.used_exif,
            }
        return {
            "claim": self.claim.text,
            "name": self.claim.name,
            "verdict": self.word,
            "probability": self.probability,
            "prior": self.prior,
            "nats_against_prior": _rounded(self.against_prior, 3),
            "best_other": {"name": self.others.best, "probability": self.others.probability},
            "nats_against_best_other": _rounded(self.against_best, 3),
            "rank": self.others.rank,
            "evidence": [
                {
                    "kind": weighed.cue.kind,
                    "what": weighed.cue.what,
                    "means": weighed.cue.means,
                    "nats": _rounded(weighed.nats, 2),
                }
                for weighed in self.evidence
            ],
            "not_a_photo": self.not_a_photo,
            "recorded": recorded,
            "remarks": list(self.remarks),
        }


def check(
    locator: Geolocator, photo: images.Source, claim: Claim, *, text: bool = True, use_exif: bool = False
) -> Verdict:
    """Judge a claim. A recorded position is told, and used only with ``use_exif``. Raises ImageError."""
    found = locator.explain(photo, text=text, use_exif=use_exif)
    moved = [] if found.fused is None else found.fused.moved(lambda one: claim.mass(one.posterior, one.country_index))
    spot = found.recorded
    recorded = None if spot.latitude is None or spot.longitude is None else (spot.latitude, spot.longitude)
    return Verdict(
        claim,
        probability=claim.mass(found.posterior, found.country_index),
        prior=claim.mass(locator.prior),
        others=claim.others(found.posterior, locator.prior),
        evidence=tuple(moved),
        not_a_photo=found.not_a_photo,
        recorded=recorded,
        recorded_off_km=None if recorded is None else claim.off_km(recorded),
        used_exif=any(weighed.cue.kind == "exif" for weighed in moved),
        remarks=tuple(why for _, why in found.remarks),
    )


def _among(count: int, which: str, kind: str) -> str:
    return f" (the {which} of {count} {kind} so called)" if count > 1 else ""


def _spots(posterior: Posterior) -> NDArray[np.float64]:
    return posterior.places if posterior.places.ndim == 2 else posterior.places[0]


def _rounded(value: float, digits: int) -> float:
    return round(value, digits) + 0.0  # no "-0.0"
