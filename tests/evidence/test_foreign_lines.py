"""Lines in other scripts: which reader reads them as what, and which reading counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from whereshot.evidence.foreign_lines import (
    LEAST_LIKELY,
    READERS,
    ForeignText,
    LineReader,
    check_reader,
    read_foreign,
    readers,
)
from whereshot.evidence.line_scripts import CLASSES, LineScript
from whereshot.foundation.errors import InputError


def seen(**shares: float) -> LineScript:
    """Return a line with the probability of scripts; the rest is Latin."""
    values = np.array([shares.get(name, 0.0) for name in CLASSES], np.float32)
    values[CLASSES.index("Latin")] += 1 - values.sum()
    return LineScript(values, 0.0)


class Answers:
    """A reader that gives the same text and confidence for each script, and keeps what it was asked for."""

    def __init__(self, texts: dict[str, tuple[str, float]]) -> None:
        self.texts, self.asked = texts, list[tuple[int, str]]()

    def line_reader(self) -> LineReader:
        return LineReader(frozenset(self.texts), self.read)

    def read(self, crops: Sequence[Any], scripts: Sequence[str]) -> list[tuple[str, float]]:
        self.asked += [(len(crop), script) for crop, script in zip(crops, scripts, strict=True)]
        return [self.texts[script] for script in scripts]


def read(lines: Sequence[LineScript], *answers: Answers) -> list[ForeignText | None]:
    """Read lines whose heights are 1, 2, 3, ... pixels."""
    crops = [np.zeros((height, 4, 3), np.uint8) for height in range(1, len(lines) + 1)]
    return read_foreign(crops, lines, [own.line_reader() for own in answers])


def test_a_line_is_read_by_the_reader_of_its_script() -> None:
    first, second = Answers({"Thai": ("ร้าน", 0.9)}), Answers({"Lao": ("ຮ້ານ", 0.9)})
    thai, latin, lao = read([seen(Thai=0.95), seen(), seen(Lao=0.9)], first, second)
    assert thai == ForeignText("ร้าน", 0.9, "Thai", pytest.approx(1.0))
    assert latin is None
    assert lao == ForeignText("ຮ້ານ", 0.9, "Lao", pytest.approx(1.0))
    assert (first.asked, second.asked) == ([(1, "Thai")], [(3, "Lao")])


def test_a_doubtful_line_is_read_as_its_likeliest_scripts_and_the_better_reading_counts() -> None:
    answers = Answers({"Tamil": ("கடைகள்", 0.7), "Telugu": ("దుకాణం", 0.95), "Hangul": ("약국", 1.0)})
    (best,) = read([seen(Tamil=0.5, Telugu=0.45, Hangul=LEAST_LIKELY / 2)], answers)
    assert best is not None and (best.script, best.text) == ("Telugu", "దుకాణం")
    assert answers.asked == [(1, "Tamil"), (1, "Telugu")]


@pytest.mark.parametrize(
    "line",
    [seen(Thai=LEAST_LIKELY / 2), seen(none=0.85, Thai=0.15), seen(Hebrew=1.0)],
    ids=["unlikely", "no writing", "another script"],
)
def test_what_is_hardly_such_writing_is_not_given_to_a_reader(line: LineScript) -> None:
    answers = Answers({"Thai": ("ร้าน", 0.9)})
    assert read([line], answers) == [None]
    assert answers.asked == []


def test_dirt_beside_a_line_is_dropped() -> None:
    (found,) = read([seen(Thai=0.95)], Answers({"Thai": ("-ร้านอาหาร. ", 0.9)}))
    assert found is not None and found.text == "ร้านอาหาร"


@pytest.mark.parametrize("answer", [("อาหาร", 0.2), ("กข", 0.6), ("ร", 0.9), ("", 0.0), ("12", 0.99), ("CAFE", 0.99)])
def test_a_weak_or_empty_reading_does_not_count(answer: tuple[str, float]) -> None:
    assert read([seen(Thai=0.6, none=0.4)], Answers({"Thai": answer})) == [None]


def test_one_hangul_syllable_is_a_word() -> None:
    for text, confidence in (("약", 0.95), ("서울", 0.75)):
        (found,) = read([seen(Hangul=0.6, none=0.4)], Answers({"Hangul": (text, confidence)}))
        assert found is not None and found.text == text
    for text, confidence in (("약", 0.6), ("ᅥ카", 0.6), ("ᄑ", 0.95)):
        assert read([seen(Hangul=0.6, none=0.4)], Answers({"Hangul": (text, confidence)})) == [None]


def test_a_sure_reading_outweighs_the_look_of_the_line() -> None:
    answers = Answers({"Lao": ("ປາກເຊ", 0.98), "Thai": ("ปาภเด", 0.6)})
    (found,) = read([seen(Lao=0.3, Thai=0.7)], answers)
    assert found is not None and found.script == "Lao"
    answers = Answers({"Lao": ("ປາກເຊ", 0.8), "Thai": ("ปาภเด", 0.8)})
    assert read([seen(Lao=0.5, Thai=0.5)], answers) == [None]


def test_a_doubtful_script_counts_beside_a_sure_line_in_it() -> None:
    answers = Answers({"Thai": ("ร้านอาหาร", 0.9), "Lao": ("ຮ້ານອາຫານ", 0.9)})
    lines = [seen(Thai=0.6, Lao=0.4), seen(Thai=0.95, Lao=0.05)]
    assert read(lines[:1], answers) == [None]
    assert [one and one.script for one in read(lines, answers)] == ["Thai", "Thai"]


@pytest.mark.parametrize(("script", "text"), [("Cyrillic", "метро"), ("Greek", "μετρο"), ("Cyrillic", "т 12 кв")])
def test_capitals_that_may_be_latin_need_a_sure_script(script: str, text: str) -> None:
    crops, reader = [np.zeros((9, 9), np.uint8)], Answers({script: (text, 0.99)}).line_reader()
    assert read_foreign(crops, [seen(**{script: 0.7})], [reader], [("METPO", 0.9)]) == [None]
    (sure,) = read_foreign(crops, [seen(**{script: 0.97})], [reader], [("METPO", 0.9)])
    assert sure is not None and sure.text == text


@pytest.mark.parametrize(("script", "text"), [("Cyrillic", "площадь"), ("Greek", "πλατεῖα")])
def test_a_faint_line_in_letters_like_latin_ones_counts_only_beside_a_clear_one(script: str, text: str) -> None:
    faint, clear = (Answers({script: (text, confidence)}) for confidence in (0.65, 0.75))
    assert read([seen(**{script: 0.95})], faint) == [None]
    (found,) = read([seen(**{script: 0.95})], clear)
    assert found is not None and found.script == script
    thai = Answers({"Thai": ("โรงแรม", 0.65)})
    assert read([seen(Thai=0.95)], thai)[0] is not None


@pytest.mark.parametrize(
    ("text", "confidence", "latin_confidence", "is_read"),
    [
        ("есрхсаг", 0.91, 0.97, False),
        ("есрхсаг", 0.91, 0.9, True),
        ("ъ9 оусас", 0.75, 1.0, False),
        ("ъ9 оусас", 0.75, 0.6, True),
        ("площадь", 0.9, 0.97, True),
    ],
)
def test_a_line_that_the_reader_of_latin_is_sure_of_needs_more_to_be_cyrillic(
    text: str, confidence: float, latin_confidence: float, is_read: bool
) -> None:
    reader = Answers({"Cyrillic": (text, confidence)}).line_reader()
    (found,) = read_foreign([np.zeros((9, 9), np.uint8)], [seen(Cyrillic=0.7)], [reader], [("Latin", latin_confidence)])
    assert (found is not None) == is_read


def test_capitals_that_may_be_latin_count_beside_a_line_that_cannot_be() -> None:
    texts = {1: ("метро", 0.9), 2: ("площадь", 0.9)}
    reader = LineReader(frozenset({"Cyrillic"}), lambda crops, scripts: [texts[len(crop)] for crop in crops])
    crops = [np.zeros((height, 4, 3), np.uint8) for height in (1, 2)]
    latin = [("METPO", 0.8), ("", 0.0)]
    both = read_foreign(crops, [seen(Cyrillic=0.75), seen(Cyrillic=0.8)], [reader], latin)
    assert [one.text for one in both if one is not None] == ["метро", "площадь"]
    alone = read_foreign(crops, [seen(Cyrillic=0.3), seen(Cyrillic=0.8)], [reader], latin)
    assert [one.text for one in alone if one is not None] == ["площадь"]


def test_a_rare_script_needs_more() -> None:
    answers = Answers({"Lao": ("ຮ້ານອາຫານ", 0.9), "Thai": ("ร้านอาหาร", 0.9)})
    known = [("BAR", 0.75)]
    crops = [np.zeros((9, 9), np.uint8)]
    for script, is_read in (("Lao", False), ("Thai", True)):
        (found,) = read_foreign(crops, [seen(**{script: 0.4})], [answers.line_reader()], known)
        assert (found is not None) == is_read


def test_a_line_is_not_read_where_what_is_known_is_likelier_right() -> None:
    answers = Answers({"Thai": ("ร้านอาหาร", 0.9)})
    for share, is_read in ((0.4, False), (0.8, True)):
        (found,) = read_foreign([np.zeros((9, 9))], [seen(Thai=share)], [answers.line_reader()], [("BAR", 0.9)])
        assert (found is not None) == is_read


def test_an_unknown_reader_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        check_reader("tesserract")
    assert str(caught.value) == "no reader 'tesserract'; did you mean 'tesseract'?"


def test_no_two_readers_read_the_same_script() -> None:
    assert READERS[0] == "builtin"
    scripts = [script for own in readers() for script in own.scripts]
    assert len(scripts) == len(set(scripts)) and set(scripts) <= set(CLASSES)


@pytest.mark.parametrize(("confidence", "is_read"), [(0.9, True), (0.75, False)])
def test_a_line_of_look_alikes_alone_must_be_read_well(confidence: float, is_read: bool) -> None:
    (greek,) = read([seen(Greek=0.97)], Answers({"Greek": ("κεντρο", confidence)}))
    assert (greek is not None) == is_read
