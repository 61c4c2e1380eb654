"""Text from right to left is set off, and all other text stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whereshot.foundation.text_direction import END, ISOLATE, isolated


def marked(text: str) -> str:
    """Return a text with brackets in place of the marks."""
    return text.replace(ISOLATE, "[").replace(END, "]")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Read “KIOSK”: 3 km", "Read “KIOSK”: 3 km"),
        ('Read "صيدلية 25": 3.0 times', 'Read "[صيدلية 25]": 3.0 times'),
        ('Read "12 شارع / Street": x', 'Read "[12 شارع / Street]": x'),
        ("שלום עולם 12.jpg", "[שלום עולם] 12.jpg"),
        ("تهران (tehran): the town, رشت too", "[تهران] (tehran): the town, [رشت] too"),
        ("ร้านอาหาร გორი Москва", "ร้านอาหาร გორი Москва"),
        ("אב\nגד", "[אב]\n[גד]"),
    ],
)
def test_each_quotation_and_run_is_set_off(text: str, expected: str) -> None:
    assert marked(isolated(text)) == expected


@given(st.text('ab12 "\n.אבשم', max_size=30))
def test_marks_come_in_pairs_and_change_no_character(text: str) -> None:
    found = isolated(text)
    assert found.replace(ISOLATE, "").replace(END, "") == text
    depth = 0
    for char in found:
        depth += (char == ISOLATE) - (char == END)
        assert depth in (0, 1) and (char != "\n" or depth == 0)
