"""Suggestions for names that are spelled nearly right."""

from __future__ import annotations

import doctest

import pytest

from whereshot.earth import near_names
from whereshot.earth.near_names import hint, near_name


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("Germny", "Germany"),
        ("Frankrich", "Frankreich"),
        ("Untied Kingdom", "United Kingdom"),
        ("Neitherlands", "Netherlands"),
        ("Bayren", "Bayern"),
        ("Califronia", "California"),
        ("Catalonya", "Catalunya"),
        ("Xyzzyplugh", None),
        ("", None),
    ],
)
def test_near_countries_and_divisions(text: str, near: str | None) -> None:
    assert near_name(text) == near


def test_towns_are_suggested_after_countries_and_divisions() -> None:
    assert near_name("Altafula", with_towns=True) == "Altafulla, Catalonia"
    assert near_name("Germny", with_towns=True) == "Germany"
    assert hint("Xyzzyplugh", with_towns=True) == ""
    assert hint("Altafula", with_towns=True) == "; did you mean 'Altafulla, Catalonia'?"


def test_the_examples_in_the_docstrings() -> None:
    assert doctest.testmod(near_names).failed == 0
