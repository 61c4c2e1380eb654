"""Names of countries in many languages, abbreviations, codes and former names."""

from __future__ import annotations

import doctest

import pytest

from whereshot.earth import country_names
from whereshot.earth.country_names import find_codes, is_code
from whereshot.earth.name_index import name_keys
from whereshot.foundation import package_data


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("U.S.", "US"),
        ("usa", "US"),
        ("America", "US"),
        ("the States", "US"),
        ("Estados Unidos", "US"),
        ("EE.UU.", "US"),
        ("U.K.", "GB"),
        ("Britain", "GB"),
        ("Großbritannien", "GB"),
        ("UAE", "AE"),
        ("DRC", "CD"),
        ("DR Congo", "CD"),
        ("Zaire", "CD"),
        ("Korea", "KR"),
        ("한국", "KR"),
        ("北韓", "KP"),
        ("the Netherlands", "NL"),
        ("Pays-Bas", "NL"),
        ("Holland", "NL"),
        ("Frankreich", "FR"),
        ("Франция", "FR"),
        ("フランス", "FR"),
        ("فرنسا", "FR"),
        ("Burma", "MM"),
        ("Swaziland", "SZ"),
        ("Czech Republic", "CZ"),
        ("Côte d’Ivoire", "CI"),
        ("Ivory Coast", "CI"),
        ("Elfenbeinküste", "CI"),
        ("Bolivia, Plurinational State of", "BO"),
        ("Republic of Ireland", "IE"),
        ("Macau", "MO"),
        ("Hong Kong", "HK"),
        ("Réunion", "RE"),
        ("La Réunion", "RE"),
        ("Gibraltar", "GI"),
        ("Tuvalu", "TV"),
        ("French Guiana", "GF"),
        ("Kosovo", "XK"),
        ("Persia", "IR"),
        ("Ceylon", "LK"),
        ("Rhodesia", "ZW"),
        ("Upper Volta", "BF"),
        ("Taiwan", "TW"),
        ("Palestine", "PS"),
        ("Vatican", "VA"),
        ("the Vatican", "VA"),
        ("GEO", "GE"),
    ],
)
def test_usual_names(name: str, code: str) -> None:
    assert find_codes(name) == (code,)


def test_a_name_of_two_countries_has_both() -> None:
    assert set(find_codes("Congo")) == {"CD", "CG"}
    assert set(find_codes("Конго")) == {"CD", "CG"}


def test_names_of_the_country_come_before_foreign_ones() -> None:
    assert find_codes("China") == ("CN",)
    assert find_codes("RU") == ("RU",)  # Catalan writes the United Kingdom so
    assert find_codes("Dominica")[0] == "DM"  # Romanian calls other islands so


def test_what_is_no_country_has_no_code() -> None:
    for name in ("", " ", "the", "?", "Atlantis", "Bavaria"):
        assert find_codes(name) == ()


def test_every_name_of_every_country_finds_it() -> None:
    rows = package_data.read_table("earth/data/country_names.parquet").to_pylist()
    assert len(rows) == 250
    for row in rows:
        code = row["country_code"]
        assert find_codes(code)[0] == find_codes(row["country_code3"])[0] == find_codes(row["name"])[0] == code
        assert is_code(code) and is_code(row["country_code3"].lower())
        for name in (*row["names"], *row["foreign_names"]):
            assert code in find_codes(name) or is_code(name), (code, name)  # Vietnamese Nga is Russia, NGA Nigeria


def test_every_country_has_names_in_many_languages() -> None:
    for row in package_data.read_table("earth/data/country_names.parquet").to_pylist():
        assert len(row["names"]) + len(row["foreign_names"]) >= 12, row["name"]


def test_every_usual_name_finds_its_country_and_is_needed() -> None:
    rows = {row["country_code"]: row for row in package_data.read_table("earth/data/country_names.parquet").to_pylist()}
    for code, names in country_names.usual_names()["countries"].items():
        for name in names:
            assert find_codes(name)[0] == code, name
            assert find_codes(f"the {name}")[0] == code, name
        known = set(name_keys([code, rows[code]["country_code3"], *rows[code]["names"]]))
        assert not known & set(name_keys(names)), (code, known & set(name_keys(names)))


def test_the_examples_in_the_docstrings() -> None:
    assert doctest.testmod(country_names).failed == 0
