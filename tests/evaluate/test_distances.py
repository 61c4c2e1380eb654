"""Distances on other spheres and on the ellipsoid, with geopy as a peer."""

from __future__ import annotations

import numpy as np
import pytest
from geopy.distance import geodesic, great_circle

from scored_answers import HALF_KM, ONE, answers
from whereshot.evaluate import (
    Protocol,
    make_report,
    score,
)


@pytest.mark.parametrize("radius_km", [6371.0, 6372.795, 6378.137])
def test_distances_of_other_spheres(rng: np.random.Generator, radius_km: float) -> None:
    given_, truth = answers(rng, 200)
    row = score(given_, truth, Protocol(radius_km=radius_km, draws=1), metrics=ONE)
    pairs = list(zip(given_.points.tolist(), truth.tolist(), strict=True))
    theirs = [great_circle(a, b, radius=radius_km).km for a, b in pairs]
    assert row.scored is not None
    np.testing.assert_allclose(row.scored.error_km, theirs, rtol=1e-9)
    assert make_report([row]).protocol["radius_km"] == radius_km


def test_geodesic_distances(rng: np.random.Generator) -> None:
    given_, truth = answers(rng, 200, failed=[3])
    row = score(given_, truth, Protocol(distance="geodesic", draws=1), metrics=ONE)
    assert row.scored is not None
    theirs = [HALF_KM if row == 3 else geodesic(given_.points[row], truth[row]).km for row in range(200)]
    np.testing.assert_allclose(row.scored.error_km, theirs, rtol=1e-9)
    told = make_report([row]).protocol
    assert (told["distance"], told["radius_km"]) == ("geodesic on the ellipsoid WGS84", None)
