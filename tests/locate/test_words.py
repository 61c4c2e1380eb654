"""Numbers in plain words: they are rounded, and nothing is called certain or impossible."""

from __future__ import annotations

import math

import pytest

from whereshot.locate.words import circle_words, country_name, distance_words, percent, times


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "under 1 %"),
        (0.0099, "under 1 %"),
        (0.01, "1 %"),
        (0.9949, "99 %"),
        (0.995, "over 99 %"),
        (1, "over 99 %"),
    ],
)
def test_no_probability_is_zero_or_all(share: float, words: str) -> None:
    assert percent(share) == words


@pytest.mark.parametrize(
    ("km", "words"), [(0.25, "250 m"), (1, "1.0 km"), (9.94, "9.9 km"), (23.6, "24 km"), (1234, "1,200 km")]
)
def test_distances(km: float, words: str) -> None:
    assert distance_words(km) == words


def test_a_circle_of_more_than_half_of_the_earth_has_no_radius() -> None:
    assert circle_words(0.9, 7.24) == "90 % within 7.2 km"
    assert circle_words(0.8, 10_000) == "80 % within 10,000 km"
    assert circle_words(0.9, 10_001) == "90 % only on more than half of the Earth"


def test_likelihood_ratios_have_no_sign_and_an_end() -> None:
    assert times(math.log(2)) == times(-math.log(2)) == "2.0 times"
    assert times(math.log(34.4)) == "34 times" and times(math.log(1234)) == "1,000 times"
    assert times(1e9) == times(16)


def test_countries_are_named_in_english() -> None:
    assert country_name("DE") == "Germany"
