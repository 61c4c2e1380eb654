"""Weighted places in, the ones worth answering with out, each with its expected gain: what decisions are made of.

Where a few places hold nearly all mass these judge one another. Elsewhere many light places may lie together, none of
them heavy: the heaviest of the heaviest S2 cells are candidates then, too, and every place within reach is a judge.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import s2, sphere
from whereshot.posterior.place_shape import circle_share, half_square
from whereshot.posterior.support import Spots, quarter

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
GEOSCORE_MOST = 5000
"""The GeoScore of an answer that is exactly right."""


class Gain(NamedTuple):
    """What an answer is worth: ``of`` the sin^2 of half the angle to a place and its scale (see ``Spots``), and up to
    where it differs between answers."""

    of: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
    reach_km: float


@functools.cache
def right_within(km: float) -> Gain:
    """One for an answer at most ``km`` off."""
    edge = half_square(min(km, sphere.HALF_CIRCUMFERENCE_KM))
    return Gain(lambda offset, scale: circle_share(offset, scale, edge), FAR * km)


def _geoscore(offset: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    distance, spread = (sphere.chord_to_km(2 * np.sqrt(square)) for square in (offset, scale / (1 + scale)))
    result: NDArray[np.float64] = np.exp(-np.hypot(distance, spread) / GEOSCORE_KM)
    return result


GEOSCORE = Gain(_geoscore, np.inf)
"""The expected GeoScore, of 1."""


def weigh(
    spots: Spots,
    mass: NDArray[np.float64],
    gain: Gain,
    near: sphere.Points | None = None,
    near_km: float = 0.0,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Candidates among spots with masses (k,), as their numbers (c,), some perhaps twice, and expected gains (c,).

    With ``near`` (2,) only places at most ``near_km`` from it; there is at least one if ``near`` is a place.
    """
    heavy = heaviest(mass[None], CANDIDATES)[0]
    if mass[heavy].sum() >= FOCUSED:
        return among(spots, heavy, mass[heavy], gain, near, near_km)
    if near is not None:
        allowed = within(spots, near, near_km)
        chosen = allowed[heaviest(mass[None, allowed], CANDIDATES // 2)[0]]
    else:
        chosen = heavy[: CANDIDATES // 2]
        chosen = np.concatenate([chosen, _heaviest_of_cells(spots, mass, CANDIDATES - len(chosen))])
    candidate, place, gains = judges(spots, chosen, gain)
    return chosen, np.asarray(np.bincount(candidate, gains * mass[place], len(chosen)), np.float64)


def among(
    spots: Spots,
    heavy: NDArray[np.int64],
    mass: NDArray[np.float64],
    gain: Gain,
    near: sphere.Points | None,
    near_km: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The heaviest places (h,), or those of them that are near, as candidates, and their gains by one another."""
    chosen = heavy
    if near is not None:
        chosen = np.sort(heavy[spots.offsets(sphere.xyz(near), heavy) <= half_square(near_km)])
    return chosen, gain.of(quarter(spots.unit[chosen][:, None], spots.unit[heavy][None]), spots.scale[heavy]) @ mass


def within(spots: Spots, near: sphere.Points, near_km: float) -> NDArray[np.int64]:
    """Numbers of the places at most so far from one (2,)."""
    return np.flatnonzero(spots.offsets(sphere.xyz(near)) <= half_square(near_km))


def _heaviest_of_cells(spots: Spots, mass: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """The heaviest place of each of the heaviest cells."""
    cell = cells_of(spots)
    cells = heaviest(np.asarray(np.bincount(cell, mass), np.float64)[None], count)[0]
    order = np.lexsort((-mass, cell))
    first = np.searchsorted(cell[order], cells)
    result: NDArray[np.int64] = order[first]
    return result


def cells_of(spots: Spots) -> NDArray[np.int64]:
    """The number (k,) of the cell of each place."""
    return spots.kept("cells", lambda: np.unique(s2.encode(spots.places, CELL_LEVEL), return_inverse=True)[1])


def judges(
    spots: Spots, chosen: NDArray[np.int64], gain: Gain
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Pairs of a candidate, from 0 on, and a place within its reach, in order, and what the one gains by the other."""
    unit = spots.kept("single", lambda: spots.unit.astype(np.float32))
    chord = 2 * math.sin(min(max(gain.reach_km, NEAR_KM) / sphere.EARTH_KM, math.pi) / 2)
    reached = unit[chosen] @ unit.T >= np.float32(1 - chord**2 / 2)
    candidate, place = np.divmod(np.flatnonzero(reached), len(spots))  # several times as fast as nonzero
    offset = quarter(spots.unit[chosen[candidate]], spots.unit[place])
    return candidate, place, gain.of(offset, spots.scale[place])


def heaviest(values: NDArray[np.floating], k: int) -> NDArray[np.int64]:
    """Columns (n, min(k, columns)) of the k largest values of each row, largest first; ties by position."""
    k = min(k, values.shape[1])
    if 0 < k < values.shape[1]:
        least = -np.partition(-values, k - 1, axis=1)[:, k - 1 : k]
        above, equal = values > least, values == least  # many photos were counted, so many places are equally heavy
        equal &= np.cumsum(equal, axis=1) <= k - above.sum(axis=1, keepdims=True)
        part = np.nonzero(above | equal)[1].reshape(len(values), k)
    else:
        part = np.broadcast_to(np.arange(k), (len(values), k))
    order = np.argsort(-np.take_along_axis(values, part, 1), axis=1, kind="stable")
    return np.take_along_axis(part, order, 1)
