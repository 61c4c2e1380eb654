"""Posteriors of photos that were taken at one place in, the one posterior of that place out.

By Bayes' rule independent photos multiply: pooled = prior x product of (photo / prior), the prior counted once. Photos
of one album are not independent (the same light, the same street, the same mistake of the model), so each ratio is
raised to 1 / (1 + (n - 1) r): with a correlation r of 1/2, as if many photos were worth two. The pooled posterior is
measured by points of the photos' own likeliest places, weighted by the ratio of the two densities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whereshot import sphere
from whereshot.cauchy import quantile_km, scale_of
from whereshot.errors import InputError
from whereshot.posterior import Posterior

CORRELATION = 0.5
"""Of what two photos of an album say beyond the prior."""
PLACES = 192
"""Places of the pooled posterior: the likeliest of all photos together."""
POINTS = 4
"""Points of each of them at which the densities are compared."""
_BLOCK = 64
_GOLDEN_DEGREES = 137.50776405003785


@dataclass(frozen=True)
class Pooled:
    """What photos of one place say together."""

    posterior: Posterior
    agreement_nats: float
    """Log of how much likelier the photos are if one place took them all than if each has its own: below zero they
    speak against each other."""


def pool(posteriors: Sequence[Posterior], prior: Posterior, correlation: float = CORRELATION) -> Pooled:
    """The posterior of the one place where photos, a posterior of one row each, were taken. Raises InputError."""
    if not posteriors or any(len(posterior) != 1 for posterior in posteriors):
        raise InputError("an album is pooled from posteriors of one row each, at least one")
    if not 0 <= correlation <= 1:
        raise InputError(f"a correlation lies between 0 and 1; got {correlation:g}")
    spots, mass, spread = _likeliest(posteriors)
    number = np.arange(POINTS)
    share = np.tile((number + 0.5) / POINTS, len(spots))
    bearing = (np.arange(len(share)) * _GOLDEN_DEGREES) % 360
    points = sphere.move(np.repeat(spots, POINTS, axis=0), bearing, quantile_km(share, np.repeat(spread, POINTS)))
    each = _log_densities(posteriors, points)
    before = _log_densities([prior], points)[0]
    mixture = np.logaddexp.reduce(each, axis=0) - np.log(len(posteriors))

    def measured(exponent: float) -> NDArray[np.float64]:
        """Log masses (k,) of prior x product of (photo / prior) to a power, not normalised."""
        log_density = before + exponent * (each - before).sum(axis=0)
        ratio = (log_density - mixture).reshape(-1, POINTS)
        return np.log(mass) + np.logaddexp.reduce(ratio, axis=1) - np.log(POINTS)

    log_mass = measured(1 / (1 + (len(posteriors) - 1) * correlation))
    return Pooled(Posterior(spots, log_mass[None], spread), float(np.logaddexp.reduce(measured(1.0))))


def _likeliest(posteriors: Sequence[Posterior]) -> tuple[sphere.Points, NDArray[np.float64], NDArray[np.float64]]:
    """The places (k, 2), masses (k,) and spreads (k,) that the photos together hold likeliest, each photo's own among
    them; a place that several name counts once."""
    each = max(8, PLACES // len(posteriors))
    parts = []
    for posterior in posteriors:
        heavy = posterior.top(each)
        spots = heavy.places if heavy.places.ndim == 2 else heavy.places[0]
        kept = heavy.log_mass[0] > -np.inf
        parts.append(np.column_stack([spots, np.ravel(heavy.spread_km), posterior.top(each).mass[0]])[kept])
    rows = np.concatenate(parts)
    unique, owner = np.unique(rows[:, :3], axis=0, return_inverse=True)
    mass = np.bincount(owner, rows[:, 3]) / len(posteriors)
    return unique[:, :2], mass, unique[:, 2]


def _log_densities(posteriors: Sequence[Posterior], points: sphere.Points) -> NDArray[np.float64]:
    """Log densities (n, m) per steradian of posteriors of one row at points (m, 2); distances to places that several
    share are measured once."""
    out = np.empty((len(posteriors), len(points)))
    groups: dict[tuple[int, bytes], list[int]] = {}
    for row, posterior in enumerate(posteriors):
        groups.setdefault((posterior.places.size, posterior.places.tobytes()), []).append(row)
    for rows in groups.values():
        first = posteriors[rows[0]]
        places = first.places if first.places.ndim == 2 else first.places[0]
        spread = np.ravel(first.spread_km)
        mass = np.stack([posteriors[row].mass[0] for row in rows], axis=1)
        scale = scale_of(spread)
        peak = scale * (2 + scale) / (4 * np.pi)
        for start in range(0, len(points), _BLOCK):
            part = slice(start, start + _BLOCK)
            # 1 - cos of the angle by a product of unit vectors: at 10 m still good to a hundredth
            apart = np.maximum(1 - sphere.xyz(points[part]) @ sphere.xyz(places).T, 0.0)
            out[rows, part] = np.log(peak / (apart + scale) ** 2 @ mass).T
    return out
