"""Hosts in lines of text."""

from __future__ import annotations

import pytest

from whereshot.earth.countries import countries
from whereshot.evidence.text_segments import script_of_word
from whereshot.evidence.web_addresses import addresses, country_of_domain, host_names, host_words
from whereshot.evidence.writing import fold_writing
from whereshot.foundation.package_data import read_toml


def test_addresses_and_mail_are_found_and_lost_spaces_are_not() -> None:
    assert [labels for _, labels in addresses("see www.stockholm.se/felanmalan")] == [["stockholm", "se"]]
    assert [labels for _, labels in addresses("info@example.org")] == [["example", "org"]]
    assert list(addresses("Ende.Der nächste Satz steht hier ohne Leerzeichen")) == []


def test_the_country_of_a_domain() -> None:
    assert country_of_domain(["bbc", "co", "uk"]) == "GB"
    assert country_of_domain(["example", "com"]) is None
    assert country_of_domain(["youtu", "be"]) is None
    assert country_of_domain(["shop", "zz"]) is None


def test_names_without_endings() -> None:
    assert host_names(["www", "comune", "roma", "it"]) == ["comune", "roma"]
    assert host_words("www.stockholm.se and www.hamburg.de") == ["stockholm", "hamburg"]


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("www.казань.рф/новости", "RU"),
        ("корпорация.укр", "UA"),
        ("สมาคม.ไทย", "TH"),
        ("موقع.امارات", "AE"),
        ("حكومة.پاکستان", "PK"),
        ("வலை.இலங்கை", "LK"),
        ("우리은행.한국", "KR"),
        ("დომენი.გე", "GE"),
    ],
)
def test_domains_in_native_writing(text: str, country: str) -> None:
    for written in (text, fold_writing(text)):
        ((_, labels),) = addresses(written)
        assert country_of_domain(labels) == country


@pytest.mark.parametrize("text", ["г.Москва", "ул.рф", "Привет.Как дела", "д.12"])
def test_abbreviations_in_native_writing_are_no_addresses(text: str) -> None:
    assert list(addresses(text)) == []


@pytest.mark.parametrize("ending", read_toml("evidence/data/cues.toml")["domains"]["native"])
def test_every_native_domain_is_in_one_script_and_of_a_country(ending: str) -> None:
    assert fold_writing(ending) == ending, "readers never give this spelling"
    assert script_of_word([char for char in ending if char.isalpha()]) != "Latin"
    assert country_of_domain(["abc", ending]) in countries().by_code
