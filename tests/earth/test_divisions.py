"""Names, abbreviations and codes of first-order divisions and countries, and the towns inside."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.earth import country_names
from whereshot.earth.divisions import NamedArea, division_names, find_areas, find_divisions
from whereshot.earth.name_index import name_keys
from whereshot.earth.towns import gazetteer
from whereshot.foundation import package_data


@pytest.mark.parametrize(
    ("text", "name", "country_code"),
    [
        ("Ontario", "Ontario", "CA"),
        ("ON", "Ontario", "CA"),
        ("(ON)", "Ontario", "CA"),
        ("Ont.", "Ontario", "CA"),
        ("TX", "Texas", "US"),
        ("State of Texas", "Texas", "US"),
        ("Washington State", "Washington", "US"),
        ("Calif.", "California", "US"),
        ("W. Va.", "West Virginia", "US"),
        ("B.C.", "British Columbia", "CA"),
        ("BC", "British Columbia", "CA"),
        ("N.S.W.", "New South Wales", "AU"),
        ("Qld", "Queensland", "AU"),
        ("Bayern", "Bavaria", "DE"),
        ("Bavière", "Bavaria", "DE"),
        ("Бавария", "Bavaria", "DE"),
        ("NRW", "North Rhine-Westphalia", "DE"),
        ("Kärnten", "Carinthia", "AT"),
        ("Catalunya", "Catalonia", "ES"),
        ("cataluna", "Catalonia", "ES"),
        ("Toscana", "Tuscany", "IT"),
        ("Kanton Zürich", "Zürich", "CH"),
        ("Graubünden", "Grisons", "CH"),
        ("CDMX", "Mexico City", "MX"),
        ("北海道", "Hokkaido", "JP"),
        ("東京都", "Tokyo", "JP"),
        ("广东", "Guangdong", "CN"),
        ("广东省", "Guangdong", "CN"),
        ("경기도", "Gyeonggi-do", "KR"),
        ("Costa Rica", "Costa Rica", "CR"),
        ("the Netherlands", "Netherlands", "NL"),
        ("U.K.", "United Kingdom", "GB"),
    ],
)
def test_the_likeliest_area_of_a_name(text: str, name: str, country_code: str) -> None:
    area = find_areas(text)[0]
    assert (area.name, area.country_code) == (name, country_code)


@pytest.mark.parametrize(
    ("text", "country_code", "name"),
    [("ZH", "CH", "Zürich"), ("Kt. ZH", "CH", "Zürich"), ("MI", "US", "Michigan"), ("(MI)", "IT", "Lombardy")],
)
def test_a_country_decides_between_areas_of_one_code(text: str, country_code: str, name: str) -> None:
    (area,) = find_areas(text, country_code)
    assert (area.name, area.is_code) == (name, True)
    assert {area.country_code for area in find_areas(text)} > {country_code}


def test_a_country_comes_before_a_division_and_a_name_before_a_code() -> None:
    assert [(area.country_code, area.division is None) for area in find_areas("Georgia")] == [
        ("GE", True),
        ("US", False),
    ]
    first, second = find_areas("Georgia")
    assert first.country == "Georgia" and second.country == "United States"
    named = [area.is_code for area in find_areas("UK")]
    assert named == sorted(named)
    assert find_areas("UK")[0].country_code == "GB"
    assert [area.is_code for area in find_areas("California")] == [False]


def test_a_part_of_a_division_is_marked() -> None:
    (milan,) = find_areas("Milano")
    assert milan.is_part and milan.name == "Lombardy"
    assert not find_divisions("Milano")
    assert not find_areas("Toscana")[0].is_part


def test_what_is_no_area_gives_none() -> None:
    for text in ("", "Xyzzyplugh", "()", "of", "Altafulla"):
        assert find_areas(text) == ()
    assert find_areas("Ontario", "US") == ()
    assert find_areas("Ontario", "??") == ()


def test_towns_of_an_area() -> None:
    towns = gazetteer()
    ontario, canada = find_areas("Ontario")[0], find_areas("Canada")[0]
    london = towns.named("London")
    (inside,) = london[ontario.holds(london)]
    assert (towns.country_codes[inside], towns.regions[inside]) == ("CA", "Ontario")
    own = ontario.towns()
    assert ontario.holds(own).all() and canada.holds(own).all()
    assert (np.diff(towns.populations[own]) <= 0).all()
    assert set(own.tolist()) < set(canada.towns().tolist())
    assert ontario.people == towns.populations[own].sum()
    assert ontario.people < canada.people
    assert len(NamedArea("Nowhere", "??", None, 0, False, False).towns()) == 0


def test_divisions_in_a_country() -> None:
    assert [area.country_code for area in find_divisions("Punjab")] == ["PK", "IN"]
    assert [area.country_code for area in find_divisions("Punjab, India")] == ["IN"]
    assert [area.country_code for area in find_divisions("Georgia, U.S.")] == ["US"]
    assert find_divisions("Bavaria, France") == find_divisions("Bavaria, Nowhere") == ()


def test_every_division_is_found_by_each_of_its_names_and_its_code() -> None:
    for row in package_data.read_table("earth/data/regions.parquet").to_pylist():
        code, region = row["country_code"], row["region"]
        letters = [row["region_code"]] if row["region_code"].isalpha() else []
        for text in (region, *row["names"], *letters):
            assert region in {area.name for area in find_areas(text, code)}, (code, text)
    assert {"Bayern", "Ontario"} <= set(division_names())


def test_every_usual_name_of_a_region_belongs_to_a_division_and_is_needed() -> None:
    rows = package_data.read_table("earth/data/regions.parquet").to_pylist()
    known = {f"{row['country_code']}-{row['region_code']}": row for row in rows if row["region_code"]}
    for code, names in country_names.usual_names()["regions"].items():
        row = known[code]
        for name in names:
            assert row["region"] in {area.name for area in find_areas(name, row["country_code"])}, (code, name)
        keys = name_keys([*names, row["region"], *row["names"], row["region_code"]])
        assert len(set(keys)) == len(keys), (code, [key for key in keys if keys.count(key) > 1])
