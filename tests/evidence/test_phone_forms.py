"""Telephone numbers without a country code: the countries that write them so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whereshot.evidence.base import Line
from whereshot.evidence.country_languages import photos_of_country
from whereshot.evidence.phone_forms import (
    ELSEWHERE,
    calling_codes,
    countries_of,
    phone_cues,
    phone_forms,
)

BOX = (0, 0, 100, 20)


def likeliest(number: str) -> list[str]:
    """Return the countries of a number by their probability, where each photo is as likely to show one."""
    found = countries_of(number)
    return sorted(found, key=lambda code: -found[code] * photos_of_country().get(code, 0.0))


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("020 7946 0958", "GB"),
        ("06 72 34 16 78", "FR"),
        ("(212) 736-5000", "US"),
        ("1-800-774-2678", "US"),
        ("070-123 45 67", "SE"),
        ("06-12345678", "NL"),
        ("(11) 91234-5678", "BR"),
        ("0300-1234567", "PK"),
        ("0812-3456-7890", "ID"),
        ("0754 123456", "KE"),
    ],
)
def test_a_number_is_of_a_country_that_writes_it_so(number: str, country: str) -> None:
    assert likeliest(number)[0] == country


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("0722 123 456", "KE"),
        ("0754 123456", "TZ"),
        ("02-123-4567", "TH"),
        ("044 2345 6789", "IN"),
        ("0712 345 678", "TZ"),
        ("021 123 4567", "ZA"),
        ("(02) 9876 5432", "AU"),
    ],
)
def test_every_country_with_such_codes_is_possible(number: str, country: str) -> None:
    assert countries_of(number)[country] > ELSEWHERE


@pytest.mark.parametrize(("number", "country"), [("0722 123456", "KE"), ("0760-123456", "KE"), ("0812-345678", "ID")])
def test_a_country_of_few_photos_is_likelier_in_the_form_that_it_writes(number: str, country: str) -> None:
    order = likeliest(number)
    assert order.index(country) < order.index("SE")


@pytest.mark.parametrize("number", ["1 2", "99999 99999 99999", "(0) 0"])
def test_other_digits_are_of_no_country(number: str) -> None:
    assert countries_of(number) == {}


@pytest.mark.parametrize(
    "text",
    [
        "12.05.2020 - 14.06.2020",
        "Open 10 00 - 18 00",
        "ISBN 3-16-148410-0",
        "1250 000",
        "Room 12 14 16",
        "2019 2020 2021",
        "NIT 0300 123 4567",
        "Serial 0722 123 456",
        "05 12 18 23 31 44",
    ],
)
def test_dates_times_and_other_numbers_give_no_cue(text: str) -> None:
    assert phone_cues([Line(text, 0.9, BOX)]) == []


def test_a_cue_names_the_likeliest_countries() -> None:
    (cue,) = phone_cues([Line("Tel: 0812-3456-7890", 0.9, BOX)])
    assert cue.what == "0812-3456-7890"
    assert cue.means == "a telephone number as in Indonesia, Germany"
    assert cue.trust == "text/phone/form"
    assert cue.box == BOX
    assert cue.countries is not None
    assert cue.countries["US"] == ELSEWHERE < cue.countries["ID"]


def test_a_number_of_many_countries_names_a_few_and_counts_the_others() -> None:
    (cue,) = phone_cues([Line("0722 123 456", 0.9, BOX)])
    names = cue.means.removeprefix("a telephone number as in ")
    assert names.count(",") == 2
    assert int(names.split()[-2]) > 5


def test_a_number_that_is_repeated_counts_once() -> None:
    line = Line("Tel: 044 2345 6789", 0.9, BOX)
    assert len(phone_cues([line, line])) == 1


def test_every_calling_code_has_its_countries() -> None:
    codes = calling_codes()
    assert len(codes) > 200
    assert "KE" in codes["254"]
    assert {"US", "CA", "JM"} <= codes["1"].keys()


def test_most_countries_have_a_form() -> None:
    assert len({form.country_code for forms in phone_forms().values() for form in forms}) > 200


@given(st.text(alphabet="0123456789 ()-./Tel", max_size=40))
def test_any_digits_can_be_searched(text: str) -> None:
    for cue in phone_cues([Line(text, 0.9, BOX)]):
        assert cue.what in text
