"""Places with extents in, what every formula of them needs out, worked out once for all rows that share them: unit
vectors, Moebius scales, one drawn point of each, and how much mass lies within a distance.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.posterior.place_shape import circle_share, drawn_cosines, half_square, scale_of

WIDE_KM = 3000.0
"""A place this wide is nearly uniform."""
_LEAST = 1e-14  # sin^2 of half the angle of a millimetre


Value = TypeVar("Value", bound=np.generic)


class Spots:
    """Places (k, 2) in degrees with ``spread_km`` (k,), their extents."""

    def __init__(self, places: sphere.Points, spread_km: NDArray[np.float64]) -> None:
        self.places, self.spread_km = places, spread_km
        self._kept: dict[str, NDArray[Any]] = {}

    def __len__(self) -> int:
        return len(self.places)

    @functools.cached_property
    def unit(self) -> NDArray[np.float64]:
        """Unit vectors (k, 3)."""
        return sphere.xyz(self.places)

    @functools.cached_property
    def scale(self) -> NDArray[np.float64]:
        """Squared scales (k,) of the Moebius maps that make the places uniform: see ``cauchy.circle_share``."""
        e = scale_of(self.spread_km)
        return e / (2 + e)

    @functools.cached_property
    def _drawn(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return drawn_cosines(self.spread_km)

    def kept(self, name: str, make: Callable[[], NDArray[Value]]) -> NDArray[Value]:
        """Something else that follows from the places alone, made when it is first asked for."""
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    @functools.cached_property
    def wide(self) -> NDArray[np.int64]:
        """Numbers of the places that are nearly uniform."""
        return np.flatnonzero(self.spread_km > WIDE_KM)

    def offsets(
        self, unit: NDArray[np.float64], numbers: NDArray[np.int64] | slice = slice(None)
    ) -> NDArray[np.float64]:
        """sin^2 of half the angles between a unit vector (3,), or some (m, 1, 3), and the places, or some of them."""
        return quarter(self.unit[numbers], unit)

    def drawn(self, unit: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same (k,) of a unit vector (3,) and one point of each place, drawn evenly: see ``cauchy.drawn_cosines``.

        To rounding of 1e-16, a millimetre a kilometre away.
        """
        cosine = self.unit @ unit
        along, across = self._drawn
        sine = cosine * cosine  # and on in the same memory: many places are asked for every photo
        np.subtract(1, sine, out=sine)
        np.sqrt(np.maximum(sine, 0.0, out=sine), out=sine)
        sine *= across
        cosine *= along
        cosine += sine
        np.subtract(1, cosine, out=cosine)
        cosine *= 0.5
        return np.maximum(cosine, 0.0, out=cosine)

    def mass_within(self, mass: NDArray[np.float64], unit: NDArray[np.float64], km: float) -> float:
        """How much of masses (k,) lies within a distance of a unit vector (3,); exact."""
        return float(
            mass @ circle_share(self.offsets(unit), self.scale, half_square(min(km, sphere.HALF_CIRCUMFERENCE_KM)))
        )


def quarter(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """sin^2 of half the angle between unit vectors (..., 3): a quarter of the straight line's square."""
    total = np.asarray(a[..., 0] - b[..., 0])
    total *= total
    for axis in (1, 2):
        apart = np.asarray(a[..., axis] - b[..., axis])
        apart *= apart
        total += apart
    total *= 0.25
    return total


class Cumulated:
    """Masses (k,) by the sin^2 of half an angle (k,): how much lies within it, found by bins and exact in each."""

    def __init__(self, offset: NDArray[np.float64], mass: NDArray[np.float64]) -> None:
        self._offset, self._mass = offset, mass
        self._bin = bins(offset)
        self._before = np.concatenate([[0.0], np.cumsum(np.bincount(self._bin, mass, _BINS))])
        self._inside: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}

    def within(self, edge: float, number: int) -> float:
        """Mass up to ``edge``, whose bin has that number."""
        offset, cumulated = self._members(number)
        result: float = self._before[number] + cumulated[np.searchsorted(offset, edge, side="right")]
        return result

    def reaches(self, wanted: float, edge: float, number: int) -> bool:
        """Whether the mass up to ``edge`` is at least ``wanted``: mostly its bin alone tells."""
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
    """The bins of sin^2 of half an angle, 128 for each doubling: the leading bits of a float."""
    bits = np.maximum(np.asarray(offset, np.float32), np.float32(_LEAST)).view(np.int32)
    return (bits >> 16) - _FIRST


_FIRST = int(np.array(_LEAST, np.float32).view(np.int32)) >> 16
_BINS = (int(np.array(1.0, np.float32).view(np.int32)) >> 16) - _FIRST + 2
