"""Is a claimed place plausible for a photo? The claim's probability against the prior's and against the best other
place, its rank, and the evidence for and against it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whereshot import images, places, sphere
from whereshot.errors import ImageError, InputError
from whereshot.geolocator import Geolocator
from whereshot.posterior import Posterior

CLAIM_KM = 25.0
"""A claimed point or town is right within this distance."""
THIN_NATS = 1.0
"""Evidence that moves the claim by less than this, either way, decides nothing."""
STRONG_NATS = 2.0
_POINT = re.compile(r"^\s*([-+]?\d+(?:\.\d+)?)\s*[,; ]\s*([-+]?\d+(?:\.\d+)?)\s*$")


@dataclass(frozen=True)
class Claim:
    """A claimed place: a point with a tolerance, or a whole country."""

    text: str
    name: str
    point: NDArray[np.float64] | None
    country: places.Country | None

    @classmethod
    def parse(cls, text: str) -> Claim:
        """ "48.86, 2.35", "Altafulla", "Paris, Texas" or "Denmark". Raises InputError where nothing is called so."""
        match = _POINT.match(text)
        if match:
            point = sphere.points([[float(match.group(1)), float(match.group(2))]])
            return cls(text, f"{point[0, 0]:.4f}, {point[0, 1]:.4f}", point, None)
        try:
            country = places.countries().find(text)
        except InputError:
            country = None
        if country is not None:
            return cls(text, country.name, None, country)
        towns = places.find_place(text)
        if not towns:
            raise InputError(f"no place {text!r} is known; give a town, a country, or LAT,LON")
        town = towns[0]
        name = ", ".join(part for part in (town.name, town.region, town.country) if part)
        if len(towns) > 1:
            name += f" (the largest of {len(towns)} places so called)"
        return cls(text, name, np.array([[town.latitude, town.longitude]]), None)

    def mass(self, posterior: Posterior, country_index: NDArray | None = None) -> float:
        """Probability of the claim under a posterior of one row; ``country_index`` may number its places' countries."""
        if self.point is not None:
            return float(posterior.mass_within(self.point, CLAIM_KM)[0])
        masses = dict(places.country_masses(posterior, country_index)[0])
        return masses.get(self.country.code, 0.0)

    def best_other(self, posterior: Posterior, prior: Posterior) -> tuple[str, float, float]:
        """The likeliest place or country that is not the claimed one, its probability, and that before the photo."""
        if self.country is not None:
            others = [(code, share) for code, share in places.country_masses(posterior)[0] if code != self.country.code]
            if not others:
                return "nowhere", 0.0, 0.0
            code, share = others[0]
            return places.countries().by_code[code].name, share, dict(places.country_masses(prior)[0]).get(code, 0.0)
        spots = posterior.places if posterior.places.ndim == 2 else posterior.places[0]
        far = sphere.distance_km(self.point[0], spots) > 2 * CLAIM_KM
        log_mass = np.where(far, posterior.log_mass[0], -np.inf)
        rest = Posterior(spots, log_mass[None], np.ravel(posterior.spread_km))
        decided = rest.best(CLAIM_KM)
        name = places.place_names(decided)[0]
        label = ", ".join(part for part in (name.name, name.region, name.country) if part) or "a place at sea"
        shares = (float(each.mass_within(decided, CLAIM_KM)[0]) for each in (posterior, prior))
        return (label, *shares)


@dataclass(frozen=True)
class Verdict:
    """What the photo says of a claim; nats are natural logs of likelihood ratios."""

    claim: Claim
    probability: float
    prior: float
    best_other: str
    best_other_probability: float
    best_other_prior: float
    rank: int
    evidence: tuple[tuple[str, str, float], ...]
    """What was read, what it means, and by how many nats it moved the claim."""

    @property
    def against_prior(self) -> float:
        """How far the photo moved the claim, in nats."""
        return math.log(max(self.probability, 1e-12) / max(self.prior, 1e-12))

    @property
    def against_best(self) -> float:
        """What the photo says for the claim against the best other place, in nats: their likelihood ratio.

        A village is not unlikely because a city is photographed more.
        """
        other = math.log(max(self.best_other_probability, 1e-12) / max(self.best_other_prior, 1e-12))
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
        return any(abs(nats) >= THIN_NATS for _, _, nats in self.evidence)

    def to_json(self) -> dict[str, Any]:
        """One document."""
        return {
            "claim": self.claim.text,
            "name": self.claim.name,
            "verdict": self.word,
            "probability": self.probability,
            "prior": self.prior,
            "nats_against_prior": round(self.against_prior, 3),
            "best_other": {"name": self.best_other, "probability": self.best_other_probability},
            "nats_against_best_other": round(self.against_best, 3),
            "rank": self.rank,
            "evidence": [{"what": what, "means": means, "nats": round(nats, 2)} for what, means, nats in self.evidence],
        }


def check(locator: Geolocator, photo: images.Source, claim: Claim, *, text: bool = True) -> Verdict:
    """Judge a claim. Raises ImageError where the photo cannot be read."""
    one, fused, error = locator.explain(photo, text=text)
    if one is None:
        raise ImageError(error)
    probability, prior = claim.mass(one), claim.mass(locator.prior)
    other = claim.best_other(one, locator.prior)
    evidence: list[tuple[str, str, float]] = []
    if fused is not None:
        moved = fused.moved(lambda some: claim.mass(some.posterior, some.country_index))
        evidence = [(weighed.cue.what, weighed.cue.means, weighed.nats) for weighed in moved]
    return Verdict(claim, probability, prior, *other, _rank(claim, one, probability), tuple(evidence))


def _rank(claim: Claim, one: Posterior, probability: float) -> int:
    """1 where nothing is likelier: among countries, or among places 25 km wide."""
    if claim.country is not None:
        return 1 + sum(share > probability for _, share in places.country_masses(one)[0])
    heavy = one.top(200)
    spots = heavy.places[0] if heavy.places.ndim == 3 else heavy.places
    shares = one[np.zeros(len(spots), dtype=int)].mass_within(spots, CLAIM_KM)
    rank, free = 1, sphere.distance_km(claim.point[0], spots) > CLAIM_KM
    for number in np.argsort(-shares):
        if free[number] and shares[number] > probability:
            rank += 1
            free &= sphere.distance_km(spots[number], spots) > CLAIM_KM
    return rank
