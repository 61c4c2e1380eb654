"""Weighted places in, the ones worth answering with out, each with its expected gain: what decisions are made of.

Where a few places hold nearly all mass these judge one another. Elsewhere many light places may lie together, none of
them heavy: the heaviest of the heaviest S2 cells are candidates then, too, and every place within reach is a judge.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot import s2, sphere
from whereshot.cauchy import circle_mass

CANDIDATES = 128
FOCUSED = 0.98
"""Share of the mass from which on the heaviest places alone decide."""
CELL_LEVEL = 8
"""S2 cells of about 40 km, whose masses say where light places lie together."""
FAR = 10
"""Times the distance asked for beyond which places are alike for all candidates near one another."""
NEAR_KM = 50.0
"""Judges are found by float32 cosines, which do not tell apart places much nearer than this."""
GEOSCORE_KM = 1492.7
"""Decay of the GeoScore 5000 exp(-d / 1492.7 km) (Astruc et al. 2024, OSV-5M)."""


class Gain(NamedTuple):
    """What an answer is worth: ``of`` a distance and a spread in km, and up to where it differs between answers."""

    of: Callable[[NDArray, NDArray], NDArray]
    reach_km: float


def right_within(km: float) -> Gain:
    """One for an answer at most ``km`` off."""
    return Gain(lambda distance, spread: circle_mass(distance, spread, km), FAR * km)


GEOSCORE = Gain(lambda distance, spread: np.exp(-np.hypot(distance, spread) / GEOSCORE_KM), np.inf)
"""The expected GeoScore, of 1."""


def weigh(
    places: sphere.Points,
    mass: NDArray,
    spread_km: NDArray,
    gain: Gain,
    near: NDArray | None = None,
    near_km: float = 0.0,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Candidates among weighted places (k, 2), as their numbers (c,), some perhaps twice, and expected gains (c,).

    With ``near`` (2,) only places at most ``near_km`` from it; there is at least one if ``near`` is a place.
    """
    allowed = np.arange(len(mass))
    if near is not None:
        allowed = np.flatnonzero(sphere.distance_km(places, near[None]) <= near_km)
    heavy = heaviest(mass[None], CANDIDATES)[0]
    if mass[heavy].sum() >= FOCUSED:
        chosen = heavy if near is None else np.intersect1d(heavy, allowed)
        distance = sphere.distance_km(places[chosen][:, None], places[heavy][None])
        return chosen, gain.of(distance, spread_km[heavy]) @ mass[heavy]
    chosen = allowed[heaviest(mass[None, allowed], CANDIDATES // 2)[0]]
    if near is None:
        chosen = np.concatenate([chosen, _heaviest_of_cells(places, mass, CANDIDATES - len(chosen))])
    return chosen, _judged(places, mass, spread_km, chosen, gain)


def _heaviest_of_cells(places: sphere.Points, mass: NDArray, count: int) -> NDArray[np.int64]:
    """The heaviest place of each of the heaviest cells."""
    _, cell = np.unique(s2.encode(places, CELL_LEVEL), return_inverse=True)
    cells = heaviest(np.bincount(cell, mass)[None], count)[0]
    order = np.lexsort((-mass, cell))
    first = np.searchsorted(cell[order], cells)
    return order[first]


def _judged(places: sphere.Points, mass: NDArray, spread_km: NDArray, chosen: NDArray, gain: Gain) -> NDArray:
    """The expected gains (c,) of candidates, by all places within reach."""
    unit = sphere.xyz(places).astype(np.float32)
    chord = 2 * math.sin(min(max(gain.reach_km, NEAR_KM) / sphere.EARTH_KM, math.pi) / 2)
    within = unit[chosen] @ unit.T >= np.float32(1 - chord**2 / 2)
    candidate, place = np.divmod(np.flatnonzero(within), len(places))  # several times as fast as nonzero
    distance = sphere.distance_km(places[chosen[candidate]], places[place])
    return np.bincount(candidate, gain.of(distance, spread_km[place]) * mass[place], len(chosen))


def heaviest(values: NDArray, k: int) -> NDArray[np.int64]:
    """Columns (n, min(k, columns)) of the k largest values of each row, largest first; ties by position."""
    k = min(k, values.shape[1])
    if k < values.shape[1]:
        part = np.sort(np.argpartition(-values, k - 1, axis=1)[:, :k], axis=1)
    else:
        part = np.broadcast_to(np.arange(k), values.shape)
    order = np.argsort(-np.take_along_axis(values, part, 1), axis=1, kind="stable")
    return np.take_along_axis(part, order, 1)
