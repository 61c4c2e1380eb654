"""Measure on the sphere: distances, means, moves and nearest neighbours of positions (n, 2), in degrees, latitude
first.

Every module measures here, so one radius and one formula serve the whole package: haversine on a sphere of
the mean Earth radius (IUGG), 6371.0088 km.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whereshot.foundation.errors import InputError

EARTH_KM = 6371.0088
"""Mean Earth radius in km (Moritz 2000, Geodetic Reference System 1980: R1)."""

EARTH_AREA_KM2 = 4 * math.pi * EARTH_KM**2
HALF_CIRCUMFERENCE_KM = math.pi * EARTH_KM

NULL_ISLAND_DEGREES = 1e-4
"""A position this near to (0, 0), in degrees (11 m), comes from a device that had no fix."""

FEW = 16
"""The most queries for the nearest position that are answered without a k-d tree."""

CHUNK = 16_384
"""Pairs whose distance is computed at a time."""

Points = NDArray[np.float64]
"""(n, 2) degrees: latitude in [-90, 90], longitude in [-180, 180] (both spellings of the date line are kept)."""


def points(values: ArrayLike) -> Points:
    """Check and normalise positions. All coordinates enter the package through this function.

    Takes (n, 2) or (2,) degrees, latitude first. Longitudes up to one turn off, [-360, 360], are wrapped to
    [-180, 180]. Raises InputError naming how many rows are wrong, the value of the first and its row, counted from 1.

    >>> points([[48.2, 196.4]])
    array([[  48.2, -163.6]])
    """
    try:
        array = np.array(values, dtype=np.float64, ndmin=2)
    except (TypeError, ValueError) as error:
        raise InputError(f"positions must be numbers (latitude, longitude): {error}") from error
    if array.size == 0:
        return np.empty((0, 2))
    if array.ndim != 2 or array.shape[1] != 2:
        raise InputError(f"positions must have the shape (n, 2), latitude first; got {array.shape}")
    with np.errstate(invalid="ignore"):
        possible = (np.abs(array[:, 0]) <= 90) & (np.abs(array[:, 1]) <= 360)  # False for NaN
    if not possible.all():
        problem = position_problems(array[:, 0], array[:, 1])
        wrong = np.flatnonzero(~possible)
        row = wrong[0]
        shown = shown_position(*array[row])
        if len(array) == 1:
            raise InputError(f"the position {shown} is impossible: {problem[row]}")
        are = "is" if len(wrong) == 1 else "are"
        raise InputError(
            f"{len(wrong)} of {len(array)} positions {are} impossible; the first is {shown} in row {row + 1}: "
            f"{problem[row]}"
        )
    array[:, 1] = wrap_longitude(array[:, 1])
    return array


def position_problems(latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> NDArray[np.str_]:
    """Return why each position (n,) is impossible, or "" where it is fine."""
    latitude, longitude = np.asarray(latitude, float), np.asarray(longitude, float)
    return np.select(
        [
            ~(np.isfinite(latitude) & np.isfinite(longitude)),
            np.abs(latitude) > 90,
            np.abs(longitude) > 360,
        ],
        [
            "not a finite number",
            "latitude must lie between -90 and 90 degrees",
            "longitude must lie between -180 and 180 degrees (one turn more is wrapped)",
        ],
        default="",
    )


def shown_position(latitude: float, longitude: float) -> str:
    """Return a position as text for a message: "(48.2, 16.37)". It has enough digits to see that 90.00001 is not 90."""
    return f"({latitude:.10g}, {longitude:.10g})"


def is_null_island(latitude: ArrayLike, longitude: ArrayLike) -> NDArray[np.bool_]:
    """Return which positions (n,) are (0, 0) or within 11 m of it, where devices without a fix put their photos."""
    off = np.maximum(np.abs(np.asarray(latitude, float)), np.abs(np.asarray(longitude, float)))
    result: NDArray[np.bool_] = off <= NULL_ISLAND_DEGREES
    return result


def wrap_longitude(longitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return longitudes in degrees wrapped to [-180, 180]. Values inside stay as they are, to the bit."""
    inside = (longitude >= -180) & (longitude <= 180)
    return longitude if np.all(inside) else np.where(inside, longitude, (longitude + 180) % 360 - 180)


def one_spelling(points: Points) -> Points:
    """Return positions (n, 2) with 180 as the only longitude of the date line and 0 as the only longitude of a pole."""
    longitude = np.where(np.abs(points[:, 0]) == 90, 0.0, np.where(points[:, 1] == -180, 180.0, points[:, 1]))
    return np.stack([points[:, 0], longitude], axis=1)


def namespace_of(*values: Any) -> Any:
    """Return NumPy, or torch if any of the values is a tensor. torch is never imported for NumPy callers."""
    for value in values:
        if type(value).__module__.split(".")[0] == "torch":
            import torch

            return torch
    return np


def distance_km(a: Any, b: Any) -> Any:
    """Return the great-circle distances (...) in km between positions (..., 2) and (..., 2) in degrees, broadcast.

    Haversine (Sinnott 1984), exact to rounding for near and far points; NumPy arrays or torch tensors
    (differentiable, except at coincident or opposite points where the gradient is clamped).
    """
    library = namespace_of(a, b)
    if library is np:
        return _distance_km(np.asarray(a, np.float64), np.asarray(b, np.float64))
    radians = math.pi / 180
    latitude_a, latitude_b = a[..., 0] * radians, b[..., 0] * radians
    half_latitude = (latitude_b - latitude_a) / 2
    half_longitude = (b[..., 1] - a[..., 1]) * (radians / 2)
    h = (
        library.sin(half_latitude) ** 2
        + library.cos(latitude_a) * library.cos(latitude_b) * library.sin(half_longitude) ** 2
    )
    tiny = library.finfo(h.dtype).tiny
    return 2 * EARTH_KM * library.asin(library.sqrt(h.clamp(tiny, 1 - library.finfo(h.dtype).eps)))


def _distance_km(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return distances like ``distance_km``, in NumPy, with three sines instead of four."""
    if a.ndim == b.ndim == 2 and a.shape == b.shape and len(a) > CHUNK:
        out = np.empty(len(a))
        for start in range(0, len(a), CHUNK):  # temporaries that stay in the processor's cache
            rows = slice(start, start + CHUNK)
            out[rows] = _distance_km(a[rows], b[rows])
        return out
    latitude_a, latitude_b = a[..., 0], b[..., 0]
    across = np.square(np.sin((b[..., 1] - a[..., 1]) * (math.pi / 360)))
    along = np.square(np.sin((latitude_b - latitude_a) * (math.pi / 360)))
    flat = np.square(np.cos((latitude_a + latitude_b) * (math.pi / 360)))
    h = along + (flat - along) * across
    result: NDArray[np.float64] = 2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(h, 0.0, 1.0)))
    return result


def xyz(positions: ArrayLike) -> NDArray[np.float64]:
    """Return unit vectors (..., 3) of positions (..., 2) in degrees."""
    radians = np.radians(np.asarray(positions, np.float64))
    latitude, longitude = radians[..., 0], radians[..., 1]
    flat = np.cos(latitude)
    return np.stack([flat * np.cos(longitude), flat * np.sin(longitude), np.sin(latitude)], axis=-1)


def latlon(vectors: ArrayLike) -> NDArray[np.float64]:
    """Return positions (..., 2) in degrees of vectors (..., 3) of any length but zero."""
    v = np.asarray(vectors, np.float64)
    latitude = np.degrees(np.arctan2(v[..., 2], np.hypot(v[..., 0], v[..., 1])))
    longitude = np.degrees(np.arctan2(v[..., 1], v[..., 0]))
    return np.stack([latitude, wrap_longitude(longitude)], axis=-1)


def chord_to_km(chord: Any) -> Any:
    """Return the great-circle distance in km of a straight chord between unit vectors."""
    return 2 * EARTH_KM * np.arcsin(np.clip(np.asarray(chord) / 2, 0.0, 1.0))


def km_to_chord(km: Any) -> Any:
    """Return the straight chord between unit vectors that are ``km`` apart on the great circle, at most half a turn."""
    return 2 * np.sin(np.minimum(np.asarray(km, np.float64) / EARTH_KM, math.pi) / 2)


def mean(positions: ArrayLike, weights: ArrayLike | None = None) -> Points:
    """Return the mean position (2,) of positions (n, 2): the direction of the summed unit vectors. It is right across
    the date line.

    Where the vectors cancel (antipodes) every position is equally near; the first one is returned.
    """
    p = points(positions)
    if len(p) == 0:
        raise InputError("the mean of no positions is undefined")
    total = (xyz(p) * (1.0 if weights is None else np.asarray(weights, float)[:, None])).sum(0)
    if np.linalg.norm(total) < 1e-9:
        result: Points = p[0]
        return result
    return latlon(total)


def angles_on_sphere(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the solid angles in steradians of spherical triangles (..., 3 corners, 3) of unit vectors; exact for slim
    ones.

    Van Oosterom and Strackee 1983: tan(E/2) = a.(b x c) / (1 + a.b + b.c + c.a).
    """
    a, b, c = vectors[..., 0, :], vectors[..., 1, :], vectors[..., 2, :]
    # a.(b x c) written with differences keeps its digits for cells of a few centimetres
    triple = (a * np.cross(b - a, c - a)).sum(-1)
    denominator = 1 + (a * b).sum(-1) + (b * c).sum(-1) + (c * a).sum(-1)
    result: NDArray[np.float64] = 2 * np.arctan2(np.abs(triple), denominator)
    return result


def move(positions: ArrayLike, bearing_degrees: ArrayLike, km: ArrayLike) -> NDArray[np.float64]:
    """Return positions (..., 2) reached from ``positions`` after ``km`` on the great circle that starts at the
    bearing.
    """
    p = np.radians(np.asarray(positions, np.float64))
    bearing, angle = np.radians(np.asarray(bearing_degrees, float)), np.asarray(km, float) / EARTH_KM
    latitude, longitude = p[..., 0], p[..., 1]
    north = np.sin(latitude) * np.cos(angle) + np.cos(latitude) * np.sin(angle) * np.cos(bearing)
    new_latitude = np.arcsin(np.clip(north, -1, 1))
    new_longitude = longitude + np.arctan2(  # both are divided by cos(latitude), which is 0 at a pole
        np.sin(bearing) * np.sin(angle),
        np.cos(angle) * np.cos(latitude) - np.sin(latitude) * np.sin(angle) * np.cos(bearing),
    )
    return np.stack(np.broadcast_arrays(np.degrees(new_latitude), wrap_longitude(np.degrees(new_longitude))), axis=-1)


class Nearest:
    """Nearest of many positions on the sphere, by unit vectors (the chord orders as the arc does).

    A few queries compare all positions; for more, a k-d tree is built once.
    """

    def __init__(self, positions: ArrayLike) -> None:
        self.positions = points(positions)
        if len(self.positions) == 0:
            raise InputError("cannot search among no positions")
        self._vectors, self._asked = xyz(self.positions), 0

    @functools.cached_property
    def _tree(self) -> Any:
        from scipy.spatial import cKDTree  # the tree takes a quarter of a second, which one photo does not need

        return cKDTree(self._vectors)

    def query(self, positions: ArrayLike, k: int = 1) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the distances in km and the indices of the k nearest, nearest first: each is (n,) for k = 1, else (n,
        k).
        """
        asked = xyz(points(positions))
        self._asked += len(asked)
        if k == 1 and self._asked <= FEW:
            indices = np.array([np.square(self._vectors - one).sum(axis=1).argmin() for one in asked], np.int64)
            chords = np.linalg.norm(self._vectors[indices] - asked, axis=1)
        else:
            chords, indices = self._tree.query(asked, k=k)
        return chord_to_km(chords), indices

    def within(self, positions: ArrayLike, km: float) -> list[list[int]]:
        """Return indices of all positions at most ``km`` away, one list for each of the n queries."""
        chord = float(km_to_chord(km)) * (1 + 1e-12)
        result: list[list[int]] = self._tree.query_ball_point(xyz(points(positions)), chord).tolist()
        return result


DISTANCES_KM = (1, 25, 200, 750, 2500)
"""Street, city, region, country, continent (Hays and Efros 2008; Vo et al. 2017)."""
