"""Wider circles: change the radius that a posterior gives, so that the circle holds the stated share of photos.

A posterior is made from photos of some parts of the world. A user's photos can come from parts with few of these
photos. There the widest circles are far too narrow, while a circle around a town is right.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import sphere


class Widening(NamedTuple):
    """A radius r in km becomes factor r (1 + (factor r / doubling_km)^2), at most half the Earth's circumference.

    ``doubling_km`` is the radius that becomes twice as large; with infinity, radii are only multiplied by ``factor``.

    >>> Widening(doubling_km=10_000.0).wider([100.0, 5_000.0])
    array([ 100.01, 6250.  ])
    """

    factor: float = 1.0
    doubling_km: float = math.inf

    def wider(self, radius_km: ArrayLike) -> NDArray[np.float64]:
        """Return what radii in km become; the result has their shape."""
        r = np.asarray(radius_km, np.float64) * self.factor
        wide = r * (1 + (r / self.doubling_km) ** 2)
        return np.asarray(np.minimum(wide, sphere.HALF_CIRCUMFERENCE_KM), np.float64)

    def narrower(self, radius_km: ArrayLike) -> NDArray[np.float64]:
        """Return the radii in km that ``wider`` makes as large as these; the result has their shape."""
        r: NDArray[np.float64] = np.asarray(radius_km, np.float64)
        if math.isfinite(self.doubling_km):  # the real root of x + x^3 = r, in units of doubling_km
            x = r / self.doubling_km
            r = self.doubling_km * 2 / math.sqrt(3) * np.sinh(np.arcsinh(1.5 * math.sqrt(3) * x) / 3)
        return np.asarray(r / self.factor, np.float64)


AS_IT_IS = Widening()
"""The widening that changes nothing."""
