"""Patterns in lines: what is a web address, a telephone number, a price, and what only looks like one."""

from __future__ import annotations

import pytest

from conftest import line
from whereshot import places
from whereshot.evidence.cues import host_words, pattern_cues, patterns


def test_every_pattern_names_real_countries() -> None:
    known = set(places.countries().by_code) | {"GI", "GP", "MQ", "RE", "BS", "BB"}
    for pattern in patterns():
        assert pattern.countries and set(pattern.countries) <= known, pattern.means


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("www.southwark.gov.uk/dogs", "GB"),
        ("info@gemeente.example visit www.amersfoort.nl", "NL"),
        ("Tel +45 33 12 34 56", "DK"),
        ("0049 30 901820", "DE"),
        ("Fine £1000", "GB"),
        ("SE1 7PB", "GB"),
        ("1012 JS", "NL"),
        ("San Francisco, CA 94110", "US"),
        ("Sp. z o.o.", "PL"),
        ("Bäckerei GmbH", "DE"),
        ("Ajuntament", "ES"),
        ("25 Kč", "CZ"),
        ("駐車場です", "JP"),
    ],
)
def test_patterns_mean_the_country(text: str, country: str) -> None:
    cues = pattern_cues([line(text)])
    assert any(max(cue.countries, key=lambda code: cue.countries[code]) == country for cue in cues), cues


@pytest.mark.parametrize("text", ["www.example.com", "youtu.be.com", "twitch.tv", "3.14", "e.g. this", "12.05.2024"])
def test_worldwide_addresses_and_numbers_mean_no_country(text: str) -> None:
    assert [cue for cue in pattern_cues([line(text)]) if cue.kind == "text/domain"] == []


def test_addresses_name_places() -> None:
    assert host_words("see www.stockholm.se/felanmalan") == ["stockholm"]
