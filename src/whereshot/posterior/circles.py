"""Circles of a posterior: the mass within a distance of a centre, and the radius that holds a share of the mass."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import sphere
from whereshot.foundation.errors import InputError
from whereshot.posterior.base import MIN_SPREAD_KM, Posterior
from whereshot.posterior.place_shape import circle_share, half_square
from whereshot.posterior.support import PosteriorRow

EXACT_PLACES = 256
"""This number of the heaviest places count by the exact share that lies in a circle; each other place counts as one
point.
"""
_LEAST = 1e-14  # sin^2 of half the angle of a millimetre


def around(posterior: Posterior, center: ArrayLike) -> Circles:
    """Return how the mass of each row lies around its ``center`` (n, 2), prepared for many distances and levels."""
    return Circles(posterior, np.broadcast_to(sphere.points(center), (len(posterior), 2)))


def radius_km(posterior: Posterior, center: ArrayLike, level: float) -> NDArray[np.float64]:
    """Return the radius in km (n,) of the circle around ``center`` (n, 2) that holds ``level`` of each row's mass.

    Raises InputError for a level that is not between 0 and 1.
    """
    return around(posterior, center).radius_km(level)


class Circles:
    """The mass of each row of a posterior by its distance from one centre per row.

    The heaviest places count by the exact share of their extent that lies in a circle. Each of the many light places
    counts as one point of its extent; these points are spread so evenly that together they stand for the whole. Very
    wide places count as uniform on the sphere.
    """

    def __init__(self, posterior: Posterior, center: NDArray[np.float64]) -> None:
        n, k = len(posterior), min(EXACT_PLACES, posterior.places.shape[-2])
        self._mass, self._offset, self._scale = (np.empty((n, k)) for _ in range(3))
        self._uniform = np.zeros(n)
        self._light: list[MassByAngle] = []
        for number, unit in enumerate(sphere.xyz(center)):
            self._add(posterior.row(number), number, unit, k)

    def _add(self, row: PosteriorRow, number: int, unit: NDArray[np.float64], k: int) -> None:
        places, (light, heavy) = row.places, row.ranked(k)
        self._mass[number], self._offset[number] = light[heavy], places.offsets(unit, heavy)
        self._scale[number] = places.scale[heavy]
        if k < len(places):
            light[heavy] = 0.0
            self._uniform[number] = light[places.wide].sum()
            light[places.wide] = 0.0
            self._light.append(MassByAngle(places.drawn(unit), light))

    def mass_within(self, km: ArrayLike) -> NDArray[np.float64]:
        """Return the probability (n,) that the truth lies within ``km``, a number or (n,), of each row's centre."""
        edge = _edges(np.broadcast_to(np.asarray(km, np.float64), (len(self._mass),)))
        inside = self._without_light(edge)
        for row, (light, number) in enumerate(zip(self._light, bins(edge).tolist(), strict=False)):
            inside[row] += light.within(edge[row], number)
        return np.clip(inside, 0.0, 1.0)

    def radius_km(self, level: float) -> NDArray[np.float64]:
        """Return the radius in km (n,) that holds ``level``, by bisection to a relative error below one in a million.

        Raises InputError for a level that is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise InputError(f"a level lies between 0 and 1; got {level:g}")
        low = np.full(len(self._mass), MIN_SPREAD_KM / 10)
        high = np.full(len(self._mass), sphere.HALF_CIRCUMFERENCE_KM)
        for _ in range(26):
            middle = np.sqrt(low * high)
            edge = _edges(middle)
            wanted = level - self._without_light(edge)
            inside = wanted <= 0
            for row, number in enumerate(bins(edge).tolist() if self._light else ()):
                inside[row] = inside[row] or self._light[row].reaches(wanted[row], edge[row], number)
            low, high = np.where(inside, low, middle), np.where(inside, middle, high)
        return high

    def _without_light(self, edge: NDArray[np.float64]) -> NDArray[np.float64]:
        exact = (self._mass * circle_share(self._offset, self._scale, edge[:, None])).sum(axis=1)
        result: NDArray[np.float64] = exact + self._uniform * edge
        return result


class MassByAngle:
    """Masses (k,) by the angle at which they lie: how much mass lies within an angle.

    Angles are given as sin^2 of half the angle. Masses are collected in bins, and each bin is exact inside.
    """

    def __init__(self, offset: NDArray[np.float64], mass: NDArray[np.float64]) -> None:
        self._offset, self._mass = offset, mass
        self._bin = bins(offset)
        self._before = np.concatenate([[0.0], np.cumsum(np.bincount(self._bin, mass, _BINS))])
        self._inside: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}

    def within(self, edge: float, number: int) -> float:
        """Return the mass up to ``edge``; ``number`` is the bin of the edge."""
        offset, cumulated = self._members(number)
        result: float = self._before[number] + cumulated[np.searchsorted(offset, edge, side="right")]
        return result

    def reaches(self, wanted: float, edge: float, number: int) -> bool:
        """Return whether the mass up to ``edge`` is at least ``wanted``; mostly the number of the bin decides."""
        if self._before[number] >= wanted:
            return True
        return self._before[number + 1] * (1 + 1e-12) >= wanted and self.within(edge, number) >= wanted

    def _members(self, number: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        if number not in self._inside:
            rows = np.flatnonzero(self._bin == number)
            order = rows[np.argsort(self._offset[rows])]
            self._inside[number] = self._offset[order], np.concatenate([[0.0], np.cumsum(self._mass[order])])
        return self._inside[number]


def bins(offset: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return the bins of values of sin^2 of half an angle: 128 bins for each doubling, the leading bits of a float."""
    bits = np.maximum(np.asarray(offset, np.float32), np.float32(_LEAST)).view(np.int32)
    return (bits >> 16) - _FIRST


def _edges(km: NDArray[np.float64]) -> NDArray[np.float64]:
    return half_square(np.minimum(km, sphere.HALF_CIRCUMFERENCE_KM))


_FIRST = int(np.array(_LEAST, np.float32).view(np.int32)) >> 16
_BINS = (int(np.array(1.0, np.float32).view(np.int32)) >> 16) - _FIRST + 2
