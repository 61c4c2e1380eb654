"""Make Predictions from posteriors: the decided place, how sure it is, the countries and the other likely places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import place_names, sphere
from whereshot.locate.options import LocateOptions
from whereshot.locate.prediction import (
    CONFIDENT,
    CONFIDENT_TO,
    WITHIN_KM,
    Candidate,
    Place,
    Prediction,
)
from whereshot.locate.sureness import sure_of
from whereshot.locate.within_probabilities import WithinProbabilities
from whereshot.posterior import candidates
from whereshot.posterior.base import Posterior
from whereshot.posterior.circles import around
from whereshot.posterior.decision import decide
from whereshot.posterior.masses import country_masses
from whereshot.posterior.place_set import quarter
from whereshot.posterior.place_shape import half_square
from whereshot.posterior.widening import AS_IT_IS, Widening

CANDIDATE_KM = 25.0
"""Km. The probability of a candidate is the mass within this distance."""
LEAST_SHARE = 0.001
"""Countries with a smaller probability are not listed."""
WIDEST_CANDIDATE_KM = 1000.0
"""Km. A place with a larger spread gets no name."""


def answer_rows(
    posterior: Posterior, options: LocateOptions | None = None, *, widening: Widening = AS_IT_IS
) -> list[Prediction]:
    """Return a Prediction for each row of a posterior, without the name of its photo (``id`` is "") and its evidence.

    Of the options ``within_km``, ``level`` and ``top`` count. ``widening`` corrects the radii, and with them every
    probability of being within a distance.
    """
    options = options or LocateOptions()
    level = options.level
    decided = decide(posterior, options.within_km)
    circles = around(posterior, decided)
    radius = widening.wider(circles.radius_km(level))
    within = {km: circles.mass_within(widening.narrower(km)) for km in WITHIN_KM}
    masses = country_masses(posterior, LEAST_SHARE)
    likely = _candidates(posterior, decided, options.top, float(widening.narrower(CANDIDATE_KM)))
    found = []
    for number in range(len(posterior)):
        shares = WithinProbabilities({km: round(float(within[km][number]), 4) for km in WITHIN_KM})
        prediction = Prediction(
            id="",
            latitude=round(float(decided[number, 0]), 6),
            longitude=round(float(decided[number, 1]), 6),
            radius_km=round(float(radius[number]), 3),
            level=level,
            within=shares,
            confident_to=next((CONFIDENT_TO[km] for km in WITHIN_KM if shares[km] >= CONFIDENT), None),
            place=likely[number][0].place,
            countries=tuple((code, round(share, 4)) for code, share in masses[number]),
            candidates=likely[number],
            sure_of=sure_of(
                posterior, number, decided[number], likely[number][0].place, masses[number], shares[1], widening.factor
            ),
        )
        found.append(prediction)
    return found


def _named(points: NDArray[np.float64]) -> list[Place]:
    """Return the named places of positions (n, 2)."""
    return [Place(*name) for name in place_names.place_names(points)]


def _candidates(
    posterior: Posterior, decided: NDArray[np.float64], top: int, within_km: float
) -> list[tuple[Candidate, ...]]:
    """Return the answer of each row, then the likeliest places, none within twice 25 km of an earlier one."""
    gain, apart = candidates.right_within(within_km), half_square(2 * CANDIDATE_KM)
    found = []
    for row in range(len(posterior)):
        every = posterior.row(row).places
        index, held = posterior.row(row).weigh(gain)
        spots = np.concatenate([decided[row][None], every.places[index]])
        unit = np.concatenate([sphere.xyz(decided[row])[None], every.unit[index]])
        held = np.concatenate([[0.0], held])  # the answer comes first, whatever its probability
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
