"""Coarse answers: no part of an answer is more exact than its grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from http_client import ask
from serving_process import Server
from whereshot.earth import s2, sphere
from whereshot.locate.prediction import Evidence
from whereshot.posterior.base import Posterior
from whereshot.posterior.prior import density_prior
from whereshot.server import coarsen


def test_a_coarse_answer_tells_no_more_than_its_grid(server: Server, jpeg_with_position: Any, tmp_path: Path) -> None:
    near = [
        jpeg_with_position(tmp_path / f"{number}.jpg", 48.85 + number / 500, 2.35).read_bytes() for number in range(3)
    ]
    told = [
        ask(server, photo, use_exif="true", recorded="true", coarse_km="100").json()["predictions"][0] for photo in near
    ]
    assert len({(one["latitude"], one["longitude"]) for one in told}) == 1
    assert all(one["recorded"] is None for one in told)
    assert all(item["kind"] != "exif" for one in told for item in one["evidence"])
    spots = {(c["latitude"], c["longitude"]) for one in told for c in one["candidates"]}
    assert all(round(value, 2) == value for spot in spots for value in spot)
    smallest = min(len(cell["properties"]["cell"]) for cell in told[0]["map"]["features"])
    longest = max(len(cell["properties"]["cell"]) for cell in told[0]["map"]["features"])
    assert smallest and longest <= 4, "an S2 cell of 100 km has a token of at most four letters"
    assert told[0]["radius_km"] > 50
    albums = [
        ask(server, near[0], probe, use_exif="true", coarse_km="100", map="false").json()["album"] for probe in near[1:]
    ]
    assert albums[0] == albums[1], (
        "nor does a second photo, placed here or there, tell where in the cell the first lies"
    )


@settings(max_examples=30, deadline=None)
@given(st.floats(1, 1000), st.floats(-80, 80), st.floats(-180, 180))
def test_all_photos_of_a_cell_get_one_position(km: float, latitude: float, longitude: float) -> None:
    level = coarsen.grid_level(km)
    cell = s2.encode([[latitude, longitude]], level)
    inside = np.concatenate([s2.center(cell), s2.center(s2.children(s2.children(cell)[0])[:, 1])])
    told = [coarsen.coarsened(Posterior.from_mass([spot], [[1.0]], [0.1]), km) for spot in inside]
    assert np.array_equal(told[0].places, told[1].places) and np.array_equal(told[0].spread_km, told[1].spread_km)
    assert s2.area_sr(cell)[0] * sphere.EARTH_KM**2 > (0.6 * km) ** 2


def test_a_coarse_posterior_has_the_same_countries() -> None:
    prior = density_prior()
    rough = coarsen.coarsened(prior, 50)
    assert len(rough.places) < len(prior.places) / 2
    for spot, km in (((48.85, 2.35), 500), ((-12.05, -77.04), 1000)):
        assert rough.mass_within([spot], km)[0] == pytest.approx(prior.mass_within([spot], km)[0], abs=0.01)


def test_evidence_that_names_a_place_is_not_told() -> None:
    kinds = ("text/language", "text/place", "exif", "text/phone")
    evidence = tuple(Evidence(kind, "what", "means") for kind in kinds)
    assert [item.kind for item in coarsen.without_places(evidence)] == ["text/language", "text/phone"]
