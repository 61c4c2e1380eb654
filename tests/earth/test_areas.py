"""Names to areas: countries, also by their own names, and regions drawn round their towns."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from whereshot.earth import areas, place_names, sphere
from whereshot.earth.countries import countries
from whereshot.earth.divisions import NamedArea, find_divisions
from whereshot.earth.towns import gazetteer
from whereshot.foundation.errors import InputError

INSIDE = {
    "England": [(51.5, -0.12), (54.97, -1.61), (50.72, -3.53)],
    "Scotland": [(55.95, -3.19), (57.48, -4.22)],
    "Wales": [(51.48, -3.18), (53.14, -4.27)],
    "Northern Ireland": [(54.6, -5.93)],
    "Bavaria": [(48.14, 11.58), (49.79, 9.93), (47.56, 10.7)],
    "Catalonia": [(41.39, 2.17), (41.12, 1.25), (42.27, 2.96)],
    "Punjab, India": [(30.9, 75.86)],
    "Punjab, Pakistan": [(31.55, 74.34)],
    "Hokkaido": [(43.06, 141.35)],
    "Alaska": [(61.22, -149.9)],
}


@pytest.mark.parametrize("name", INSIDE)
def test_a_region_holds_its_towns_and_no_others(name: str) -> None:
    area = areas.read_area(name)
    assert area.geometry.is_valid
    assert area.holds(INSIDE[name]).all()
    others = [spot for other, spots in INSIDE.items() if other != name for spot in spots]
    assert not area.holds(others).any()


def test_regions_are_those_that_points_are_told_to_be_in(rng: np.random.Generator) -> None:
    spots = np.stack([rng.uniform(50.2, 55.6, 400), rng.uniform(-5.0, 1.2, 400)], axis=1)
    spots = spots[countries().by_code["GB"].geometry.area > 0 and areas.read_region("GB").holds(spots)]
    (england,) = find_divisions("England, United Kingdom")
    told = place_names.region_index(spots)[:, 1] == england.division
    drawn = areas.area_of(england).holds(spots)
    assert 100 < told.sum() < len(told)
    assert (told == drawn).mean() > 0.97


@pytest.mark.parametrize(
    ("name", "town", "spot"),
    [
        ("Catalonia", "Altafulla", (41.1429, 1.3755)),
        ("England", "Blackpool", (53.8167, -3.05)),
        ("Hawaii", "Kaanapali", (20.9292, -156.6944)),
        ("Brittany", "Roscoff", (48.7276, -3.9853)),
        ("Maldives", "Thinadhoo", (0.5297, 72.9969)),
        ("Europe", "Santa Marina Salina", (38.5606, 14.8728)),
    ],
)
def test_an_area_holds_its_towns_on_the_coast(name: str, town: str, spot: tuple[float, float]) -> None:
    """Some lie in the sea by the simplified coast; the rule is that of the names of places."""
    area = areas.read_area(name)
    assert area.holds([spot]).all(), town
    assert not area.holds([[-60.0, spot[1]]]).any()


def test_most_towns_of_the_gazetteer_lie_in_the_area_of_their_division() -> None:
    """All towns of coastal divisions: with the polygons alone up to a tenth of them were lost."""
    towns, of_town = gazetteer(), gazetteer().divisions[1]
    for name in ("Catalonia", "Liguria", "Hawaii", "Brittany", "Galicia, Spain", "Split-Dalmatia"):
        (division, *_) = find_divisions(name)
        own = towns.points[of_town == division.division]
        assert len(own) > 20
        assert areas.area_of(division).holds(own).all(), name


def test_polygons_of_a_file_hold_what_is_inside_them_alone() -> None:
    strip = areas.Region("strip", shapely.box(1.0, 41.0, 1.3, 41.2))
    assert strip.holds([[41.1, 1.2], [41.1429, 1.3755]]).tolist() == [True, False]


def test_a_region_over_the_date_line_is_no_belt_round_the_world() -> None:
    eastern, northern = (areas.read_area(f"{name}, Fiji") for name in ("Eastern", "Northern"))
    elsewhere = shapely.box(-177, -90, 177, 90)
    for area in (eastern, northern):
        assert area.geometry.is_valid and area.geometry.area > 0
        assert shapely.intersection(area.geometry, elsewhere).is_empty
        assert -180 <= area.geometry.bounds[0] < -179 and 179 < area.geometry.bounds[2] <= 180  # on both sides of it
    assert shapely.intersection(eastern.geometry, northern.geometry).area < 1e-9
    taveuni_west, taveuni_east, lakeba = [-16.9, 179.95], [-16.85, -179.97], [-18.22, -178.79]
    assert northern.holds([taveuni_west, taveuni_east, lakeba]).tolist() == [True, True, False]
    assert eastern.holds([taveuni_west, taveuni_east, lakeba]).tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("name", "area"),
    [
        ("Deutschland", "Germany"),
        ("España", "Spain"),
        ("Espana", "Spain"),
        ("Ελλάδα", "Greece"),
        ("日本", "Japan"),
        ("Österreich", "Austria"),
        ("Schweiz", "Switzerland"),
        ("Suisse", "Switzerland"),
        ("Česko", "Czechia"),
        ("Россия", "Russia"),
        ("france", "France"),
        ("GB", "United Kingdom"),
        ("bavaria", "Bavaria, Germany"),
        ("Northern Ireland", "Northern Ireland, United Kingdom"),
        ("Bayern", "Bavaria, Germany"),
        ("Catalunya", "Catalonia, Spain"),
        ("Toscana", "Tuscany, Italy"),
        ("TX", "Texas, United States"),
        ("U.S.", "United States"),
        ("U.K.", "United Kingdom"),
        ("Britain", "United Kingdom"),
        ("the Netherlands", "Netherlands"),
        ("UAE", "United Arab Emirates"),
        ("DRC", "Congo - Kinshasa"),
        ("Korea", "South Korea"),
        ("한국", "South Korea"),
        ("Tuvalu", "Tuvalu"),
        ("Réunion", "Réunion"),
        ("EU", "European Union"),
        ("Europe", "Europe"),
        ("South America", "South America"),
        ("Georgia", "Georgia"),  # the country comes first
        ("Georgia, United States", "Georgia, United States"),
    ],
)
def test_names_of_areas(name: str, area: str) -> None:
    assert areas.read_area(name).name == area


@pytest.mark.parametrize("name", ["Xyzzyplugh", "Bavaria, France", "Bavaria, Nowhere"])
def test_an_unknown_area_is_refused(name: str) -> None:
    with pytest.raises(InputError) as error:
        areas.read_area(name)
    told = "give a country, a region of one, or a continent"
    assert str(error.value) == f"no country or region {name!r} and no such file; {told}"


@pytest.mark.parametrize(
    ("name", "near"),
    [("Frannce", "France"), ("Bayren", "Bayern"), ("Califronia", "California"), ("Untied States", "United States")],
)
def test_an_area_spelled_nearly_right_is_suggested(name: str, near: str) -> None:
    with pytest.raises(InputError) as error:
        areas.read_area(name)
    assert str(error.value) == f"no country or region {name!r} and no such file; did you mean {near!r}?"


def test_a_state_holds_its_overseas_regions() -> None:
    saint_denis, paris = [-20.88, 55.45], [48.86, 2.35]
    assert areas.read_area("France").holds([saint_denis, paris]).all()
    assert areas.read_area("Réunion").holds([saint_denis, paris]).tolist() == [True, False]
    assert areas.read_area("EU").holds([saint_denis, paris, [47.4, 8.5]]).tolist() == [True, True, False]


def test_every_region_can_be_drawn() -> None:
    """One region of every country, each with its towns."""
    pairs, of_town = gazetteer().divisions
    some = {code: NamedArea(name, code, number, 0, False, False) for number, (code, name) in enumerate(pairs)}
    assert len(of_town) == len(gazetteer())
    for code in list(some)[::12]:
        area = areas.area_of(some[code])
        grid, area_sr = area.grid(50)
        assert len(grid) and (area_sr > 0).all(), some[code]
        assert area_sr.sum() < 4 * np.pi * 0.05
        assert sphere.points(grid) is not None
