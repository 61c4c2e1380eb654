"""Names on the map of a page: large towns and countries everywhere, and the towns around the answers."""

from __future__ import annotations

import numpy as np

from whereshot.earth import sphere
from whereshot.earth.countries import countries
from whereshot.report import map_names

ALTAFULLA = (41.1429, 1.3727)


def test_an_answer_has_towns_around_it_and_the_world_its_largest() -> None:
    found = map_names.map_names(np.array([ALTAFULLA]))
    names = [name for _, _, name, _ in found["towns"]]
    people = [count for *_, count in found["towns"]]
    assert {"Tarragona", "Reus", "Tokyo", "Lagos"} <= {*names} and people == sorted(people, reverse=True)
    spots = np.array([name[:2] for name in found["towns"]])
    away = sphere.distance_km(np.array(ALTAFULLA), spots)
    assert (away <= 25).sum() >= 10 and len(names) < map_names.WORLD_TOWNS + 60


def test_many_answers_do_not_name_more_towns_than_a_page_can_hold() -> None:
    points = np.column_stack([np.linspace(36, 60, 900), np.linspace(-8, 40, 900)])
    assert len(map_names.map_names(points)["towns"]) <= map_names.MOST_TOWNS


def test_towns_across_the_date_line_are_near() -> None:
    fiji = map_names.map_names(np.array([[-16.8, -179.95]]))["towns"]
    assert any(longitude > 0 and -18 < latitude < -15 for latitude, longitude, *_ in fiji if longitude > 178)


def test_a_country_is_named_inside_its_largest_part() -> None:
    found = map_names.map_names(np.empty((0, 2)))
    named = {name: (latitude, longitude) for latitude, longitude, name, _ in found["countries"]}
    assert len(named) == len(countries().all)
    inside = countries().index_of(np.array([named["France"], named["Chile"]]))
    assert countries().codes[inside].tolist() == ["FR", "CL"]
