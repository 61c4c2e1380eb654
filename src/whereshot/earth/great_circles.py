"""Great circles: rings and paths with so many points that lines drawn straight on a map keep to the great circles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere

STEP_DEGREES = 2.0
"""No line between two points of a drawn ring is longer."""

_AT_POLE = 1e-9
_STRAIGHT_DEGREES = 2e-4
"""20 m: how far a line on the map may leave its great circle."""

_MOST_ROUNDS = 16


def densify(corners: NDArray[np.float64]) -> sphere.Points:
    """Return a closed ring (m, 2) through corners (c, 2) in degrees that are joined by great circles.

    Drawn as straight lines in longitude and latitude, the ring leaves its great circles by at most 20 m. No line is
    longer than 2 degrees. A border through a pole names the pole.
    """
    vectors = sphere.xyz(corners)
    at_pole = np.hypot(vectors[:, 0], vectors[:, 1]) < _AT_POLE
    vectors[at_pole] = np.sign(vectors[at_pole]) * [0.0, 0.0, 1.0]  # exactly, or the border would pass it once more
    dense = sphere.latlon(_close_ring(vectors))
    return np.where(np.abs(dense) < 1e-13, 0.0, dense)


def path(start: NDArray[np.float64], end: NDArray[np.float64], steps: int = 32) -> sphere.Points:
    """Return positions (steps + 1, 2) in degrees along the great circle from ``start`` (2,) to ``end`` (2,).

    Between opposite points of the sphere, any great circle is a shortest way; one of them is returned.
    """
    a, b = sphere.xyz(np.stack([start, end]))
    across = b - (a @ b) * a
    if np.linalg.norm(across) < _AT_POLE:  # the same point, or the opposite one: any direction
        across = np.cross(a, np.eye(3)[np.abs(a).argmin()])
    across /= np.linalg.norm(across)
    angle = np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b) * np.linspace(0, 1, steps + 1)[:, None]
    return sphere.latlon(np.cos(angle) * a + np.sin(angle) * across)


def _close_ring(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a closed ring (m, 3) through corners (c, 3). An arc gets the same points from either end."""
    points = np.concatenate([corners, corners[:1]])
    normal = np.cross(points[:-1], points[1:])
    length = np.linalg.norm(normal, axis=1)
    for tip in (np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, -1.0])):
        # a border through a pole names it: there the longitude jumps
        along = (length > 1e-12) & (np.abs(normal @ tip) < _AT_POLE * length)
        for edge in np.flatnonzero(along)[::-1].tolist():
            start, end = points[edge], points[edge + 1]
            if np.cross(start, tip) @ normal[edge] > 0 and np.cross(tip, end) @ normal[edge] > 0:
                points = np.insert(points, edge + 1, tip, axis=0)
                normal, length = (np.insert(values, edge, values[edge], axis=0) for values in (normal, length))
    for _ in range(_MOST_ROUNDS):
        start, end = points[:-1], points[1:]
        middle = start + end
        middle /= np.linalg.norm(middle, axis=1, keepdims=True)
        bent = _is_bent(start, middle, end)
        if not bent.any():
            break
        points = np.insert(points, np.flatnonzero(bent) + 1, middle[bent], axis=0)
    return points


def _is_bent(start: NDArray[np.float64], middle: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which arcs (n,) are long, or leave the straight line on the map by more than ``_STRAIGHT_DEGREES``."""
    a, m, b = sphere.latlon(start), sphere.latlon(middle), sphere.latlon(end)
    flat = np.maximum(np.cos(np.radians(m[:, 0])), 1e-9)
    half, whole = ((x - a[:, 1] + 180) % 360 - 180 for x in (m[:, 1], b[:, 1]))
    at_pole = (np.abs(a[:, 0]) > 90 - 1e-9) | (np.abs(b[:, 0]) > 90 - 1e-9)  # there a meridian has any longitude
    off = np.maximum(np.abs(m[:, 0] - (a[:, 0] + b[:, 0]) / 2), np.where(at_pole, 0, np.abs(half - whole / 2) * flat))
    length = np.degrees(np.linalg.norm(end - start, axis=1))
    result: NDArray[np.bool_] = (length > STEP_DEGREES) | ((off > _STRAIGHT_DEGREES) & (length > 1e-4))
    return result
