"""Well-known regions of several countries or divisions: every entry of the table, and what the areas hold."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.earth import areas, place_names, wide_regions
from whereshot.earth.countries import countries
from whereshot.earth.wide_regions import find_wide_region

HELD = {
    "Siberia": ([(55.03, 82.92), (62.03, 129.73)], [(55.75, 37.62), (43.12, 131.9)]),
    "Asia": ([(35.69, 139.69), (55.03, 82.92), (29.5, 34.0)], [(48.86, 2.35), (30.04, 31.24)]),
    "Europe": ([(48.86, 2.35), (41.01, 28.98), (55.75, 37.62)], [(39.93, 32.86), (36.8, 10.18)]),
    "Patagonia": ([(-41.13, -71.31), (-53.16, -70.91)], [(-34.6, -58.38)]),
    "Borneo": ([(4.94, 114.95), (1.55, 110.35), (-0.5, 117.15)], [(3.14, 101.69), (-6.2, 106.8)]),
    "Java": ([(-6.2, 106.82), (-7.25, 112.75)], [(-8.65, 115.22)]),
    "Yorkshire": ([(53.96, -1.08), (54.28, -0.4)], [(53.48, -2.24), (51.5, -0.1)]),
    "Cornwall": ([(50.26, -5.05), (50.12, -5.54)], [(50.37, -4.14), (50.72, -3.53)]),
    "Golan Heights": ([(32.99, 35.69)], [(33.5, 36.3), (32.79, 35.53)]),
    "Northern Cyprus": ([(35.34, 33.32), (35.12, 33.94)], [(34.68, 33.04), (35.04, 33.98), (35.15, 33.35)]),
    "Transnistria": ([(46.84, 29.63), (47.76, 29.0)], [(47.01, 28.86)]),
    "South Ossetia": ([(42.23, 43.97)], [(41.72, 44.79), (41.98, 44.11)]),
    "Nagorno-Karabakh": ([(39.82, 46.75)], [(40.41, 49.87)]),
    "Donbas": ([(48.0, 37.8), (48.57, 39.31)], [(49.99, 36.23), (47.24, 39.71)]),
    "Iraqi Kurdistan": ([(36.19, 44.01)], [(33.31, 44.37)]),
    "East Germany": ([(51.05, 13.74)], [(48.14, 11.58)]),
    "Soviet Union": ([(50.45, 30.52), (41.3, 69.24)], [(52.23, 21.01)]),
    "Honshu": ([(35.68, 139.69), (34.39, 132.45), (33.96, 130.94)], [(33.59, 130.4), (34.34, 134.05)]),
    "South Vietnam": ([(10.82, 106.63)], [(21.03, 105.85)]),
    "European Union": ([(48.86, 2.35), (-20.88, 55.45)], [(51.5, -0.1)]),
}


@pytest.mark.parametrize("name", HELD)
def test_a_region_holds_what_lies_in_it_alone(name: str) -> None:
    inside, outside = HELD[name]
    area = areas.named_area(name)
    assert area.name == name
    assert area.holds(inside).all()
    assert not area.holds(outside).any()


def test_every_region_of_the_table_can_be_drawn() -> None:
    names, numbers = [], place_names.divisions()[0]
    for name in wide_regions.wide_region_names():
        found = find_wide_region(name)
        assert found is not None, name
        if found.name in names:
            continue
        names.append(found.name)
        assert set(found.divisions) <= set(numbers), name
        assert set(found.codes) <= set(countries().number_of), name
        assert found.kind in ("", wide_regions.FORMER, wide_regions.DISPUTED), name
        if found.outline:
            assert (np.abs(found.outline) <= [90, 180]).all(), name
            area = areas.area_of_wide_region(found)
            assert area.geometry.is_valid and area.geometry.area > 0, name
    assert len(names) > 150


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("the Middle East", "Middle East"),
        ("middle-east", "Middle East"),
        ("U.S.S.R.", "Soviet Union"),
        ("DDR", "East Germany"),
        ("EU", "European Union"),
        ("Normandy, France", "Normandy"),
        ("Normandy, Missouri", None),
        ("Cornwall, Ontario", None),
        ("Kent, Washington", None),
        ("Paris", None),
        ("", None),
    ],
)
def test_names(text: str, name: str | None) -> None:
    found = find_wide_region(text)
    assert (found and found.name) == name
