"""Posteriors of photos that were taken at one place in, the one posterior of that place out.

By Bayes' rule independent photos multiply: pooled = prior x product of (photo / prior), the prior counted once. Photos
of one album are not independent (the same light, the same street, the same mistake of the model), so each ratio is
raised to a power below one. A photo that says nothing beyond the prior takes no part, however many there are: by
D, the nats that each photo says beyond the prior, the album is worth n = (sum of D)^2 / (sum of D^2) photos, and these
n / (1 + (n - 1) r) independent ones, which they share by their D. With a correlation r of 1/2, many photos are worth
two. The pooled posterior is measured by points of the photos' own places, weighted by the ratio of the two densities.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import s2, sphere
from whereshot.foundation.errors import InputError
from whereshot.posterior.base import Posterior
from whereshot.posterior.place_shape import GOLDEN_DEGREES, quantile_km, scale_of

CORRELATION = 0.5
"""Of what two photos of an album say beyond the prior."""
HEAVY, LIGHT = 128, 384
"""Places of the pooled posterior: the likeliest of all photos together, and so many drawn evenly from the rest."""
POINTS = 4
"""Points of each of the likeliest at which the densities are compared; the others have one."""
_BLOCK = 16


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
    spots, mass, spread, count = _components(posteriors)
    owner = np.repeat(np.arange(len(spots)), count)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    off_km = quantile_km((number + 0.5) / count[owner], spread[owner])
    points = sphere.move(spots[owner], (np.arange(len(owner)) * GOLDEN_DEGREES) % 360, off_km)
    each = _log_densities(posteriors, points)
    before = _log_densities([prior], points)[0]
    ratio = each - before
    mixture = np.logaddexp.reduce(each, axis=0) - np.log(len(posteriors))
    share = (mass / count)[owner]  # of the mixture's mass, what each point stands for

    def measured(powers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Masses (k,) of prior x product of (photo / prior) to the powers (n,), not normalised."""
        return np.asarray(np.bincount(owner, share * np.exp(before + powers @ ratio - mixture), len(spots)), np.float64)

    said = np.array([max(0.0, float((share * np.exp(own - mixture)) @ (own - before))) for own in each])
    pooled = measured(_powers(said, correlation))
    together = float(measured(np.ones(len(posteriors))).sum())
    return Pooled(Posterior.from_mass(spots, pooled[None], spread), float(np.log(max(together, 1e-300))))


def _powers(said: NDArray[np.float64], correlation: float) -> NDArray[np.float64]:
    """The powers (n,) of photos that say so many nats (n,) beyond the prior."""
    if said.sum() < 1e-6:
        return np.full(len(said), 1 / len(said))
    worth = said.sum() ** 2 / (said**2).sum()
    result: NDArray[np.float64] = worth / (1 + (worth - 1) * correlation) * said / said.sum()
    return result


def _components(
    posteriors: Sequence[Posterior],
) -> tuple[sphere.Points, NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Places (k, 2), masses (k,), spreads (k,) and numbers of points (k,) that stand for all photos taken alike.

    The likeliest places are there themselves; of the many others some, evenly drawn along the S2 curve by their mass,
    stand for all.
    """
    parts = []
    for rows in _sharing(posteriors):
        first = posteriors[rows[0]]
        spots = first.places if first.places.ndim == 2 else first.places[0]
        mass = sum(posteriors[row].mass[0] for row in rows) / len(posteriors)
        parts.append(np.column_stack([spots, np.ravel(first.spread_km), mass]))
    every = np.concatenate(parts)
    every = every[np.argsort(-every[:, 3], kind="stable")]
    heavy, light = every[:HEAVY], every[HEAVY:]
    left = light[:, 3].sum()
    if left > 0:
        light = light[np.argsort(s2.encode(light[:, :2]), kind="stable")]
        drawn = np.searchsorted(np.cumsum(light[:, 3]), (np.arange(LIGHT) + 0.5) * left / LIGHT)
        light = light[np.minimum(drawn, len(light) - 1)]
        light[:, 3] = left / LIGHT
        half_way = sphere.distance_km(light[:, :2], np.roll(light[:, :2], 1, axis=0)) / 2
        light[:, 2] = np.maximum(light[:, 2], half_way)  # it stands for all between it and the next
    every = np.concatenate([heavy, light])
    count = np.repeat([POINTS, 1], [len(heavy), len(light)])
    kept = every[:, 3] > 0
    return every[kept, :2], every[kept, 3], every[kept, 2], count[kept]


def _sharing(posteriors: Sequence[Posterior]) -> list[list[int]]:
    """The rows of those that have the same places."""
    groups: dict[bytes, list[int]] = {}
    for row, posterior in enumerate(posteriors):
        groups.setdefault(hashlib.blake2b(posterior.places.tobytes(), digest_size=16).digest(), []).append(row)
    return list(groups.values())


def _log_densities(posteriors: Sequence[Posterior], points: sphere.Points) -> NDArray[np.float64]:
    """Log densities (n, m) per steradian of posteriors of one row at points (m, 2); distances to places that several
    share are measured once."""
    out = np.empty((len(posteriors), len(points)))
    for rows in _sharing(posteriors):
        first = posteriors[rows[0]]
        places = first.places if first.places.ndim == 2 else first.places[0]
        spread = np.ravel(first.spread_km)
        mass = np.stack([posteriors[row].mass[0] for row in rows], axis=1)
        scale = scale_of(spread)
        peak = (scale * (2 + scale) / (4 * np.pi)).astype(np.float32)
        unit, mass = sphere.xyz(places).T, mass.astype(np.float32)
        for start in range(0, len(points), _BLOCK):
            part = slice(start, start + _BLOCK)
            # 1 - cos of the angle by a product of unit vectors: at 10 m still good to a hundredth; what follows needs
            # no more than seven digits
            apart = np.maximum(1 - sphere.xyz(points[part]) @ unit, 0.0) + scale
            kernel = apart.astype(np.float32)
            np.divide(peak, np.square(kernel, out=kernel), out=kernel)
            out[rows, part] = np.log(kernel @ mass).T
    return out
