"""Reading lines in many scripts with networks of our own."""

from __future__ import annotations

import difflib
from pathlib import Path

import cv2
import numpy as np
import pytest

from whereshot.evidence import line_readers
from whereshot.evidence.line_readers import (
    GROUPS,
    SCRIPTS_READ,
    SignHead,
    decode,
    read_line_crops,
    steps_of,
)
from whereshot.evidence.line_scripts import CLASSES

HEAD = SignHead(("a", "b", " "), np.zeros((4, 1), np.float32), np.zeros(4, np.float32))


def _logits(numbers: list[int]) -> np.ndarray:
    return np.where(np.arange(4) == np.array(numbers)[:, None], 9.0, 0.0).astype(np.float32)


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([0, 1, 1, 0, 2], "ab"), ([1, 0, 1], "aa"), ([0, 0], ""), ([1, 3, 2], "a b"), ([3, 3], "")],
)
def test_repeats_are_one_sign_unless_a_blank_stands_between(numbers: list[int], text: str) -> None:
    read = decode(_logits(numbers), HEAD, "Georgian")
    assert read.text == text
    assert (read.confidence > 0.99) if text else (read.confidence == 0.0)


def test_each_script_has_one_group_and_a_class() -> None:
    scripts = [script for scripts in GROUPS.values() for script in scripts]
    assert len(set(scripts)) == len(scripts)
    assert set(scripts) <= set(CLASSES)
    assert set(scripts) >= SCRIPTS_READ


@pytest.mark.parametrize(("width_px", "steps"), [(8, 4), (9, 6), (160, 80)])
def test_two_steps_for_four_pixels(width_px: int, steps: int) -> None:
    assert steps_of(width_px) == steps


LINES = Path(__file__).parent / "data" / "lines"
"""Plain lines, each in a font that was kept apart from training; they are not what shows how well lines are read."""
TOWNS = {
    "Arabic": "مدينة الكويت", "Cyrillic": "новосибирск", "Hangul": "부산광역시", "Thai": "กรุงเทพ", "Lao": "ວຽງຈັນ",
    "Greek": "θεσσαλονικη", "Hebrew": "תל אביב", "Georgian": "ქუთაისი", "Armenian": "գյումրի", "Ethiopic": "አዲስ አበባ",
    "Devanagari": "वाराणसी", "Bengali": "চট্টগ্রাম", "Tamil": "சென்னை", "Telugu": "విజయవాడ", "Gujarati": "અમદાવાદ",
    "Gurmukhi": "ਅੰਮ੍ਰਿਤਸਰ", "Kannada": "ಮೈಸೂರು", "Malayalam": "കൊച്ചി", "Odia": "ଭୁବନେଶ୍ୱର",
    "Sinhala": "මහනුවර", "Myanmar": "မန္တလေး",
}  # fmt: skip


def test_every_script_that_is_read_has_a_line() -> None:
    assert TOWNS.keys() == SCRIPTS_READ


@pytest.mark.parametrize("script", sorted(SCRIPTS_READ))
def test_a_plain_line_is_read(script: str) -> None:
    crop = cv2.imread(str(LINES / f"{script}.png"), cv2.IMREAD_GRAYSCALE)
    ((text, confidence),) = read_line_crops([crop], [script])
    letters = difflib.SequenceMatcher(None, text, TOWNS[script], autojunk=False).get_matching_blocks()
    assert sum(block.size for block in letters) >= 0.55 * len(TOWNS[script])
    assert confidence >= 0.6


def test_lines_of_many_scripts_and_sizes_come_back_in_order() -> None:
    scripts = ["Hebrew", "Devanagari", "Georgian", "Cyrillic"]
    crops = [cv2.imread(str(LINES / f"{script}.png")) for script in scripts]
    crops = [cv2.resize(crop, None, fx=factor, fy=factor) for crop, factor in zip(crops, (1, 2, 3, 1), strict=True)]
    texts = [text for text, _ in read_line_crops(crops, scripts)]
    assert texts == [TOWNS[script] for script in scripts]


def test_narrow_letters_are_read_better_in_a_second_look() -> None:
    scripts = sorted(TOWNS)
    plain = [cv2.imread(str(LINES / f"{script}.png"), cv2.IMREAD_GRAYSCALE) for script in scripts]
    narrow = [cv2.resize(crop, None, fx=0.6, fy=1.0, interpolation=cv2.INTER_AREA) for crop in plain]
    once = [text.text for text in line_readers._read(narrow, scripts)]
    twice = [text for text, _ in read_line_crops(narrow, scripts)]
    assert _letters_right(twice, scripts) >= _letters_right(once, scripts) + 0.05


@pytest.mark.parametrize(("script", "noise"), [("Hebrew", 25), ("Arabic", 25)])
def test_a_long_doubtful_line_keeps_its_ends(script: str, noise: int) -> None:
    """A second, wider look at it would be sure of its middle, and lose its ends."""
    town = cv2.imread(str(LINES / f"{script}.png"), cv2.IMREAD_GRAYSCALE)
    town = cv2.resize(town, (round(town.shape[1] * 40 / town.shape[0]), 40))
    line = np.tile(town, line_readers.LONGEST_PX // town.shape[1])
    line = np.clip(line + np.random.default_rng(3).normal(0, noise, line.shape), 0, 255).astype(np.uint8)
    ((text, _),) = read_line_crops([line], [script])
    assert text.startswith(TOWNS[script]) and text.endswith(TOWNS[script])


def _letters_right(texts: list[str], scripts: list[str]) -> float:
    """Return the mean likeness of the texts to the towns of the scripts, 0 to 1."""
    pairs = zip(texts, (TOWNS[script] for script in scripts), strict=True)
    return float(np.mean([difflib.SequenceMatcher(None, a, b, autojunk=False).ratio() for a, b in pairs]))


def test_a_crop_may_be_read_as_several_scripts_at_once() -> None:
    crop = cv2.imread(str(LINES / "Greek.png"))
    together = read_line_crops([crop] * 3, ["Greek", "Devanagari", "Cyrillic"])
    alone = [read_line_crops([crop], [script])[0] for script in ("Greek", "Devanagari", "Cyrillic")]
    assert together == alone


def test_a_crop_without_writing_gives_no_text() -> None:
    assert read_line_crops([np.full((40, 200), 128, np.uint8)], ["Thai"]) == [("", 0.0)]
    assert read_line_crops([], []) == []
