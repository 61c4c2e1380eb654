"""Positions in, distances out, by the formula and the Earth that a protocol names."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.evaluate.base import Protocol
from whereshot.foundation import errors


def distance_km(a: NDArray[np.float64], b: NDArray[np.float64], protocol: Protocol) -> NDArray[np.float64]:
    """Distance (n,) in km between positions (n, 2), each row with its own.

    Great circle on a sphere of the protocol's radius, or the geodesic on the ellipsoid WGS84 (Karney 2013, by pyproj).
    Raises MissingExtraError for the latter where pyproj is not installed.
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
