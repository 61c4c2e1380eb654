"""The shape of a place: a spherical Cauchy distribution (Kato and McCullagh 2020), with its densities and masses.

Half of its mass lies within ``spread_km``. Its tail is heavy: about 1 % lies beyond ten times that distance. The mass
in any circle has an exact closed form. The reason: a Moebius map turns the distribution into the uniform one, and maps
circles to circles.
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
    """Return the scale on u = 1 - cos(angle) with which half of the mass lies within ``spread_km``."""
    u = one_minus_cos(np.minimum(spread_km, sphere.HALF_CIRCUMFERENCE_KM / 2 * (1 - 1e-9)))
    return u / (1 - u)  # from F(u) = u (2 + e) / (2 (u + e)) = 1/2; a quarter turn is the uniform distribution


def one_minus_cos(km: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 - cos of the angle of distances in km, without loss of digits for small ones."""
    return 2 * np.sin(np.asarray(km) / (2 * sphere.EARTH_KM)) ** 2


def log_kernel(distance_km: NDArray[np.float64], spread_km: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the natural log of a place's density per steradian at a distance from its center."""
    e = scale_of(spread_km)
    result: NDArray[np.float64] = np.log(e * (2 + e) / (4 * math.pi)) - 2 * np.log(one_minus_cos(distance_km) + e)
    return result


def circle_mass(
    distance_km: NDArray[np.float64], spread_km: NDArray[np.float64], radius_km: ArrayLike
) -> NDArray[np.float64]:
    """Return the exact mass of a place inside a circle whose center is ``distance_km`` from the place.

    The Moebius map that makes the place uniform maps the circle to another circle. Two ends of a diameter give its
    size; its share of the sphere is sin^2 of half its angular radius.
    """
    e = scale_of(spread_km)
    radius = np.minimum(np.asarray(radius_km, np.float64) / sphere.EARTH_KM, math.pi)
    return circle_share(half_square(distance_km), e / (2 + e), np.sin(radius / 2) ** 2)


def half_square(distance_km: ArrayLike) -> NDArray[np.float64]:
    """Return sin^2 of half the angle of a distance: a quarter of the squared chord on the unit sphere."""
    return np.square(np.sin(np.asarray(distance_km, np.float64) / (2 * sphere.EARTH_KM)))


def circle_share(
    offset: NDArray[np.float64], scale: NDArray[np.float64], edge: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the same mass as ``circle_mass`` without computing sines.

    ``offset`` and ``edge`` are sin^2 of half the angles of the distance and of the radius. ``scale`` is the squared
    scale of the Moebius map, e / (2 + e).
    """
    cosine = np.asarray(offset - edge + scale * (1 - offset - edge))
    across = scale * (4 * edge * (1 - edge))
    length = cosine * cosine + across
    np.sqrt(length, out=length)
    share = np.abs(cosine)
    share += length
    share *= length
    np.divide(across / 2, share, out=share)  # the share of the smaller part: the circle or its outside
    result: NDArray[np.float64] = np.subtract(1, share, out=share, where=cosine <= 0)
    return result


def quantile_km(share: NDArray[np.float64], spread_km: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance in km within which ``share`` of a place's mass lies: the inverse cumulative distribution."""
    e = scale_of(spread_km)
    u = 2 * share * e / (2 + e - 2 * share)
    return 2 * sphere.EARTH_KM * np.arcsin(np.sqrt(np.clip(u / 2, 0, 1)))


def drawn_cosines(spread_km: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Choose one point of each place (k,) and return its values (along, across), each (k,).

    For a position at the angle ``a`` from the center of a place, ``along cos a + across sin a`` is the cosine of the
    angle between the position and the point. The distances and directions of the points from their centers are spread
    evenly over the places (R2 sequence, Roberts 2018).
    """
    number = np.arange(len(spread_km), dtype=np.float64)
    share, turn = (0.5 + number * R2_STEPS[0]) % 1, (0.5 + number * R2_STEPS[1]) % 1
    off = quantile_km(share, spread_km) / sphere.EARTH_KM
    return np.cos(off), np.sin(off) * np.cos(2 * np.pi * turn)
