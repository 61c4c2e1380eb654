"""Lines in native scripts that were cut into words."""

import pytest

from whereshot.evidence.base import SURFACES, Box, Line
from whereshot.evidence.native_rows import native_rows
from whereshot.evidence.text import cues_of


def row(*texts: str, gap: int = 10, step: int = 0) -> list[Line]:
    """Return words of 40 pixels a piece and 20 high, ``gap`` pixels apart, each ``step`` pixels lower than the last."""
    lefts = range(0, len(texts) * (40 + gap), 40 + gap)
    return [
        Line(text, 0.9, (left, step * number, left + 40, step * number + 20))
        for number, (left, text) in enumerate(zip(lefts, texts, strict=True))
    ]


def texts(lines: list[Line]) -> list[str]:
    return [line.text for line in native_rows(lines)]


def test_words_side_by_side_are_one_line_in_the_order_of_reading() -> None:
    assert texts(row("फतेह", "सागर", "झील")) == ["फतेह सागर झील"]
    assert texts(row("صنعاء", "القديمة")) == ["القديمة صنعاء"]  # from right to left
    assert texts(row("फतेह", "सागर", step=5)) == ["फतेह सागर"]  # a little tilted


@pytest.mark.parametrize(
    "lines",
    [
        row("दिल्ली", "मुंबई", gap=20),  # columns
        row("दिल्ली", "मुंबई", step=12),  # two lines
        row("दिल्ली", "Delhi"),
        row("दिल्ली", "москва"),
        row("กรุงเทพ", "เชียงใหม่"),  # written without spaces
        row("Old", "Town"),
        [Line("दिल्ली", 0.9, (0, 0, 80, 40)), Line("मुंबई", 0.9, (90, 10, 130, 30))],  # another size
    ],
)
def test_other_lines_stay_as_they_are(lines: list[Line]) -> None:
    assert native_rows(lines) == lines


def test_a_joined_line_keeps_what_is_known_of_its_parts() -> None:
    surfaces = [{name: float(name == other) for name in SURFACES} for other in ("sign", "print")]
    boxes: list[Box] = [(50, 2, 90, 22), (0, 0, 40, 20)]
    parts = [Line(t, c, b, surfaces=s) for t, c, b, s in zip(["दिल्ली", "नई"], [0.7, 0.9], boxes, surfaces, strict=True)]
    (joined,) = native_rows(parts)
    assert (joined.text, joined.confidence, joined.box) == ("नई दिल्ली", 0.7, (0, 0, 90, 22))
    assert joined.surfaces is not None and joined.surfaces["sign"] == joined.surfaces["print"] == 0.5


def test_a_word_of_a_lakes_name_is_no_town() -> None:
    """ "Fateh Sagar Lake" lies in Udaipur; Sagar is a town 500 km away."""
    assert [cue.kind for cue in cues_of(row("सागर"))] == ["text/language", "text/place"]
    assert [cue.kind for cue in cues_of(row("फतेह", "सागर", "झील"))] == ["text/language"]
