"""Telephone numbers without a country code: the countries that write them so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whereshot.evidence.base import Line
from whereshot.evidence.phone_forms import MOST_COUNTRIES, calling_codes, countries_of, phone_cues, phone_forms

BOX = (0, 0, 100, 20)


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("044 2345 6789", "IN"),
        ("(02) 9876 5432", "AU"),
        ("(11) 91234-5678", "BR"),
        ("(604) 555-1234", "CA"),
        ("021 123 4567", "ZA"),
        ("0712 345 678", "TZ"),
    ],
)
def test_a_number_is_of_a_country_that_writes_it_so(number: str, country: str) -> None:
    found = countries_of(number)
    assert found[country] == max(found.values())
    assert len(found) <= MOST_COUNTRIES


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
    ],
)
def test_dates_times_and_other_numbers_give_no_cue(text: str) -> None:
    assert phone_cues([Line(text, 0.9, BOX)]) == []


def test_a_cue_names_the_countries() -> None:
    (cue,) = phone_cues([Line("Tel: 044 2345 6789", 0.9, BOX)])
    assert cue.what == "044 2345 6789"
    assert cue.means == "a telephone number as in India, Iran, Italy and 1 more"
    assert cue.trust == "text/phone/form"
    assert cue.box == BOX
    assert cue.countries is not None
    assert cue.countries["IN"] == 1
    assert 0 < cue.countries["US"] < 0.05


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
