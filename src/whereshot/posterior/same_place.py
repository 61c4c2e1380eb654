"""Combine the posteriors of photos that were taken at the same place into one posterior of that place.

By Bayes' rule independent photos multiply: pooled = prior x product of (photo / prior), so the prior counts once.
Photos of one album are not independent: they share the light, the street, and the mistakes of the model. So each ratio
is raised to a power below 1. Let D be the information in nats of a photo beyond the prior. The album counts as
n = (sum of D)^2 / (sum of D^2) photos, so that photos without information do not count. With the correlation r, these
equal n / (1 + (n - 1) r) independent photos. This number is divided among the photos in proportion to D and gives their
powers. With r = 1/2, many photos equal two independent photos.

The pooled posterior is computed by importance sampling: at points of the photos' own places, weighted by the ratio of
the pooled density to the mixture of the photos' densities.
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
"""Correlation of the information in two photos of an album."""
HEAVY, LIGHT = 128, 384
"""Places of the pooled posterior: the likeliest places of all photos together, and a sample of the other places."""
POINTS = 4
"""Points in each of the likeliest places at which the densities are compared. Each other place has one point."""
_BLOCK = 16


@dataclass(frozen=True)
class Pooled:
    """The result of pooling photos of one place."""

    posterior: Posterior
    agreement_nats: float
    """Log of the likelihood ratio of one common place against a separate place for each photo.

    It is negative where the photos contradict each other."""


def pool(posteriors: Sequence[Posterior], prior: Posterior, correlation: float = CORRELATION) -> Pooled:
    """Return the posterior of the place where all photos were taken.

    Each of ``posteriors`` has one row. ``correlation`` lies between 0 (independent photos) and 1. Raises InputError.
    """
    if not posteriors or any(len(posterior) != 1 for posterior in posteriors):
        raise InputError("one place for several photos needs posteriors of one row each, at least one")
    if not 0 <= correlation <= 1:
        raise InputError(f"a correlation lies between 0 and 1; got {correlation:g}")
    places, mass, spread, count = _components(posteriors)
    owner = np.repeat(np.arange(len(places)), count)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    off_km = quantile_km((number + 0.5) / count[owner], spread[owner])
    points = sphere.move(places[owner], (np.arange(len(owner)) * GOLDEN_DEGREES) % 360, off_km)
    each = _log_densities(posteriors, points)
    before = _log_densities([prior], points)[0]
    ratio = each - before
    mixture = np.logaddexp.reduce(each, axis=0) - np.log(len(posteriors))
    share = (mass / count)[owner]  # each point's share of the mixture's mass

    def measured(powers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the masses (k,) of prior x product of (photo / prior)^power, with powers (n,); not normalised."""
        values = share * np.exp(before + powers @ ratio - mixture)
        return np.asarray(np.bincount(owner, values, len(places)), np.float64)

    information = np.array([max(0.0, float((share * np.exp(own - mixture)) @ (own - before))) for own in each])
    pooled = measured(_powers(information, correlation))
    together = float(measured(np.ones(len(posteriors))).sum())
    return Pooled(Posterior.from_mass(places, pooled[None], spread), float(np.log(max(together, 1e-300))))


def _powers(information: NDArray[np.float64], correlation: float) -> NDArray[np.float64]:
    """Return the powers (n,) of photos with this information (n,) in nats beyond the prior."""
    if information.sum() < 1e-6:
        return np.full(len(information), 1 / len(information))
    count = information.sum() ** 2 / (information**2).sum()
    result: NDArray[np.float64] = count / (1 + (count - 1) * correlation) * information / information.sum()
    return result


def _components(
    posteriors: Sequence[Posterior],
) -> tuple[sphere.Points, NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return places (k, 2), masses (k,), spreads (k,) and numbers of points (k,) for the mean of all photos.

    The likeliest places are kept. The many others are represented by a sample, drawn evenly by mass along the S2 curve.
    """
    parts = []
    for rows in _rows_by_places(posteriors):
        first = posteriors[rows[0]]
        places = first.places if first.places.ndim == 2 else first.places[0]
        mass = sum(posteriors[row].mass[0] for row in rows) / len(posteriors)
        parts.append(np.column_stack([places, np.ravel(first.spread_km), mass]))
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
        light[:, 2] = np.maximum(light[:, 2], half_way)  # it represents all places between it and the next
    every = np.concatenate([heavy, light])
    count = np.repeat([POINTS, 1], [len(heavy), len(light)])
    kept = every[:, 3] > 0
    return every[kept, :2], every[kept, 3], every[kept, 2], count[kept]


def _rows_by_places(posteriors: Sequence[Posterior]) -> list[list[int]]:
    """Return groups of row numbers; the posteriors of a group have the same places."""
    groups: dict[bytes, list[int]] = {}
    for row, posterior in enumerate(posteriors):
        groups.setdefault(hashlib.blake2b(posterior.places.tobytes(), digest_size=16).digest(), []).append(row)
    return list(groups.values())


def _log_densities(posteriors: Sequence[Posterior], points: sphere.Points) -> NDArray[np.float64]:
    """Return the log densities (n, m) per steradian of n posteriors of one row at points (m, 2).

    Posteriors with the same places share the computed distances.
    """
    out = np.empty((len(posteriors), len(points)))
    for rows in _rows_by_places(posteriors):
        first = posteriors[rows[0]]
        places = first.places if first.places.ndim == 2 else first.places[0]
        spread = np.ravel(first.spread_km)
        mass = np.stack([posteriors[row].mass[0] for row in rows], axis=1)
        scale = scale_of(spread)
        peak = (scale * (2 + scale) / (4 * np.pi)).astype(np.float32)
        unit, mass = sphere.xyz(places).T, mass.astype(np.float32)
        for start in range(0, len(points), _BLOCK):
            part = slice(start, start + _BLOCK)
            # 1 - cos of the angle, from a product of unit vectors: its relative error is 1 % at 10 m. The next steps
            # need seven digits only.
            apart = np.maximum(1 - sphere.xyz(points[part]) @ unit, 0.0) + scale
            kernel = apart.astype(np.float32)
            np.divide(peak, np.square(kernel, out=kernel), out=kernel)
            out[rows, part] = np.log(kernel @ mass).T
    return out
