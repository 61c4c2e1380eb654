"""Towns that are named together, as on a board at a road: which of the places so called are meant.

Many towns have namesakes, and some namesakes lie close together by chance. So every combination counts, by the
inhabitants of its towns and by how near they are to each other: large towns are named far away, small ones near by.
Where distances are written beside the names, the photo was taken near the town with the smallest one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.earth.towns import gazetteer

PEOPLE_POWER = 0.9
"""A town is named with a frequency that grows with this power of its inhabitants."""
LEAST_PEOPLE = 300.0
"""Inhabitants that are assumed for a town with fewer, or with an unknown number."""
NEAR_KM = 30.0
"""Km. Towns up to about this distance from each other are named together; farther ones less, as 1 / distance²."""
UNRELATED = 1e-3
"""The weight of a name that has nothing to do with the others, as if its town lay 900 km away."""
AIR_TO_ROAD = 0.8
"""Usual ratio of the distance by air to the distance by road."""
SLACK_KM, SLACK_SHARE = 10.0, 0.2
"""Km, and the share of the written distances, by which positions may differ from them."""
MOST_PLACES = 40
"""Most places that are kept, the likeliest."""
BETWEEN = 0.3
"""Share of the distance between two towns within which half of the photos of signs with both names are taken."""
WIDEST_KM = 50.0
"""Km. The most that the share above can give."""


class NamedTowns(NamedTuple):
    """A name: the numbers of all towns so called (n,), and the distance by road that is written beside it, or None.

    ``is_here`` says that the words around the name place the photo there: "Bienvenidos a Sevilla".
    """

    towns: NDArray[np.int64]
    distance_km: float | None = None
    is_here: bool = False


class TownsTogether(NamedTuple):
    """Where names stand together: towns (k,) near the photo, with their weights (k,), which sum to 1, and spreads (k,).

    Half of the photos are taken within ``spread_km`` of a town. ``meant`` are the towns that the names most likely
    mean, one for each name; -1 for a name that has nothing to do with the others.
    """

    towns: NDArray[np.int64]
    weights: NDArray[np.float64]
    spread_km: NDArray[np.float64]
    meant: tuple[int, ...]


def towns_together(names: Sequence[NamedTowns]) -> TownsTogether | None:
    """Return the places of at least two names; None where the names have more likely nothing to do with each other.

    The photo is taken near one of the towns: near one where the words around it say so; else near that with the
    smallest written distance; else near any of them.
    """
    distances = [np.inf if name.distance_km is None else name.distance_km for name in names]
    centers = [number for number, name in enumerate(names) if name.is_here]
    if not centers:
        nearest = int(np.argmin(distances))
        centers = list(range(len(names))) if np.isinf(distances[nearest]) else [nearest]
    found = [_around(names, center) for center in centers]
    weights = np.concatenate([around.weights for around in found])
    related = np.concatenate([around.related for around in found])
    if weights @ related < 0.5 * weights.sum():
        return None
    towns = np.concatenate([names[center].towns for center in centers])
    spread_km = np.concatenate([around.spread_km for around in found])
    partners = np.concatenate([around.partners for around in found])
    kept = np.argsort(-weights, kind="stable")[:MOST_PLACES]
    shares = weights[kept] / weights[kept].sum()
    return TownsTogether(towns[kept], shares, spread_km[kept], tuple(partners[kept[0]].tolist()))


class _Around(NamedTuple):
    """All towns of one name as the center (n,): weights, whether another name fits, spreads, the others' towns."""

    weights: NDArray[np.float64]
    related: NDArray[np.bool_]
    spread_km: NDArray[np.float64]
    partners: NDArray[np.int64]


def _around(names: Sequence[NamedTowns], center: int) -> _Around:
    own = names[center]
    weights, related = shares_of(own.towns), np.zeros(len(own.towns), bool)
    closest = np.full(len(own.towns), np.inf)
    partners = np.full((len(own.towns), len(names)), -1)
    partners[:, center] = own.towns
    points = gazetteer().points
    for number, other in enumerate(names):
        if number == center:
            continue
        apart = sphere.distance_km(points[own.towns][:, None], points[other.towns])
        fits = shares_of(other.towns) * _fit(apart, own.distance_km, other.distance_km)
        best = fits.argmax(axis=1)
        is_fit = fits.sum(axis=1) > UNRELATED
        weights = weights * (fits.sum(axis=1) + UNRELATED)
        rows = np.arange(len(own.towns))
        partners[is_fit, number] = other.towns[best[is_fit]]
        closest = np.where(is_fit, np.minimum(closest, apart[rows, best]), closest)
        related |= is_fit
    if own.distance_km is None:
        spread_km = np.minimum(BETWEEN * np.where(np.isinf(closest), 0.0, closest), WIDEST_KM)
    else:
        spread_km = np.full(len(own.towns), AIR_TO_ROAD * own.distance_km)
    return _Around(weights, related, spread_km, partners)


def people_of(towns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the inhabitants (n,) of towns, at least ``LEAST_PEOPLE``."""
    return np.asarray(np.maximum(gazetteer().populations[towns].astype(float), LEAST_PEOPLE), np.float64)


def shares_of(towns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how often each of the towns (n,) is meant by their common name; the shares sum to 1."""
    people = people_of(towns) ** PEOPLE_POWER
    return np.asarray(people / people.sum(), np.float64)


def _fit(apart_km: NDArray[np.float64], own_km: float | None, other_km: float | None) -> NDArray[np.float64]:
    """Return how well distances by air between towns fit the distances by road that are written beside their names."""
    if other_km is None or own_km is None:
        return np.asarray((1 + apart_km / NEAR_KM) ** -2.0)
    low, high = AIR_TO_ROAD**2 * abs(other_km - own_km), other_km + own_km
    gap_km = np.maximum(0, np.maximum(low - apart_km, apart_km - high))
    return np.asarray(1 / (1 + (gap_km / (SLACK_KM + SLACK_SHARE * high)) ** 2))
