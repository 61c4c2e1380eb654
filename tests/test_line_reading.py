"""The benchmark of line reading: how characters are counted, how tesseract's pages are kept apart, what is drawn."""

from __future__ import annotations

import csv
import dataclasses
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "scripts")]

import line_reading  # noqa: E402
import scripts  # noqa: E402
import tesseract_lines  # noqa: E402
from drawn_lines import DrawnLines, load_lines, save_lines  # noqa: E402
from latin_safe import as_detected  # noqa: E402
from line_fonts import Face  # noqa: E402
from line_reading import Side, edit_distance, lacking, letters_of, score  # noqa: E402
from tesseract_lines import PeerRead  # noqa: E402

from whereshot.evidence.base import Line  # noqa: E402
from whereshot.evidence.line_scripts import CLASSES, in_company, line_scripts  # noqa: E402
from whereshot.evidence.ocr import scripts_of  # noqa: E402
from whereshot.evidence.text_segments import script_of  # noqa: E402
from whereshot.locate.geolocator import Geolocator  # noqa: E402

READABLE = ROOT / "benchmarks" / "data" / "scripts_dev_readable.csv"
SCRIPTS_DEV = ROOT.parent / "shared" / "data" / "photos" / "scripts_dev.csv"
TESSDATA = Path("/usr/share/tesseract-ocr/5/tessdata")
WORDS = st.text("abcд", max_size=8)


@given(WORDS, WORDS, WORDS)
def test_the_edit_distance_is_a_distance(a: str, b: str, c: str) -> None:
    assert edit_distance(a, b) == edit_distance(b, a)
    assert (edit_distance(a, b) == 0) == (a == b)
    assert abs(len(a) - len(b)) <= edit_distance(a, b) <= max(len(a), len(b))
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)


def test_letters_that_count_are_folded_and_have_no_spaces_and_no_latin() -> None:
    assert letters_of("Ёлка  Hôtel №5") == "елка№5"
    assert letters_of("کوی") == letters_of("كوي")


def test_a_line_counts_at_most_as_all_wrong() -> None:
    lines = DrawnLines([np.zeros((40, 40), np.uint8)] * 2, ["аптека", "хлеб"])
    side = score(PeerRead(["Аптека", "ввввввввввввввввввв"], 0.5), lines)
    assert side == Side(pytest.approx(60.0), 50.0, 4.0)


def test_what_a_script_lacks_is_said_by_grade() -> None:
    good, bad = Side(98.0, 90.0, 400.0), Side(80.0, 50.0, 60.0)
    assert lacking("Greek", {"clean": (good, bad), "street": (good, bad)}) == []
    assert lacking("Greek", {"clean": (bad, good), "hard": (bad, bad)}) == ["clean below 97", "hard not ahead"]
    assert lacking("Lao", {"clean": (None, good)}) == ["not read yet"]


@pytest.mark.parametrize("shape", [(12, 40), (31, 200), (36, 90), (45, 20), (64, 300)])
def test_the_networks_see_a_drawn_line_as_it_was_drawn(shape: tuple[int, int], rng: np.random.Generator) -> None:
    line = rng.integers(0, 256, shape, np.uint8)
    (as_drawn,), (seen,) = in_company(line_scripts([line])), scripts_of([as_detected(line)])
    assert seen.probabilities == pytest.approx(as_drawn.probabilities, abs=1e-5)


def test_the_script_of_an_answer_is_what_it_names_for_most_lines() -> None:
    answer = Geolocator.load("prior").explain(Image.new("RGB", (64, 48)))
    assert scripts.named_in_answer(answer) is None
    read = [Line(text, 0.9, (0, 0, 9, 9), script=script) for text, script in (("Calle", "Latin"), ("ถนน", "Lao"))]
    unread = [Line("", 0.9, (0, 0, 9, 9), script="Khmer")] * 2
    assert scripts.named_in_answer(dataclasses.replace(answer, lines=tuple(read))) == "Thai"
    assert scripts.named_in_answer(dataclasses.replace(answer, lines=tuple(read), unread=tuple(unread))) == "Khmer"


def test_drawn_lines_are_kept_as_they_are(tmp_path: Path) -> None:
    pixels = [np.arange(6, dtype=np.uint8).reshape(2, 3), np.full((3, 1), 9, np.uint8)]
    save_lines(tmp_path / "new" / "Lao-clean.npz", DrawnLines(pixels, ["ໄທ", "a b"]))
    kept = load_lines(tmp_path / "new" / "Lao-clean.npz")
    assert kept.texts == ["ໄທ", "a b"]
    assert all(np.array_equal(a, b) for a, b in zip(kept.pixels, pixels, strict=True))


def test_a_font_lacks_what_it_would_draw_as_an_empty_box() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    face = Face(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), 0)
    assert not face.lacks("Аптека 24 €, Café\u200d")
    assert face.lacks("Аптека ร้าน") and face.lacks("12 ᐃ 字")


def test_a_line_without_writing_does_not_move_what_tesseract_reads_on_others() -> None:
    if shutil.which("tesseract") is None or not (TESSDATA / "eng.traineddata").is_file():
        pytest.skip("needs tesseract with its data for English")
    crops = [np.full((60, 260), 255, np.uint8) for _ in range(4)]
    for row, text in ((0, "HELLO"), (2, "WORLD")):
        cv2.putText(crops[row], text, (12, 44), cv2.FONT_HERSHEY_SIMPLEX, 1.4, 0, 3, cv2.LINE_AA)
    read = tesseract_lines.read_lines(crops, "eng", TESSDATA)
    assert len(read.texts) == 4
    assert "ELLO" in read.texts[0] and "ORLD" in read.texts[2]
    assert read.seconds > 0


def test_a_missing_model_of_tesseract_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"has no model of tesseract for Lao; install tesseract-ocr-script-\*"):
        tesseract_lines.read_lines([np.zeros((40, 90), np.uint8)], "Lao", tmp_path)


def test_every_script_has_a_share_that_is_wanted_on_clean_signs() -> None:
    assert all(88 <= line_reading.wanted_clean(script) <= 97 for script in line_reading.SCRIPTS)
    assert set(line_reading.WANTED_CLEAN) <= set(line_reading.SCRIPTS)


def test_the_list_of_readable_photos_has_words_in_the_script_that_it_names() -> None:
    with READABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        assert row["script"] in CLASSES and row["readable"] in ("yes", "partly", "no")
        scripts = {script_of(char) for char in row["words"] if char.isalpha()}
        assert row["script"] in scripts or row["readable"] == "no"
    if SCRIPTS_DEV.is_file():
        with SCRIPTS_DEV.open(encoding="utf-8", newline="") as file:
            assert {row["path"] for row in rows} == {row["path"] for row in csv.DictReader(file)}
