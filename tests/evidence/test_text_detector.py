"""The lines that are found are those that RapidOCR finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from whereshot.evidence.ocr import Reader
from whereshot.evidence.text_detector import normalised

SIGN = Path(__file__).parents[2] / "examples" / "village-sign.jpg"


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(detector_side=96, looks_first=False)  # small pictures stay small, so that the tests are quick


@settings(deadline=None, max_examples=30)
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))),
    st.sampled_from([((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)), ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]),
)
def test_pixels_are_prepared_as_rapidocr_prepares_them(
    pixels: np.ndarray, mean_std: tuple[tuple[float, ...], tuple[float, ...]]
) -> None:
    from rapidocr.ch_ppocr_det.utils import DetPreProcess

    mean, std = mean_std
    theirs = DetPreProcess(mean=list(mean), std=list(std))
    expected = theirs.permute(theirs.normalize(pixels))[None].astype(np.float32)
    values = normalised(pixels, theirs.scale, mean, std)
    assert values.dtype == np.float32 and values.flags.c_contiguous
    assert np.array_equal(values, expected)


def test_crops_and_corners_are_those_of_rapidocr(reader: Reader) -> None:
    pixels = np.ascontiguousarray(np.asarray(Image.open(SIGN).convert("RGB"))[:, :, ::-1])
    crops, corners = reader.detector.detect(pixels)
    theirs, found = reader._engine.detect_and_crop(pixels, {})
    assert len(crops) == len(theirs) >= 2
    assert np.array_equal(corners, found.boxes)
    assert all(np.array_equal(own, other) for own, other in zip(crops, theirs, strict=True))


def test_a_low_picture_is_padded_and_its_corners_are_its_own(reader: Reader) -> None:
    sign = Image.open(SIGN).convert("RGB")
    strip = Image.new("RGB", (1200, 120), "white")
    strip.paste(sign.resize((160, 120)), (900, 0))
    _, corners = reader.detector.detect(np.ascontiguousarray(np.asarray(strip)[:, :, ::-1]))
    assert ((corners >= 0) & (corners <= (1200, 120))).all()


@pytest.mark.parametrize("size", [(1, 1), (40, 3), (96, 64), (300, 200)])
def test_a_picture_without_lines_gives_none(reader: Reader, size: tuple[int, int]) -> None:
    crops, corners = reader.detector.detect(np.full((*size, 3), 128, np.uint8))
    assert crops == []
    assert corners.shape == (0, 4, 2)


def test_a_picture_that_is_too_low_after_it_was_shrunk_has_no_lines() -> None:
    crops, corners = Reader(detector_side=96, detector_limit="max").detector.detect(np.zeros((34, 1500, 3), np.uint8))
    assert crops == []
    assert corners.shape == (0, 4, 2)
