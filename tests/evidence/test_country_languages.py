"""Which countries a language speaks for, and the shares of languages by country."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from whereshot.evidence.country_languages import (
    country_languages,
    country_log_likelihood,
    leading_languages,
    log_seen,
    share_of_script,
)
from whereshot.evidence.language import identify

DATA = Path(__file__).parents[2] / "src" / "whereshot" / "evidence" / "data"


class TestCountries:
    @staticmethod
    def of(*lines: str) -> dict[str, float]:
        return country_log_likelihood(identify(lines))

    def test_danish(self) -> None:
        found = self.of("Hunde skal føres i snor", "Vis hensyn - legende børn")
        assert max(found, key=found.get) == "DK"
        assert found["DK"] > found["NO"] + 1.5
        assert found["DK"] > found["DE"] + 2.5
        assert found["GL"] > found["DE"]

    def test_catalan(self) -> None:
        found = self.of("Ajuntament de la vila", "Prohibit el pas als vianants")
        assert sorted(found, key=found.get)[-2:] == ["ES", "AD"]
        assert found["ES"] > found["FR"] + 2

    def test_german(self) -> None:
        found = self.of("Betreten der Baustelle verboten", "Eltern haften für ihre Kinder")
        first = sorted(found, key=found.get, reverse=True)[:6]
        assert {"DE", "AT", "CH", "LI"} <= set(first)

    def test_english_is_a_mild_preference(self) -> None:
        found = self.of("Please close the gate", "Opening hours Monday to Friday")
        assert found["GB"] > found["DE"]
        assert max(found.values()) - min(found.values()) < 2.3

    def test_no_country_is_ruled_out(self) -> None:
        found = self.of("Koirat pidettävä kytkettyinä", "Luvaton pysäköinti kielletty")
        assert max(found, key=found.get) == "FI"
        assert min(found.values()) > -6

    def test_traditional_characters(self) -> None:
        found = self.of("請不要在這裡停車", "營業時間")
        assert min(found["TW"], found["HK"]) > found["CN"] + 1

    def test_odd_mappings(self) -> None:
        assert np.allclose(list(country_log_likelihood({}).values()), 0, atol=1e-6)
        assert country_log_likelihood({"xx": 1.0}) == country_log_likelihood({})
        assert country_log_likelihood({"da": 2.0}) == country_log_likelihood({"da": 1.0})


def test_shares_sum_to_one() -> None:
    countries, share, others = country_languages()
    assert len(countries) == len(set(countries)) > 240
    assert np.allclose(share.sum(axis=1) + others, 1, atol=1e-5)
    assert {"DE", "XK", "GL", "FO", "AD", "TW", "AX"} <= set(countries)


@pytest.mark.parametrize(
    ("country", "code", "least", "most"),
    [
        ("ES", "ca", 0.05, 0.2),
        ("ES", "gl", 0.02, 0.1),
        ("ES", "eu", 0.01, 0.1),
        ("GB", "cy", 0.005, 0.05),
        ("NL", "fy", 0.01, 0.1),
        ("IE", "ga", 0.1, 0.4),
        ("FO", "fo", 0.5, 1),
        ("GL", "kl", 0.4, 0.9),
        ("FI", "sv", 0.05, 0.3),
        ("IT", "de", 0.003, 0.05),
        ("DE", "tr", 0, 0.002),
        ("DE", "de", 0.75, 0.9),
        ("DE", "en", 0.1, 0.2),
        ("TW", "zh-Hant", 0.5, 1),
    ],
)
def test_regional_languages(country: str, code: str, least: float, most: float) -> None:
    table = pq.read_table(DATA / "speakers.parquet").to_pylist()
    share = {(row["country_code"], row["language"]): row["share"] for row in table}
    assert least <= share[country, code] <= most


def test_text_that_is_read_is_compared_with_text_that_can_be_read() -> None:
    # most public text of India is in scripts that are not read, so English is nearly all that is read there
    india, chile = (country_log_likelihood({"en": 1.0})[code] for code in ("IN", "CL"))
    assert india > chile + 1
    assert country_log_likelihood({"hi": 1.0})["IN"] > country_log_likelihood({"hi": 1.0})["US"] + 3


def test_text_that_can_be_read_is_seen_in_most_photos_of_most_countries() -> None:
    seen = log_seen()
    assert seen["US"] == pytest.approx(0, abs=1e-3)
    assert math.log(0.3) < seen["TH"] < seen["IN"] < 0


def test_unknown_languages_of_a_country_are_not_in_a_script_that_nobody_writes_there() -> None:
    found = country_log_likelihood({"ka": 1.0})
    foreign = min(found.values())
    assert found["GE"] > foreign + 5
    assert all(found[code] == pytest.approx(foreign, abs=0.05) for code in ("NG", "CF", "CD", "ZA", "PG"))


def test_short_spanish_that_looks_galician_is_not_only_of_spain() -> None:
    likelihood = country_log_likelihood({"gl": 0.95, "es": 0.05})
    assert abs(likelihood["ES"] - likelihood["AR"]) < math.log(3)
    assert min(likelihood["ES"], likelihood["AR"]) > likelihood["DE"] + 2
    leading = leading_languages({"gl": 0.95, "es": 0.05})
    assert leading["ES"] == leading["AR"] == "es", "the reason names the language that speaks for the country"


def test_a_script_has_its_share_of_the_public_text_of_a_country() -> None:
    assert share_of_script("Cyrillic")["RU"] > 0.7
    assert share_of_script("Thai")["RU"] == 0
    assert share_of_script("Gurmukhi")["PK"] == 0, "Punjabi is in Arabic letters there"
