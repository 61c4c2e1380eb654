"""Choose the answer: the place of a posterior that is best for a distance or for the GeoScore."""

from __future__ import annotations

import numpy as np

from whereshot.earth import sphere
from whereshot.foundation.errors import InputError
from whereshot.posterior import candidates
from whereshot.posterior.base import Posterior

DECIDE_WITHIN_KM = 25.0
THEN_WITHIN_KM = 1.0


def decide(posterior: Posterior, within_km: float | None = None) -> sphere.Points:
    """Return the answer (n, 2) for each row: the place that is most likely right to within ``within_km``.

    Without ``within_km``: most likely right to within 25 km, and among such places most likely right to within 1 km.
    Raises InputError for a distance that is not positive.
    """
    if within_km is not None:
        return best(posterior, within_km)
    return best(posterior, DECIDE_WITHIN_KM, THEN_WITHIN_KM)


def best(posterior: Posterior, within_km: float, then_km: float | None = None) -> sphere.Points:
    """Return the place (n, 2) of each row that has the most mass within ``within_km``.

    With ``then_km``, a smaller distance, return the place with the most mass within ``then_km`` among the places that
    are at most ``within_km`` from the first choice. Raises InputError for a distance that is not positive.
    """
    for km in (within_km, *(() if then_km is None else (then_km,))):
        if not km > 0:
            raise InputError(f"within must be a positive number of km; got {km:g}")
    first = _best_by(posterior, candidates.right_within(within_km))
    if then_km is None:
        return first
    return _best_by(posterior, candidates.right_within(then_km), first, within_km)


def best_geoscore(posterior: Posterior) -> sphere.Points:
    """Return the place (n, 2) of each row with the highest expected GeoScore."""
    return _best_by(posterior, candidates.GEOSCORE)


def _best_by(
    posterior: Posterior, gain: candidates.Gain, near: sphere.Points | None = None, near_km: float = 0.0
) -> sphere.Points:
    """Return the place (n, 2) with the highest expected gain; with ``near`` (n, 2) at most ``near_km`` from it."""
    chosen = np.empty((len(posterior), 2))
    for number in range(len(posterior)):
        row = posterior.row(number)
        index, expected = row.weigh(gain, None if near is None else near[number], near_km)
        chosen[number] = row.places.places[index[expected.argmax()]]
    return chosen
