"""Lines become segments by script; what says nothing about a language is left out."""

from __future__ import annotations

import pytest

from whereshot.evidence.known_languages import LANGUAGES
from whereshot.evidence.text_segments import (
    LONGEST_LINE,
    USES_SCRIPT,
    Segment,
    count_letters,
    script_of,
    split_line,
    split_text,
)


@pytest.mark.parametrize(
    ("char", "script"),
    [
        ("a", "Latin"),
        ("é", "Latin"),
        ("ế", "Latin"),
        ("Ж", "Cyrillic"),
        ("λ", "Greek"),
        ("語", "Han"),
        ("か", "Kana"),
        ("한", "Hangul"),
        ("ไ", "Thai"),
        ("ع", "Arabic"),
        ("ᚠ", ""),
        ("𐍈", ""),
        ("!", ""),
    ],
)
def test_script_of(char: str, script: str) -> None:
    assert script_of(char) == script


def test_every_language_has_a_script_that_is_recognised() -> None:
    assert all(script in USES_SCRIPT for language in LANGUAGES.values() for script in language.scripts)
    assert USES_SCRIPT["Greek"].sum() == 1
    assert USES_SCRIPT["Latin"].sum() > 40


def test_one_segment_for_each_script() -> None:
    assert split_line("Вход Entrance вход") == [Segment("Cyrillic", ("вход",), 4), Segment("Latin", ("entrance",), 8)]


def test_chinese_characters_beside_kana_are_japanese() -> None:
    (segment,) = split_line("駐車 しないで")
    assert segment.script == "Kana"
    assert split_line("駐車")[0].script == "Han"


def test_international_words_and_single_letters_are_left_out() -> None:
    assert split_line("TAXI Hotel A OK") == []


def test_a_digit_between_letters_is_a_letter() -> None:
    assert split_line("n1cht r0t")[0].words == ("nlcht", "rot")


def test_long_lines_are_cut() -> None:
    (segment,) = split_line("x" * (LONGEST_LINE + 500))
    assert segment.letters == LONGEST_LINE


def test_repeated_lines_count_once() -> None:
    assert split_text(["Udgang", "UDGANG ", "udgang"]) == split_text(["Udgang"]) == split_text("Udgang")


def test_addresses_and_numbers_do_not_count() -> None:
    assert count_letters(["www.koirat-kiinni.fi", "info@koirat.fi", "KA-AB 1234", "2x45 m"]) == len("KAAB")
    assert count_letters(["Hunde", "an die Leine"]) == 15
