"""Distances between positions, by the formula and the radius of a protocol."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.evaluate.base import Protocol
from whereshot.foundation import errors


def distance_km(a: NDArray[np.float64], b: NDArray[np.float64], protocol: Protocol) -> NDArray[np.float64]:
    """Return the distance (n,) in km between the positions (n, 2) of each row.

    It is the great circle on a sphere of the protocol's radius, or the geodesic on the ellipsoid WGS84 (Karney 2013, by
    pyproj). Raises MissingExtraError where the geodesic needs pyproj and it is not installed.
    """
    if protocol.distance == "geodesic":
        pyproj = errors.require("pyproj", extra="geodesic")
        metres = pyproj.Geod(ellps="WGS84").inv(a[:, 1], a[:, 0], b[:, 1], b[:, 0])[2]
        return np.asarray(metres) / 1000
    km = sphere.distance_km(a, b)
    result: NDArray[np.float64] = (
        km if protocol.radius_km == sphere.EARTH_KM else km * (protocol.radius_km / sphere.EARTH_KM)
    )
    return result
