"""The spherical Cauchy distribution (Kato and McCullagh 2020), a place's shape: distances and spreads in, masses out.

Half its mass lies within ``spread_km``; its tail is heavy, about 1 % beyond ten times that. The mass of any circle
under it is exact in closed form, because Moebius maps, which carry it to the uniform distribution, carry circles to
circles.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import sphere

GOLDEN_DEGREES = 180 * (3 - math.sqrt(5))
"""The golden angle in degrees. Points that are turned by it, one after the other, are evenly spread."""
R2_STEPS = (0.7548776662466927, 0.5698402909980532)
"""Steps of the R2 sequence, which spreads points evenly over a square (Roberts 2018)."""


def scale_of(spread_km: NDArray[np.float64]) -> NDArray[np.float64]:
    """The spherical Cauchy's scale on u = 1 - cos(angle), such that half the mass lies within ``spread_km``."""
    u = one_minus_cos(np.minimum(spread_km, sphere.HALF_CIRCUMFERENCE_KM / 2 * (1 - 1e-9)))
    return u / (1 - u)  # from F(u) = u (2 + e) / (2 (u + e)) = 1/2; a quarter turn is the uniform distribution


def one_minus_cos(km: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 - cos of the angle of distances in km, without loss of digits for small ones."""
    return 2 * np.sin(np.asarray(km) / (2 * sphere.EARTH_KM)) ** 2


def log_kernel(distance_km: NDArray[np.float64], spread_km: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log density per steradian of a place at a distance from it."""
    e = scale_of(spread_km)
    result: NDArray[np.float64] = np.log(e * (2 + e) / (4 * math.pi)) - 2 * np.log(one_minus_cos(distance_km) + e)
    return result


def circle_mass(
    distance_km: NDArray[np.float64], spread_km: NDArray[np.float64], radius_km: ArrayLike
) -> NDArray[np.float64]:
    """Mass of a place inside a circle whose centre is ``distance_km`` from it; exact.

    The Moebius map that makes the place uniform takes the circle to a circle; its ends on the line through the
    place and the centre give its size, and the share of the sphere is sin^2 of half its angular radius.
    """
    e = scale_of(spread_km)
    radius = np.minimum(np.asarray(radius_km, np.float64) / sphere.EARTH_KM, math.pi)
    return circle_share(half_square(distance_km), e / (2 + e), np.sin(radius / 2) ** 2)


def half_square(distance_km: ArrayLike) -> NDArray[np.float64]:
    """sin^2 of half the angle of a distance: a quarter of the square of the straight line through the Earth."""
    return np.square(np.sin(np.asarray(distance_km, np.float64) / (2 * sphere.EARTH_KM)))


def circle_share(
    offset: NDArray[np.float64], scale: NDArray[np.float64], edge: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The same by sin^2 of half the angles of distance and radius, and the squared ``scale`` of the Moebius map, e over
    2 + e: the cosine of the circle's angular radius after the map needs no further sine."""
    cosine = np.asarray(offset - edge + scale * (1 - offset - edge))
    across = scale * (4 * edge * (1 - edge))
    length = cosine * cosine + across
    np.sqrt(length, out=length)
    share = np.abs(cosine)
    share += length
    share *= length
    np.divide(across / 2, share, out=share)  # of the smaller of the circle and what is outside of it
    result: NDArray[np.float64] = np.subtract(1, share, out=share, where=cosine <= 0)
    return result


def quantile_km(share: NDArray[np.float64], spread_km: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance within which ``share`` of a place's mass lies: the inverse of its cumulative distribution."""
    e = scale_of(spread_km)
    u = 2 * share * e / (2 + e - 2 * share)
    return 2 * sphere.EARTH_KM * np.arcsin(np.sqrt(np.clip(u / 2, 0, 1)))


def drawn_cosines(spread_km: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One point of each place (k,), seen from anywhere: (along, across), so that ``along cos a + across sin a`` is the
    cosine of its angle from a centre that is the angle ``a`` from the place's middle.

    How far off its middle a point is, and which way, is spread evenly over the places (the R2 sequence, Roberts 2018).
    """
    number = np.arange(len(spread_km), dtype=np.float64)
    share, turn = (0.5 + number * R2_STEPS[0]) % 1, (0.5 + number * R2_STEPS[1]) % 1
    off = quantile_km(share, spread_km) / sphere.EARTH_KM
    return np.cos(off), np.sin(off) * np.cos(2 * np.pi * turn)
