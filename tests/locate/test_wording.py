"""The templates of sentences: every part in braces has a meaning on both sides, and no template is empty."""

from __future__ import annotations

import string

import pytest

from whereshot.locate import wording, words

TEMPLATES = {name: value for name, value in vars(wording).items() if name.isupper() and isinstance(value, str)}
PARTS = {
    "count",
    "country",
    "countries",
    "direction",
    "distance",
    "latin",
    "level",
    "means",
    "name",
    "percent",
    "ratio",
    "script",
    "subject",
    "text",
    "texts",
    "times",
    "used",
    "verb",
    "what",
}


def parts_of(template: str) -> set[str]:
    """Return the names in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_has_only_known_parts(name: str) -> None:
    assert TEMPLATES[name].strip(" ,")
    assert parts_of(TEMPLATES[name]) <= PARTS


def test_limits_of_numbers_are_where_the_words_change() -> None:
    assert words.percent(wording.NEARLY_CERTAIN) == wording.OVER
    assert words.percent(wording.NEARLY_CERTAIN - 1e-4) == "99 %"
    assert words.percent(wording.NEARLY_IMPOSSIBLE) == "1 %"
    assert words.percent(wording.NEARLY_IMPOSSIBLE - 1e-4) == wording.UNDER
    assert words.distance_words(wording.METRES_BELOW_KM - 0.01) == "990 m"
    assert words.distance_words(wording.METRES_BELOW_KM) == "1.0 km"
    assert words.distance_words(wording.DECIMAL_BELOW_KM) == "10 km"


def test_a_ratio_has_an_upper_limit() -> None:
    assert words.times(wording.MOST_NATS) == words.times(wording.MOST_NATS + 5) == "9,000,000 times"
