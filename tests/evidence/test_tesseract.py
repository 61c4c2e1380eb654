"""The program tesseract: which data it has, what it reads, and what is said where it or its data is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tesseract_program import program, skip_without
from whereshot.evidence import tesseract
from whereshot.evidence.line_scripts import CLASSES
from whereshot.foundation.errors import MissingExtraError, ModelError

HEAD = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext"


def word(page: int, confidence: float, text: str) -> str:
    return f"5\t{page}\t1\t1\t1\t1\t0\t0\t9\t9\t{confidence}\t{text}"


def drawn(text: str, font: str, size: int = 44) -> NDArray[np.uint8]:
    """Return a line of white letters on blue; skip where the font is not installed."""
    found = next(Path("/usr/share/fonts").rglob(font), None)
    if found is None:
        pytest.skip(f"the font {font} is not installed")
    face = ImageFont.truetype(str(found), size)
    picture = Image.new("RGB", (round(face.getlength(text)) + 30, 2 * size), (30, 60, 140))
    ImageDraw.Draw(picture).text((15, size // 4), text, font=face, fill="white")
    return np.asarray(picture, np.uint8)


def test_lines_of_several_scripts_come_back_in_their_order() -> None:
    skip_without("Thai", "Hebrew")
    crops = [
        drawn("ร้านอาหาร", "NotoSansThai-Bold.ttf"),
        drawn("בית מרקחת", "NotoSansHebrew-Bold.ttf"),
        np.full((40, 120, 3), 127, np.uint8),
        drawn("ธนาคาร", "NotoSansThai-Bold.ttf", 30),
    ]
    read = tesseract.read_lines(crops, ["Thai", "Hebrew", "Thai", "Thai"])
    assert [text for text, _ in read] == ["ร้านอาหาร", "בית מרקחת", "", "ธนาคาร"]
    assert all(0.6 < score <= 1 for text, score in read if text)
    assert read[2] == ("", 0.0)


def test_latin_writing_is_not_read_as_another_script() -> None:
    skip_without("Thai")
    assert tesseract.read_lines([drawn("RESTAURANT", "NotoSans-Bold.ttf")], ["Thai"]) == [("", 0.0)]


def test_a_very_long_and_flat_line_is_read_or_not_but_never_fails() -> None:
    skip_without("Thai")
    flat = np.random.default_rng(0).integers(0, 255, (2, 1600, 3), np.uint8)
    ((_, confidence),) = tesseract.read_lines([flat], ["Thai"])
    assert 0 <= confidence <= 1


def test_every_script_is_one_that_lines_are_told_apart_by() -> None:
    assert set(tesseract.DATA) <= set(CLASSES)


def test_a_missing_program_is_named_with_how_to_install_it(programs: Path) -> None:
    with pytest.raises(MissingExtraError) as caught:
        tesseract.installed()
    assert str(caught.value) == (
        "--reader tesseract: the program tesseract is missing; install it with the data of the scripts to read, "
        "as with: apt install tesseract-ocr tesseract-ocr-script-thai"
    )


def test_a_program_that_does_not_start_is_named(programs: Path) -> None:
    (programs / "tesseract").write_bytes(b"\x7fELF of another machine")
    (programs / "tesseract").chmod(0o755)
    with pytest.raises(MissingExtraError, match=r"^--reader tesseract: .*/tesseract does not run \(.*\); install tess"):
        tesseract.installed()


def test_a_program_without_data_is_refused(programs: Path) -> None:
    program(programs, "List of available languages (2):\\neng\\nosd\\n")
    with pytest.raises(MissingExtraError, match=r"^--reader tesseract: tesseract has no data for any script .*-thai$"):
        tesseract.installed()


def test_data_goes_by_its_several_names_and_missing_data_is_named(programs: Path) -> None:
    program(programs, "List (5):\\neng\\nscript/Thai\\ntha\\nkat\\nOriya\\n")
    assert tesseract.installed().data == {"Thai": "script/Thai", "Georgian": "kat", "Odia": "Oriya"}
    assert tesseract.install_hint(["Thai", "Latin"]) is None
    assert tesseract.install_hint(["Thai", "Lao", "Khmer", "Lao"]) == (
        "tesseract has no data for Khmer, Lao; install it, as with: "
        "apt install tesseract-ocr-script-khmr tesseract-ocr-script-laoo"
    )


def test_a_program_that_fails_says_why(programs: Path) -> None:
    program(programs, "List (1):\\nThai\\n", "echo Failed loading language >&2; exit 1")
    with pytest.raises(ModelError) as caught:
        tesseract.read_lines([np.zeros((20, 60), np.uint8)], ["Thai"])
    assert str(caught.value) == (
        "tesseract cannot read with its data 'Thai'; install that again (Failed loading language)"
    )


@pytest.mark.parametrize(
    ("script", "words", "text"),
    [
        ("Thai", ["ร", "้", "า", "น", "12", "ซ"], "ร้าน 12 ซ"),
        ("Hangul", ["서울", "약국"], "서울 약국"),
        ("Arabic", ["صيدلية", "25"], "صيدلية 25"),
        ("Thai", ["BANGKOK", "ก"], ""),
        ("Georgian", ["12", "-"], ""),
    ],
)
def test_words_are_joined_as_the_script_writes_them(script: str, words: list[str], text: str) -> None:
    table = "\n".join([HEAD, *(word(1, 90, own) for own in words)])
    assert tesseract.parse_words(table, script, 1) == [(text, 0.9 if text else 0.0)]


@given(st.lists(st.tuples(st.integers(1, 4), st.floats(-1, 100), st.text("กขค ", min_size=1, max_size=5))))
def test_no_line_is_lost_and_no_confidence_leaves_its_bounds(words: list[tuple[int, float, str]]) -> None:
    read = tesseract.parse_words("\n".join([HEAD, *(word(*one) for one in words)]), "Thai", 4)
    assert len(read) == 4
    assert all(0 <= confidence <= 1 and (text != "" or confidence == 0) for text, confidence in read)
    assert ["".join(text.split()) for text, _ in read] == [
        "".join("".join(own.split()) for page, _, own in words if page == number) for number in range(1, 5)
    ]
