"""Words and names that are the same all over the world."""

from __future__ import annotations

import pytest

from whereshot.evidence.worldwide_words import is_worldwide, without_worldwide


@pytest.mark.parametrize("word", ["Pizza", "NIKE", "Levi's", "Mercedes-Benz", "WiFi", "(Espresso"[1:], "Starbucks™"])
def test_brands_and_dishes_are_worldwide(word: str) -> None:
    assert is_worldwide(word)


@pytest.mark.parametrize("word", ["Gemeente", "Ajuntament", "Bäckerei", "Straße", "hundi"])
def test_other_words_are_not(word: str) -> None:
    assert not is_worldwide(word)


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        ("Pizza Margherita", ""),
        ("PARIS", ""),  # a city that the whole world knows
        ("Pizzeria Paris", ""),
        ("Altafulla", "Altafulla"),
        ("Pizza zum Mitnehmen", "zum Mitnehmen"),
        ("", ""),
    ],
)
def test_what_is_left_of_a_line(line: str, rest: str) -> None:
    assert without_worldwide(line) == rest
