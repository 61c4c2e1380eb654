"""The density of photos on the Earth, learned from known positions, and its product with Gaussians.

The density is a mixture of three kinds of parts: narrow kernels on the known places, because photos are often taken at
the same place again; kernels as wide as the distance to a place's neighbours (Abramson 1982), which suit towns and
deserts; and a uniform part. The shares of the parts maximise the likelihood of each known place given the others.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import sphere
from whereshot.foundation.errors import InputError

SCALES_KM = (0.02, 0.1, 0.5)
"""Standard deviations of the narrow kernels, in km."""
_NEIGHBOURS = 48
_WIDTH = 8  # a wide kernel's standard deviation is the distance to this neighbour
_ROUNDS = 60


class PhotoDensity:
    """The density of photos per square km, learned from at least two positions (m, 2) inside ``area_km2``.

    Only the kernels of the nearest places are summed, so the integral is a little below 1.
    """

    def __init__(self, positions: ArrayLike, area_km2: float = sphere.EARTH_AREA_KM2) -> None:
        self.positions = sphere.points(positions)
        if len(self.positions) < 2:
            raise InputError(f"a density needs at least two positions; got {len(self.positions)}")
        self._nearest, self.area_km2 = sphere.Nearest(self.positions), float(area_km2)
        self._count = min(_NEIGHBOURS, len(self.positions) - 1)
        distance, index = self._nearest.query(self.positions, self._count + 1)
        own = index == np.arange(len(index))[:, None]
        own[~own.any(axis=1), 0] = True  # where many photos have the same position, leave out any one of them
        others = (len(index), self._count)
        distance, index = distance[~own].reshape(others), index[~own].reshape(others)
        self._wide_km = np.maximum(distance[:, min(_WIDTH, self._count) - 1], SCALES_KM[-1])
        parts = self._parts(distance, index, len(self.positions) - 1)  # the density at each place from the others
        shares = np.full(parts.shape[1], 1 / parts.shape[1])
        for _ in range(_ROUNDS):  # expectation maximisation
            weighted = parts * shares
            shares = (weighted / weighted.sum(axis=1, keepdims=True)).mean(axis=0)
        self.shares = shares

    def _parts(self, distance: NDArray[np.float64], index: NDArray[np.int64], known: int) -> NDArray[np.float64]:
        """Return the density (n, kernels + 2) of each part, from distances (n, k) and numbers of the nearest places."""
        parts = []
        for width in (*SCALES_KM, self._wide_km[index]):
            each = np.exp(-0.5 * (distance / width) ** 2) / (2 * math.pi * np.square(width))
            parts.append(each.sum(axis=1) / known)
        return np.stack([*parts, np.full(len(distance), 1 / self.area_km2)], axis=1)

    def _query(self, positions: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the distances (n, k) to the nearest known places, and their numbers."""
        distance, index = self._nearest.query(positions, self._count)
        return distance.reshape(len(positions), -1), index.reshape(len(positions), -1)

    def __call__(self, positions: ArrayLike) -> NDArray[np.float64]:
        """Return the density (n,) per square km at positions (n, 2)."""
        result: NDArray[np.float64] = (
            self._parts(*self._query(sphere.points(positions)), len(self.positions)) @ self.shares
        )
        return result

    def product(
        self, centers: NDArray[np.float64], precision: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the product with Gaussians: centers (n, k, 2), precision (n, k, 2, 2) per squared km, north first.

        The product is given as places (n, k, c, 2), log masses (n, k, c) for Gaussians with peak 1, and spreads
        (n, k, c) in km.
        """
        n, k = centers.shape[:2]
        flat, precise = centers.reshape(-1, 2), precision.reshape(-1, 2, 2)
        distance, index = self._query(flat)
        parts = self._parts(distance, index, len(self.positions))
        covariance = np.linalg.inv(precise)
        own_area = 2 * math.pi * np.sqrt(np.linalg.det(covariance))
        with np.errstate(divide="ignore"):
            even = np.log(parts[:, len(SCALES_KM) :] @ self.shares[len(SCALES_KM) :]) + np.log(own_area)
        places, masses, spreads = [flat[:, None]], [even[:, None]], [_half_mass_km(covariance)[:, None]]
        offset = _offset_km(flat[:, None], self.positions[index])
        for share, scale in zip(self.shares, SCALES_KM, strict=False):
            wide = covariance + scale**2 * np.eye(2)
            solved = np.linalg.solve(wide[:, None], offset[..., None])[..., 0]
            log_peak = math.log(max(share, 1e-300) / len(self.positions)) + np.log(
                own_area / (2 * math.pi * np.sqrt(np.linalg.det(wide)))
            )
            masses.append(log_peak[:, None] - 0.5 * (offset * solved).sum(axis=-1))
            places.append(_moved(flat[:, None], (covariance[:, None] @ solved[..., None])[..., 0]))
            both = np.linalg.inv(precise + np.eye(2) / scale**2)
            spreads.append(np.broadcast_to(_half_mass_km(both)[:, None], index.shape))
        joined = [np.concatenate(values, axis=1) for values in (places, masses, spreads)]
        return joined[0].reshape(n, k, -1, 2), joined[1].reshape(n, k, -1), joined[2].reshape(n, k, -1)


def _half_mass_km(covariance: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the radius that contains half of each Gaussian (..., 2, 2), as if it were round."""
    result: NDArray[np.float64] = np.sqrt(2 * math.log(2) * np.trace(covariance, axis1=-2, axis2=-1) / 2)
    return result


def _offset_km(center: NDArray[np.float64], positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the km north and east (..., 2) from centers to positions near them."""
    degree_km = math.radians(1) * sphere.EARTH_KM
    north = (positions[..., 0] - center[..., 0]) * degree_km
    turn = (positions[..., 1] - center[..., 1] + 180) % 360 - 180
    return np.stack([north, turn * degree_km * np.cos(np.radians(center[..., 0]))], axis=-1)


def _moved(center: NDArray[np.float64], offset_km: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the positions (..., 2) at an offset in km north and east of centers."""
    bearing = np.degrees(np.arctan2(offset_km[..., 1], offset_km[..., 0]))
    return sphere.move(center, bearing, np.hypot(offset_km[..., 0], offset_km[..., 1]))
