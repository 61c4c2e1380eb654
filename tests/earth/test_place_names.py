"""Names of points: what is made of the gazetteer and the borders."""

from __future__ import annotations

import time

import numpy as np
import pytest

from whereshot.earth.place_names import PlaceName, place_names, region_index, town_radius_km
from whereshot.earth.towns import gazetteer
from whereshot.foundation.errors import InputError
from whereshot.posterior.prior import density_prior

NOWHERE = PlaceName(None, None, None, None)


@pytest.mark.parametrize(
    ("latitude", "longitude", "name", "region", "country_code"),
    [
        (41.132, 1.377, "Altafulla", "Catalonia", "ES"),
        (41.389, 2.162, "Barcelona", "Catalonia", "ES"),  # its quarter Eixample is nearer
        (41.403, 2.156, "Barcelona", "Catalonia", "ES"),  # Gràcia is
        (41.360, 2.100, "L'Hospitalet de Llobregat", "Catalonia", "ES"),
        (40.758, -73.9855, "New York City", "New York", "US"),
        (40.720, -74.050, "Jersey City", "New Jersey", "US"),  # over the river from a far larger city
        (40.735, -74.172, "Newark", "New Jersey", "US"),
        (48.861, 2.336, "Paris", "Île-de-France", "FR"),
        (48.804, 2.120, "Versailles", "Île-de-France", "FR"),
        (38.890, -77.030, "Washington", "District of Columbia", "US"),
        (35.440, 139.640, "Yokohama", "Kanagawa", "JP"),
        (22.280, 114.160, "Hong Kong", "Central and Western", "HK"),
        (-25.340, 131.030, "Yulara", "Northern Territory", "AU"),
        (78.220, 15.650, "Longyearbyen", "Svalbard", "SJ"),
        (-20.900, 55.450, "Saint-Denis", "Reunion", "RE"),
        (4.930, -52.330, "Cayenne", "Guyane", "GF"),
    ],
)
def test_names_of_points(latitude: float, longitude: float, name: str, region: str, country_code: str) -> None:
    place = place_names([[latitude, longitude]])[0]
    assert (place.name, place.region, place.country_code) == (name, region, country_code)


def test_names_of_many_points_are_those_of_each() -> None:
    points = [[41.132, 1.377], [30.0, -40.0], [48.861, 2.336], [-24.0, 130.0]]
    assert place_names(points) == [place_names([point])[0] for point in points]
    assert place_names(points)[0].country == "Spain"
    assert place_names(np.empty((0, 2))) == []


def test_a_point_at_sea_has_no_names() -> None:
    assert place_names([[30.0, -40.0], [-48.9, -123.4]]) == [NOWHERE, NOWHERE]


def test_far_from_towns_the_country_is_left() -> None:
    assert place_names([[-24.0, 130.0]]) == [PlaceName(None, None, "Australia", "AU")]
    pole = place_names([[-90.0, 0.0]])[0]
    assert (pole.name, pole.region, pole.country_code) == (None, None, "AQ")


def test_between_the_limits_the_region_is_left() -> None:
    place = place_names([[27.99, 86.93]])[0]  # Mount Everest: Tingri lies some 60 km away
    assert place.name is None
    assert place.region is not None


def test_the_date_line() -> None:
    places = place_names([[-16.8, 179.99], [-16.8, -179.99], [-16.8, 180.0], [-16.8, -180.0]])
    assert {place.country_code for place in places} == {"FJ"}
    assert len(set(places)) == 1


def test_a_town_over_the_border_names_nothing() -> None:
    """The town that names a point is of the same country."""
    towns = gazetteer()
    points = towns.points[towns.in_country("LI")] + [0.03, -0.06]  # over the Rhine
    places = place_names(points)
    index = region_index(points)
    assert {place.country_code for place in places} >= {"CH"}
    for place, (_, division) in zip(places, index, strict=True):
        assert division >= 0
        own = towns.named(place.name)
        assert place.country_code in towns.country_codes[own]


def test_a_village_is_not_named_after_the_city_beside_it() -> None:
    towns = gazetteer()
    ribes = towns.points[towns.named("Sant Pere de Ribes")[0]]
    assert place_names([ribes])[0].name == "Sant Pere de Ribes"


def test_most_towns_are_called_by_their_name() -> None:
    """At its own centre a town is named, or one that swallows it: more often for villages than for towns."""
    towns = gazetteer()
    rng = np.random.default_rng(2)
    large = rng.choice(np.flatnonzero(towns.populations > 100_000), 300, replace=False)
    small = rng.choice(np.flatnonzero(towns.populations < 5_000), 300, replace=False)
    for rows, share in ((large, 0.7), (small, 0.8)):
        called = [place.name for place in place_names(towns.points[rows])]
        assert np.mean([a == b for a, b in zip(called, towns.names[rows], strict=True)]) > share


def test_radii_of_towns() -> None:
    radius = town_radius_km([0, 1000, 50_000, 1_000_000])
    assert radius == pytest.approx([0, 0.5, 1.97, 5.61], abs=0.01)


def test_impossible_positions_are_refused() -> None:
    with pytest.raises(InputError, match="latitude"):
        place_names([[95.0, 0.0]])


def test_naming_is_fast() -> None:
    points = density_prior().places[:1000]
    place_names(points)
    start = time.process_time()
    place_names(points)
    assert time.process_time() - start < 2  # about 0.1 s alone
