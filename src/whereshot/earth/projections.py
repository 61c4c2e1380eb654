"""Project positions: unit vectors, two maps that keep areas, and spherical harmonics.

Every function takes positions (n, 2) in degrees, latitude first, and returns numbers (n, k). What location encoders
need works with NumPy arrays and torch tensors, returns the same library and type, and is differentiable.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.earth.sphere import namespace_of

Projection = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Positions (n, 2) in degrees -> points (n, 2) of the plane in Earth radii: x eastward, y northward."""

_EQUAL_EARTH = (1.340264, -0.081106, 0.000893, 0.003796)
"""Savric, Patterson and Jenny 2018: A1 to A4."""

GEOCLIP_SCALE = 66.50336 / 180
"""With this scale of GeoCLIP the map is about two wide and one high; a unit is about 20,000 km at the equator."""


def unit_vectors(positions: Any) -> Any:
    """Return unit vectors (n, 3): x toward (0, 0), y toward (0, 90 E), z toward the north pole."""
    library = namespace_of(positions)
    radians = library.deg2rad(positions)
    latitude, longitude = radians[..., 0], radians[..., 1]
    flat = library.cos(latitude)
    return library.stack([flat * library.cos(longitude), flat * library.sin(longitude), library.sin(latitude)], axis=-1)


def equal_earth(positions: Any, scale: float = 1.0) -> Any:
    """Return points (n, 2) of the Equal Earth map (Savric, Patterson and Jenny 2018), in Earth radii times ``scale``.

    x lies in [-2.71, 2.71] and y in [-1.32, 1.32] for a scale of 1. The map keeps areas for that scale.
    """
    library = namespace_of(positions)
    a1, a2, a3, a4 = _EQUAL_EARTH
    radians = library.deg2rad(positions)
    latitude, longitude = radians[..., 0], radians[..., 1]
    theta = library.arcsin(math.sqrt(3) / 2 * library.sin(latitude))
    slope = 9 * a4 * theta**8 + 7 * a3 * theta**6 + 3 * a2 * theta**2 + a1
    x = 2 * math.sqrt(3) / 3 * longitude * library.cos(theta) / slope
    y = a4 * theta**9 + a3 * theta**7 + a2 * theta**3 + a1 * theta
    return library.stack([x, y], axis=-1) * scale


def lambert(latitude: float, longitude: float) -> Projection:
    """Return Lambert's azimuthal equal-area projection around a position in degrees.

    The position is the origin of the plane, north is up. The opposite position has no place in the plane.
    """
    east = sphere.xyz([0.0, longitude + 90])
    out = sphere.xyz([latitude, longitude])
    north = np.cross(out, east)

    def project(positions: NDArray[np.float64]) -> NDArray[np.float64]:
        unit = sphere.xyz(positions)
        stretch = np.sqrt(2 / np.maximum(1 + unit @ out, 1e-9))
        return np.stack([stretch * (unit @ east), stretch * (unit @ north)], axis=1)

    return project


def spherical_harmonics(positions: Any, degrees: int) -> Any:
    """Return real orthonormal spherical harmonics (n, degrees * degrees) of the degrees 0 to ``degrees`` - 1.

    Column l*l + l + m holds degree l and order m: sines for m < 0, cosines for m > 0. The recursion is fully normalised
    (Holmes and Featherstone 2002), and stable far beyond the degrees that encoders use.
    """
    library = namespace_of(positions)
    radians = library.deg2rad(positions)
    latitude, longitude = radians[..., 0], radians[..., 1]
    up, flat = library.sin(latitude), library.cos(latitude)
    columns: list[Any] = [None] * degrees**2
    diagonal = library.full_like(up, math.sqrt(1 / (4 * math.pi)))
    for order in range(degrees):
        if order:
            diagonal = diagonal * flat * math.sqrt((2 * order + 1) / (2 * order) * (2 if order == 1 else 1))
        before, current = library.zeros_like(up), diagonal
        cosine, sine = library.cos(order * longitude), library.sin(order * longitude)
        for degree in range(order, degrees):
            if degree > order:
                below = degree - 1
                gain = math.sqrt((4 * degree**2 - 1) / (degree**2 - order**2))
                loss = math.sqrt((below**2 - order**2) / (4 * below**2 - 1)) if below > order else 0.0
                before, current = current, gain * (up * current - loss * before)
            middle = degree * degree + degree
            columns[middle + order] = current * cosine
            if order:
                columns[middle - order] = current * sine
    return library.stack(columns, axis=-1)
