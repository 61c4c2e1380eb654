"""Find the places that may be the best answer, with the expected gain of each: decisions are made from these.

Where a few places hold nearly all mass, only these are candidates, and they judge one another. Elsewhere many light
places may lie close together while none of them is heavy. Then the heaviest place of each of the heaviest S2 cells is a
candidate too, and every place within reach is a judge.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import s2, sphere
from whereshot.posterior.place_set import PlaceSet, quarter
from whereshot.posterior.place_shape import circle_share, half_square

CANDIDATES = 128
FOCUSED = 0.98
"""If the heaviest places have this share of the mass, they alone decide."""
CELL_LEVEL = 8
"""S2 cells of about 40 km; their masses show where light places lie close together."""
FAR = 10
"""A place that is farther than this many times the asked distance is the same for neighbouring candidates."""
NEAR_KM = 50.0
"""Judges are found by float32 cosines, which cannot separate places that are much nearer than this."""
GEOSCORE_KM = 1492.7
"""Decay of the GeoScore 5000 exp(-d / 1492.7 km) (Astruc et al. 2024, OSV-5M)."""
GEOSCORE_MOST = 5000
"""The GeoScore of an answer that is exactly right."""


class Gain(NamedTuple):
    """The value of an answer.

    ``of`` maps sin^2 of half the angle to a place, and the scale of the place (see ``PlaceSet``), to the gain. Beyond
    ``reach_km`` the gain does not differ between answers.
    """

    of: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
    reach_km: float


@functools.cache
def right_within(km: float) -> Gain:
    """Return the gain that is 1 for an answer at most ``km`` away from the truth, and 0 for others."""
    edge = half_square(min(km, sphere.HALF_CIRCUMFERENCE_KM))
    return Gain(lambda offset, scale: circle_share(offset, scale, edge), FAR * km)


def _geoscore(offset: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    distance, spread = (sphere.chord_to_km(2 * np.sqrt(square)) for square in (offset, scale / (1 + scale)))
    result: NDArray[np.float64] = np.exp(-np.hypot(distance, spread) / GEOSCORE_KM)
    return result


GEOSCORE = Gain(_geoscore, np.inf)
"""The expected GeoScore, from 0 to 1."""


def weigh(
    places: PlaceSet,
    mass: NDArray[np.float64],
    gain: Gain,
    near: sphere.Points | None = None,
    near_km: float = 0.0,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return candidates among places with masses (k,): their numbers (c,), some perhaps twice, and gains (c,).

    With ``near`` (2,) only places at most ``near_km`` from it; there is at least one if ``near`` is a place.
    """
    heavy = heaviest(mass[None], CANDIDATES)[0]
    if mass[heavy].sum() >= FOCUSED:
        return among(places, heavy, mass[heavy], gain, near, near_km)
    if near is not None:
        allowed = within(places, near, near_km)
        chosen = allowed[heaviest(mass[None, allowed], CANDIDATES // 2)[0]]
    else:
        chosen = heavy[: CANDIDATES // 2]
        chosen = np.concatenate([chosen, _heaviest_of_cells(places, mass, CANDIDATES - len(chosen))])
    candidate, place, gains = judges(places, chosen, gain)
    return chosen, np.asarray(np.bincount(candidate, gains * mass[place], len(chosen)), np.float64)


def among(
    places: PlaceSet,
    heavy: NDArray[np.int64],
    mass: NDArray[np.float64],
    gain: Gain,
    near: sphere.Points | None,
    near_km: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the heaviest places ``heavy`` (h,), or only the near ones, and their gains from one another."""
    chosen = heavy
    if near is not None:
        chosen = np.sort(heavy[places.offsets(sphere.xyz(near), heavy) <= half_square(near_km)])
    return chosen, gain.of(quarter(places.unit[chosen][:, None], places.unit[heavy][None]), places.scale[heavy]) @ mass


def within(places: PlaceSet, near: sphere.Points, near_km: float) -> NDArray[np.int64]:
    """Return the numbers of the places that are at most ``near_km`` from a point (2,)."""
    return np.flatnonzero(places.offsets(sphere.xyz(near)) <= half_square(near_km))


def _heaviest_of_cells(places: PlaceSet, mass: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Return the heaviest place of each of the heaviest cells."""
    cell = cells_of(places)
    cells = heaviest(np.asarray(np.bincount(cell, mass), np.float64)[None], count)[0]
    order = np.lexsort((-mass, cell))
    first = np.searchsorted(cell[order], cells)
    result: NDArray[np.int64] = order[first]
    return result


def cells_of(places: PlaceSet) -> NDArray[np.int64]:
    """Return the number (k,) of the cell of each place."""
    return places.kept("cells", lambda: np.unique(s2.encode(places.places, CELL_LEVEL), return_inverse=True)[1])


def judges(
    places: PlaceSet, chosen: NDArray[np.int64], gain: Gain
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return pairs of a candidate and a place within its reach, in order, and what the candidate gains by the place.

    Candidates are numbered from 0 in the order of ``chosen``.
    """
    unit = places.kept("single", lambda: places.unit.astype(np.float32))
    chord = 2 * math.sin(min(max(gain.reach_km, NEAR_KM) / sphere.EARTH_KM, math.pi) / 2)
    reached = unit[chosen] @ unit.T >= np.float32(1 - chord**2 / 2)
    candidate, place = np.divmod(np.flatnonzero(reached), len(places))  # several times as fast as nonzero
    offset = quarter(places.unit[chosen[candidate]], places.unit[place])
    return candidate, place, gain.of(offset, places.scale[place])


def heaviest(values: NDArray[np.floating], k: int) -> NDArray[np.int64]:
    """Return the columns (n, min(k, columns)) of the k largest values of each row, largest first.

    Equal values come in the order of their columns.
    """
    k = min(k, values.shape[1])
    if 0 < k < values.shape[1]:
        least = -np.partition(-values, k - 1, axis=1)[:, k - 1 : k]
        above, equal = values > least, values == least  # masses come from counts of photos, so many are equal
        equal &= np.cumsum(equal, axis=1) <= k - above.sum(axis=1, keepdims=True)
        part = np.nonzero(above | equal)[1].reshape(len(values), k)
    else:
        part = np.broadcast_to(np.arange(k), (len(values), k))
    order = np.argsort(-np.take_along_axis(values, part, 1), axis=1, kind="stable")
    return np.take_along_axis(part, order, 1)
