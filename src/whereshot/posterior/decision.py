"""The point that answers: the place with the most mass within a distance."""

from __future__ import annotations

from whereshot.earth import sphere
from whereshot.posterior.base import Posterior

DECIDE_WITHIN_KM = 25.0


THEN_WITHIN_KM = 1.0


def decide(posterior: Posterior, within_km: float | None = None) -> sphere.Points:
    """The answer (n, 2): most likely right within ``within_km``, or else to 25 km first, then as exact as can be."""
    if within_km is not None:
        return posterior.best(within_km)
    return posterior.best(DECIDE_WITHIN_KM, THEN_WITHIN_KM)
