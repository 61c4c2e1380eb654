"""Lines are read in batches of nearly the same width, as well as RapidOCR reads them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from whereshot.evidence.known_lines import BATCH, LEAST_WIDTH_PX, MOST_SPREAD, STEP_PX, KnownLines, batches, width_px
from whereshot.evidence.ocr import shared_reader


@pytest.fixture(scope="module")
def lines() -> KnownLines:
    return shared_reader().known_lines


def crop_of(text: str, size_px: int = 40) -> np.ndarray:
    """A line of black letters on white, (height, width, 3)."""
    font = ImageFont.load_default(size_px)
    left, top, right, bottom = (round(edge) for edge in font.getbbox(text))
    image = Image.new("RGB", (right - left + 16, bottom - top + 16), "white")
    ImageDraw.Draw(image).text((8 - left, 8 - top), text, font=font, fill="black")
    return np.asarray(image)


def test_short_and_long_lines_are_read_in_the_order_of_their_crops(lines: KnownLines) -> None:
    texts = ["Hauptbahnhof und Marktplatz", "Ost", "Rathaus", "Dieser Weg ist nur bei Tag zu begehen"]
    read = lines.read([crop_of(text) for text in texts])
    assert [text.strip() for text, _ in read] == texts
    assert all(0.9 < confidence <= 1 for _, confidence in read)


def test_a_line_that_is_upside_down_is_turned(lines: KnownLines) -> None:
    upright, turned = crop_of("Bahnhofstrasse"), crop_of("Marktplatz")[::-1, ::-1]
    assert [text for text, _ in lines.read([upright, turned])] == ["Bahnhofstrasse", "Marktplatz"]


def test_no_crops_and_crops_of_a_pixel_are_no_error(lines: KnownLines) -> None:
    assert lines.read([]) == []
    assert len(lines.read([np.full((1, 1, 3), 128, np.uint8), np.full((48, 1, 3), 128, np.uint8)])) == 2


@pytest.mark.parametrize(("shape", "width"), [((48, 100, 3), LEAST_WIDTH_PX), ((24, 200, 3), 400), ((48, 401, 3), 416)])
def test_the_width_is_the_lines_own_up_to_a_step(shape: tuple[int, int, int], width: int) -> None:
    assert width_px(np.zeros(shape, np.uint8)) == width
    assert width % STEP_PX == 0


@given(st.lists(st.integers(LEAST_WIDTH_PX, 3000), max_size=40))
def test_each_line_is_in_one_batch_of_lines_that_are_nearly_as_wide(widths: list[int]) -> None:
    found = batches(widths)
    assert sorted(row for batch in found for row in batch) == list(range(len(widths)))
    for batch in found:
        own = [widths[row] for row in batch]
        assert 1 <= len(batch) <= BATCH
        assert max(own) <= MOST_SPREAD * min(own)
