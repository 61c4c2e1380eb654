"""The look proposes areas that hold every line, and nothing where there is no text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from whereshot.evidence import text_look
from whereshot.evidence.ocr import Reader
from whereshot.evidence.text_look import CELL_PX, LEAST_TEXT, STEP_PX, Area, areas_of, shrunk

SIGN = Path(__file__).parents[2] / "examples" / "village-sign.jpg"


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(looks_first=True)


@settings(deadline=None, max_examples=60)
@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 30), st.integers(1, 30)),
        elements=st.sampled_from([0.0, 0.0, 0.0, 0.01, 0.1, 1.0]),
    )
)
def test_each_cell_of_text_is_in_an_area_and_areas_are_as_the_detector_takes_them(text: np.ndarray) -> None:
    text = np.kron(text, np.ones((2, 2), np.float32))  # sides in pixels are multiples of STEP_PX
    areas = areas_of(text)
    held = np.zeros(text.shape, bool)
    for area in areas:
        assert all(edge % STEP_PX == 0 for edge in area)
        assert 0 <= area.left < area.right <= text.shape[1] * CELL_PX
        assert 0 <= area.top < area.bottom <= text.shape[0] * CELL_PX
        left, top, right, bottom = (edge // CELL_PX for edge in area)
        held[top:bottom, left:right] = True
    assert held[text >= LEAST_TEXT].all()
    assert bool(areas) == bool((text >= LEAST_TEXT).any())
    assert sum(area.size_px for area in areas) <= text.size * CELL_PX**2


def test_areas_close_together_are_joined_and_areas_far_apart_are_not() -> None:
    text = np.zeros((120, 160), np.float32)
    text[20, 20] = text[20, 34] = text[100, 140] = 1.0
    assert len(areas_of(text)) == 2


def test_a_picture_full_of_text_is_one_area() -> None:
    text = np.zeros((60, 80), np.float32)
    text[::15, ::15] = 1.0
    assert areas_of(text) == [Area(0, 0, 80 * CELL_PX, 60 * CELL_PX)]


@pytest.mark.parametrize("size", [(32, 32), (96, 64), (736, 992)])
def test_a_shrunk_picture_has_sides_that_the_detector_takes(size: tuple[int, int]) -> None:
    small = shrunk(np.full((*size, 3), 7, np.uint8))
    assert small.shape[0] % STEP_PX == small.shape[1] % STEP_PX == 0
    assert small.shape[0] * text_look.SHRUNK >= size[0] and small.shape[1] * text_look.SHRUNK >= size[1]
    assert (small == 7).all()


def test_with_the_look_the_same_lines_are_read(reader: Reader) -> None:
    sign = Image.open(SIGN).convert("RGB")
    looked, whole = (sorted(line.text for line in own.read(sign)) for own in (reader, Reader(looks_first=False)))
    assert looked == whole
    assert len(looked) >= 2


def test_the_detector_that_is_not_in_whole_numbers_can_look_too() -> None:
    lines = Reader(looks_first=True).read(Image.open(SIGN).convert("RGB"))
    assert len(lines) >= 2


def test_a_sky_has_no_areas(reader: Reader) -> None:
    sky = np.linspace((250, 190, 120), (160, 90, 60), 768)[:, None].repeat(1024, axis=1).astype(np.uint8)
    assert reader.detector._look(sky) == []
    assert reader.read(Image.fromarray(sky[:, :, ::-1])) == []


def test_a_small_picture_is_not_looked_at_first(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_look, "LEAST_TEXT", 1.1)  # the look finds nothing anywhere
    sign = Image.open(SIGN).convert("RGB")
    assert reader.read(sign) == []
    assert reader.read(sign.resize((sign.width * 300 // sign.height, 300))) != []
