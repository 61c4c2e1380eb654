"""Prediction: the answer for one photo. It has the place, its uncertainty, the countries and other likely places."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import place_names, sphere
from whereshot.earth.sphere import DISTANCES_KM
from whereshot.foundation.errors import InputError
from whereshot.locate import wording
from whereshot.posterior import candidates, notebook_map
from whereshot.posterior.base import Posterior
from whereshot.posterior.circles import around
from whereshot.posterior.decision import decide
from whereshot.posterior.masses import country_masses
from whereshot.posterior.place_set import quarter
from whereshot.posterior.place_shape import half_square

WITHIN_KM = DISTANCES_KM
CONFIDENT_TO = dict(zip(WITHIN_KM, ("street", "city", "region", "country", "continent"), strict=True))
CONFIDENT = 0.9
CANDIDATE_KM = 25.0
"""The probability of a candidate is the mass within this distance; nearby places are the same candidate."""
LEAST_SHARE = 0.001
"""Countries with a smaller probability are not listed."""
WIDEST_CANDIDATE_KM = 1000.0
"""A place with a larger spread is not a candidate."""


@dataclass(frozen=True)
class Place:
    """A place with its names. Names that are not known are None."""

    name: str | None = None
    region: str | None = None
    country: str | None = None
    country_code: str | None = None

    def __str__(self) -> str:
        return ", ".join(part for part in (self.name, self.region, self.country) if part) or wording.NO_PLACE


@dataclass(frozen=True)
class Candidate:
    """One of the likely places; ``probability`` is the mass within 25 km of it."""

    latitude: float
    longitude: float
    probability: float
    place: Place


class Answered(NamedTuple):
    """The answer in degrees, and the radius of the circle that holds the probability ``level``."""

    latitude: float
    longitude: float
    radius_km: float
    level: float


@dataclass(frozen=True)
class Prediction:
    """Where a photo was taken, how sure that is, and why.

    * ``radius_km`` is the radius of the circle around the answer that holds the probability ``level``.
    * ``within`` is the probability that the answer is at most 1, 25, 200, 750 and 2500 km off, by the distance as text.
    * ``confident_to`` is the finest of street (1 km), city, region, country and continent (2500 km) whose distance has
      a probability of at least 90 %; None where there is none.
    * ``recorded`` is the position that the camera recorded. It is evidence only where the user asks for it.
    * ``error`` is why there is no answer. Then all other fields except ``id``, ``path`` and ``recorded`` are empty.
    """

    id: str
    path: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    radius_km: float | None = None
    level: float | None = None
    within: dict[str, float] = field(default_factory=dict)
    confident_to: str | None = None
    place: Place | None = None
    countries: tuple[tuple[str, float], ...] = ()
    candidates: tuple[Candidate, ...] = ()
    evidence: tuple[dict[str, Any], ...] = ()
    recorded: tuple[float, float] | None = None
    error: str | None = None

    @property
    def answered(self) -> Answered:
        """The position and its circle. Raises InputError, with the error, for a photo without an answer."""
        if self.latitude is None or self.longitude is None or self.radius_km is None or self.level is None:
            raise InputError(f"{self.id}: has no answer ({self.error})")
        return Answered(self.latitude, self.longitude, self.radius_km, self.level)

    def _repr_html_(self) -> str:
        """Return a small map of the likely places with the answer and its circle in words, which notebooks show."""
        name = self.path or self.id
        if self.error is not None:
            return notebook_map.document(map(notebook_map.paragraph, (name, self.error)))
        latitude, longitude, radius_km, level = self.answered
        spots = np.array([(one.latitude, one.longitude) for one in self.candidates]).reshape(-1, 2)
        svg = notebook_map.world_svg(spots, np.array([one.probability for one in self.candidates]), name)
        position = f"{latitude:.4f}, {longitude:.4f} ({self.place})"
        circle = f"{100 * level:.0f} % within {radius_km:,.3g} km."
        return notebook_map.document([notebook_map.figure(svg, [name, position, circle])])

    def to_json(self) -> dict[str, Any]:
        """Return the prediction as a JSON document."""
        document = asdict(self)
        document["countries"] = [{"country_code": code, "probability": share} for code, share in self.countries]
        if self.recorded is not None:
            document["recorded"] = dict(zip(("latitude", "longitude"), self.recorded, strict=True))
        return document


def answer_rows(
    posterior: Posterior,
    *,
    within_km: float | None = None,
    level: float = 0.9,
    top: int = 5,
    radius_factor: float = 1.0,
) -> list[dict[str, Any]]:
    """Return the fields of a Prediction for each row of a posterior: answer, circle, probabilities and candidates.

    With ``within_km`` the answer is the place that is most likely right to within this distance. ``radius_factor``
    corrects the radii, and also all probabilities of being within a distance.
    """
    decided = decide(posterior, within_km)
    circles = around(posterior, decided)
    radius = np.minimum(circles.radius_km(level) * radius_factor, sphere.HALF_CIRCUMFERENCE_KM)
    within = {km: circles.mass_within(km / radius_factor) for km in WITHIN_KM}
    masses = country_masses(posterior, LEAST_SHARE)
    candidates = _candidates(posterior, decided, top, CANDIDATE_KM / radius_factor)
    found = []
    for number in range(len(posterior)):
        shares = {str(km): round(float(within[km][number]), 4) for km in WITHIN_KM}
        found.append(
            {
                "latitude": round(float(decided[number, 0]), 6),
                "longitude": round(float(decided[number, 1]), 6),
                "radius_km": round(float(radius[number]), 3),
                "level": level,
                "within": shares,
                "confident_to": next((CONFIDENT_TO[km] for km in WITHIN_KM if shares[str(km)] >= CONFIDENT), None),
                "place": candidates[number][0].place,
                "countries": tuple((code, round(share, 4)) for code, share in masses[number]),
                "candidates": candidates[number],
            }
        )
    return found


def _named(points: NDArray[np.float64]) -> list[Place]:
    """Return the places, with names, of positions (n, 2)."""
    return [Place(*name) for name in place_names.place_names(points)]


def _candidates(
    posterior: Posterior, decided: NDArray[np.float64], top: int, within_km: float
) -> list[tuple[Candidate, ...]]:
    """Return the candidates of each row: the answer first, then the likeliest places, at least 50 km apart."""
    gain, apart = candidates.right_within(within_km), half_square(2 * CANDIDATE_KM)
    found = []
    for row in range(len(posterior)):
        every = posterior.row(row).places
        index, held = posterior.row(row).weigh(gain)
        spots = np.concatenate([decided[row][None], every.places[index]])
        unit = np.concatenate([sphere.xyz(decided[row])[None], every.unit[index]])
        held = np.concatenate([[0.0], held])  # the answer comes first, whatever it holds
        free = np.concatenate([[True], every.spread_km[index] < WIDEST_CANDIDATE_KM])
        chosen: list[int] = []
        best = 0
        while len(chosen) < top and free.any():
            chosen.append(best)
            free &= quarter(unit, unit[best]) > apart
            best = int(np.where(free, held, -1.0).argmax())
        centers = spots[chosen]
        shares = posterior[np.full(len(chosen), row)].mass_within(centers, within_km)
        order = [0, *(1 + np.argsort(-shares[1:], kind="stable"))]
        found.append([(centers[number], float(shares[number])) for number in order])
    names = iter(_named(np.array([center for row in found for center, _ in row])))
    return [
        tuple(
            Candidate(round(float(center[0]), 6), round(float(center[1]), 6), round(share, 4), next(names))
            for center, share in row
        )
        for row in found
    ]
