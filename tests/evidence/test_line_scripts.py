"""The script of a line is told from its picture; the crops are prepared as in the training."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from whereshot.evidence.line_scripts import (
    CLASSES,
    HEIGHT,
    KNOWN_CLASSES,
    LONGEST,
    RARE_SCRIPTS,
    SHORTEST,
    LineScript,
    as_input,
    in_company,
    line_scripts,
    to_height,
)


def written(text: str, size: int = 40) -> np.ndarray:
    """Return a dark text on a light plate (height, width, 3), with margins as a detector leaves them."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = (round(edge) for edge in font.getbbox(text))
    image = Image.new("RGB", (right - left + size // 2, bottom - top + size // 2), (225, 225, 215))
    ImageDraw.Draw(image).text((size // 4 - left, size // 4 - top), text, fill=(25, 35, 60), font=font)
    return np.asarray(image)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 300), st.integers(1, 4000))
def test_every_crop_becomes_a_line_of_one_height_and_bounded_width(height: int, width: int) -> None:
    line = to_height(np.zeros((height, width), np.uint8))
    assert line.shape[0] == HEIGHT and SHORTEST <= line.shape[1] <= LONGEST and line.dtype == np.uint8


def test_lines_are_normalised_and_padded_with_nothing() -> None:
    short, long = to_height(written("A")[:, :, 0]), to_height(written("BAHNHOF")[:, :, 0])
    batch, widths = as_input([short, long])
    assert widths.tolist() == [short.shape[1], long.shape[1]]
    assert not batch[0, 0, :, short.shape[1] :].any()
    assert abs(batch[1, 0, :, : long.shape[1]].mean()) < 1e-3
    flat, _ = as_input([np.full((HEIGHT, 80), 77, np.uint8)])
    assert not flat.any()


@pytest.mark.parametrize("text", ["Bahnhofstrasse", "FARMACIA", "Rue de la Gare", "HOTEL CENTRAL", "Vejle"])
def test_latin_is_known(text: str) -> None:
    (found,) = line_scripts([written(text)])
    assert found.best == "Latin" and found.known > 0.7
    assert found.probabilities.sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("text", ["24", "17.50", "089-4432217", "1984"])
def test_digits_are_no_letters(text: str) -> None:
    (found,) = line_scripts([written(text)])
    assert found.known > 0.7 and found.foreign[1] < 0.1


def test_a_flat_crop_has_no_writing() -> None:
    (found,) = line_scripts([np.full((40, 200, 3), 128, np.uint8)])
    assert found.best == "none"
    assert found.foreign[1] < 0.1


def test_the_order_of_crops_is_kept_whatever_their_lengths() -> None:
    crops = [written(text) for text in ("Bahnhofstrasse", "24", "Rue de la Gare")] * 7
    together = line_scripts(crops)
    assert [one.best for one in together] == [line_scripts([crop])[0].best for crop in crops]
    assert line_scripts([]) == []


def test_the_classes_are_distinct_and_the_known_and_the_rare_ones_are_among_them() -> None:
    assert len(set(CLASSES)) == len(CLASSES) == 27
    assert set(CLASSES) > KNOWN_CLASSES
    assert set(CLASSES) - KNOWN_CLASSES - {"none"} > RARE_SCRIPTS


def test_near_scripts_are_told_apart_by_the_other_lines() -> None:
    def line(**shares: float) -> LineScript:
        values = np.array([shares.get(name, 0.0) for name in CLASSES], np.float32)
        values[CLASSES.index("Latin")] += 1 - values.sum()
        return LineScript(values, 0.2)

    sure, doubtful, latin = line(Devanagari=0.95), line(Gurmukhi=0.5, Devanagari=0.4), line(Cyrillic=0.1)
    first, second, third = in_company([sure, doubtful, latin])
    assert (first.best, second.best, third.best) == ("Devanagari", "Devanagari", "Latin")
    for before, after in zip((sure, doubtful, latin), (first, second, third), strict=True):
        assert after.probabilities.sum() == pytest.approx(1)
        assert (after.share(KNOWN_CLASSES - {"Greek"}), after.none, after.mirrored) == pytest.approx(
            (before.share(KNOWN_CLASSES - {"Greek"}), before.none, 0.2)
        )
    assert in_company([]) == []
    (alone,) = in_company([line(Thai=0.5, Khmer=0.4)])
    assert alone.best == "Thai"
    rare, frequent = in_company([line(Lao=0.6, Thai=0.3), line(Lao=0.98)])
    assert (rare.best, frequent.best) == ("Lao", "Lao")
    (lone,) = in_company([line(Lao=0.5, Thai=0.4)])
    assert lone.best == "Thai"
