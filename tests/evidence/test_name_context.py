"""What the words around a name say."""

from __future__ import annotations

import pytest

from whereshot.earth.countries import countries
from whereshot.evidence import name_context


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Ajuntament d'", ""),
        ("Ville de ", ""),
        ("Comune di ", ""),
        ("Stadt ", ""),
        ("City of ", ""),
        ("Welcome to ", ""),
        ("Herzlich willkommen in ", ""),
        ("Bienvenue à ", ""),
        ("Bem-vindo a ", ""),
        ("Välkommen till ", ""),
        ("Witamy w ", ""),
        ("GARE DE ", ""),
        ("", " Kommune"),
        ("", " City Council"),
        ("", " Hbf"),
        ("", " 12 km"),
        ("", " Belediyesi"),
    ],
)
def test_a_town_is_announced(before: str, after: str) -> None:
    assert name_context.is_town_by_context(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [("Salat mit ", ""), ("Frische ", ""), ("", " sandwich"), ("", ""), ("Hamstadt ", ""), ("", " stadtluft")],
)
def test_other_words_announce_no_town(before: str, after: str) -> None:
    assert not name_context.is_town_by_context(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [("Hotel ", ""), ("rue de ", ""), ("", "er Straße"), ("", " SANDWICH"), ("", " Hats"), ("Dr. ", ""), ("", " FC")],
)
def test_streets_dishes_goods_and_titles_have_namesakes(before: str, after: str) -> None:
    assert name_context.is_other_by_context(before, after)


@pytest.mark.parametrize(
    "text",
    [
        "In loving memory of Charlotte",
        "Charlotte Smith 1890 – 1952",
        "Just married",
        "* 3.4.1920 † 1.2.1999",
        "Dr. Paris",
    ],
)
def test_lines_of_people(text: str) -> None:
    assert name_context.is_of_people(text)
    assert not name_context.is_of_people("Hamburg 24 km")


@pytest.mark.parametrize(
    ("before", "code", "digits"),
    [
        ("21073 ", "DE", "21073"),
        ("D-21073 ", "DE", "21073"),
        ("1010 ", "AT", "1010"),
        ("114 55 ", "SE", "114 55"),
        ("00-950 ", "PL", "00-950"),
        ("1250-096 ", "PT", "1250-096"),
        ("1012 AB ", "NL", "1012 AB"),
        ("01310-100 ", "BR", "01310-100"),
        ("190000 ", "RU", "190000"),
    ],
)
def test_postcodes_before_a_town(before: str, code: str, digits: str) -> None:
    postcode = name_context.postcode_before(before)
    assert postcode is not None
    assert code in postcode.country_codes
    assert postcode.digits == digits


def test_every_form_of_a_postcode_has_countries_that_exist() -> None:
    table = name_context._table()["postcodes"]
    assert table.keys() == name_context._POSTCODE_FORMS.keys()
    assert {code for codes in table.values() for code in codes.split()} <= set(countries().by_code)


@pytest.mark.parametrize("before", ["Est. 1998 ", "4 ", "1.500 ", "2023 ", "12345", ""])
def test_other_numbers_are_no_postcodes(before: str) -> None:
    assert name_context.postcode_before(before) is None
