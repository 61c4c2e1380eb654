"""Places with extents: everything that formulas need about them, computed once and shared by all rows."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.posterior.place_shape import circle_share, drawn_cosines, half_square, scale_of

WIDE_KM = 3000.0
"""A place with a larger spread is treated as uniform on the sphere."""

Value = TypeVar("Value", bound=np.generic)


class PlaceSet:
    """A fixed set of k places: their positions and extents, and values that are derived from these alone.

    ``places`` (k, 2) are positions in degrees, latitude first. ``spread_km`` (k,) is the radius of each place that
    holds half of its mass.
    """

    def __init__(self, places: sphere.Points, spread_km: NDArray[np.float64]) -> None:
        self.places, self.spread_km = places, spread_km
        self._kept: dict[str, NDArray[Any]] = {}

    def __len__(self) -> int:
        """Return the number of places."""
        return len(self.places)

    @functools.cached_property
    def unit(self) -> NDArray[np.float64]:
        """Unit vectors (k, 3) of the places."""
        return sphere.xyz(self.places)

    @functools.cached_property
    def scale(self) -> NDArray[np.float64]:
        """Squared scales (k,) of the Moebius maps that make the places uniform: see ``place_shape.circle_share``."""
        e = scale_of(self.spread_km)
        return e / (2 + e)

    @functools.cached_property
    def _drawn(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return drawn_cosines(self.spread_km)

    def kept(self, name: str, make: Callable[[], NDArray[Value]]) -> NDArray[Value]:
        """Return the array of this name; call ``make`` for it the first time and keep the result.

        The array must depend on the places and spreads only.
        """
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    @functools.cached_property
    def wide(self) -> NDArray[np.int64]:
        """Numbers of the places whose spread is above ``WIDE_KM``."""
        return np.flatnonzero(self.spread_km > WIDE_KM)

    def offsets(
        self, unit: NDArray[np.float64], numbers: NDArray[np.int64] | slice = slice(None)
    ) -> NDArray[np.float64]:
        """Return sin^2 of half the angles between a unit vector and the places.

        ``unit`` is (3,), or (m, 1, 3) for m vectors; ``numbers`` selects some of the places.
        """
        return quarter(self.unit[numbers], unit)

    def drawn(self, unit: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return sin^2 of half the angles (k,) between a unit vector (3,) and one point of each place.

        The points are spread evenly over the extents of the places: see ``place_shape.drawn_cosines``. The rounding
        error of 1e-16 is a millimetre at a distance of a kilometre.
        """
        cosine = self.unit @ unit
        along, across = self._drawn
        sine = cosine * cosine  # all steps work in place: this is done for 24,000 places of every photo
        np.subtract(1, sine, out=sine)
        np.sqrt(np.maximum(sine, 0.0, out=sine), out=sine)
        sine *= across
        cosine *= along
        cosine += sine
        np.subtract(1, cosine, out=cosine)
        cosine *= 0.5
        return np.maximum(cosine, 0.0, out=cosine)

    def circle_shares(
        self, unit: NDArray[np.float64], km: float, numbers: NDArray[np.int64] | slice = slice(None)
    ) -> NDArray[np.float64]:
        """Return the share of each place (k,) that lies within ``km`` of a unit vector; exact.

        ``unit`` is (3,), or (m, 1, 3) for shares (m, k); ``numbers`` selects some of the places.
        """
        edge = half_square(min(km, sphere.HALF_CIRCUMFERENCE_KM))
        return circle_share(self.offsets(unit, numbers), self.scale[numbers], edge)


def quarter(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sin^2 of half the angles between unit vectors (..., 3): a quarter of the squared straight distance."""
    total = np.asarray(a[..., 0] - b[..., 0])
    total *= total
    for axis in (1, 2):
        apart = np.asarray(a[..., axis] - b[..., axis])
        apart *= apart
        total += apart
    total *= 0.25
    return total
