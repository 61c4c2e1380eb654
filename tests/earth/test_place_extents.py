"""How far towns and regions reach."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.earth.place_extents import AROUND_TOWN_KM, LEAST_REGION_KM, region_radius_km, town_extent
from whereshot.earth.place_names import divisions, place_names, region_index, town_index, town_radius_km
from whereshot.earth.towns import gazetteer


def number_of(code: str, region: str) -> int:
    return divisions()[0][(code, region)]


def test_a_town_reaches_five_kilometres_beyond_its_radius() -> None:
    towns = gazetteer()
    paris = next(int(town) for town in towns.named("Paris") if towns.country_codes[town] == "FR")
    extent = town_extent(paris)
    assert (extent.latitude, extent.longitude) == pytest.approx((48.853, 2.349), abs=0.02)
    assert extent.radius_km == pytest.approx(float(town_radius_km(towns.populations[paris])) + AROUND_TOWN_KM)


@pytest.mark.parametrize(
    ("code", "region", "least", "most"),
    [("US", "Texas", 350, 800), ("DE", "Bavaria", 100, 250), ("FR", "Île-de-France", 30, 90), ("CH", "Geneva", 10, 20)],
)
def test_a_region_has_the_radius_of_its_towns(code: str, region: str, least: float, most: float) -> None:
    assert least <= region_radius_km()[number_of(code, region)] <= most


def test_every_region_has_a_radius() -> None:
    radius = region_radius_km()
    assert len(radius) == len(divisions()[0]) and np.isfinite(radius).all() and radius.min() == LEAST_REGION_KM


def test_the_town_of_a_position_is_the_town_of_its_name() -> None:
    points = np.array([[48.86, 2.33], [41.38, 2.17], [0.0, -30.0], [52.52, 13.4]])
    towns = town_index(points)
    names = [gazetteer().name(town) if town >= 0 else None for town in towns]
    assert names == [name.name for name in place_names(points)] == ["Paris", "Barcelona", None, "Berlin"]
    assert towns[2] == -1 and region_index(points)[0, 1] == number_of("FR", "Île-de-France")
