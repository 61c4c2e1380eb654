"""What location encoders see of a position: unit vectors, a map, spherical harmonics. NumPy or torch, differentiable.

Positions (n, 2) in degrees in; numbers (n, k) out, of the same library and type.
"""

from __future__ import annotations

import math
from typing import Any

from whereshot.earth.sphere import namespace_of

_EQUAL_EARTH = (1.340264, -0.081106, 0.000893, 0.003796)
"""Savric, Patterson and Jenny 2018: A1 to A4."""
_EQUAL_EARTH_SCALE = 66.50336 / 180
"""GeoCLIP's: the map is then about two wide and one high, a unit about 20,000 km at the equator."""


def unit_vectors(positions: Any) -> Any:
    """Unit vectors (n, 3) of positions (n, 2) in degrees."""
    library = namespace_of(positions)
    radians = library.deg2rad(positions)
    latitude, longitude = radians[..., 0], radians[..., 1]
    flat = library.cos(latitude)
    return library.stack([flat * library.cos(longitude), flat * library.sin(longitude), library.sin(latitude)], axis=-1)


def equal_earth(positions: Any) -> Any:
    """Positions (n, 2) in degrees on the Equal Earth map (n, 2): x in about [-1, 1], y in about [-0.5, 0.5]."""
    library = namespace_of(positions)
    a1, a2, a3, a4 = _EQUAL_EARTH
    radians = library.deg2rad(positions)
    latitude, longitude = radians[..., 0], radians[..., 1]
    theta = library.arcsin(math.sqrt(3) / 2 * library.sin(latitude))
    slope = 9 * a4 * theta**8 + 7 * a3 * theta**6 + 3 * a2 * theta**2 + a1
    x = 2 * math.sqrt(3) / 3 * longitude * library.cos(theta) / slope
    y = a4 * theta**9 + a3 * theta**7 + a2 * theta**3 + a1 * theta
    return library.stack([x, y], axis=-1) * _EQUAL_EARTH_SCALE


def spherical_harmonics(positions: Any, degrees: int) -> Any:
    """Real orthonormal spherical harmonics (n, degrees squared) of positions (n, 2) in degrees.

    Column l*l + l + m holds degree l and order m: sines for m < 0, cosines for m > 0. Fully normalised recursion
    (Holmes and Featherstone 2002), stable far beyond the degrees that are allowed.
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
