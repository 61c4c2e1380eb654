"""What is no photo of a place: drawings, screenshots, pages of print."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from whereshot.evidence import Line, is_photo
from whereshot.photos import images

LINES = [Line("text", 0.9, (150, 150 + 30 * row, 650, 170 + 30 * row)) for row in range(20)]


def written(size: tuple[int, int], left: int, top: int) -> Image.Image:
    """A white sheet with twenty lines of print."""
    page = Image.new("RGB", size, (250, 250, 248))
    draw = ImageDraw.Draw(page)
    for row in range(20):
        draw.rectangle((left, top + 30 * row, left + 480, top + 12 + 30 * row), fill="#444444")
    return page


def not_a_photo(image: Image.Image, lines: list[Line]) -> str | None:
    return is_photo.not_a_photo(is_photo.surface_of(image), lines)


def picture(values: np.ndarray) -> Image.Image:
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def test_a_notice_board_in_the_street_is_a_photo(rng: np.random.Generator) -> None:
    street = rng.integers(60, 150, (900, 800, 3)).astype(float)
    street[30:870, 30:770] = np.asarray(written((740, 840), 100, 100)) + rng.normal(0, 3, (840, 740, 3))
    assert not_a_photo(picture(street), LINES) is None
    # so near that it fills the picture: daylight falls on it from one side
    light = np.linspace(0.8, 1.02, 800)[None, :, None]
    near = np.asarray(written((800, 900), 150, 150)) * light + rng.normal(0, 3, (900, 800, 3))
    assert not_a_photo(picture(near), LINES) is None


def test_a_scan_is_a_document(rng: np.random.Generator) -> None:
    scan = np.asarray(written((800, 900), 150, 150)) + rng.normal(0, 2, (900, 800, 3))
    found = not_a_photo(picture(scan), LINES)
    assert found == "this looks like a document, not a photo of a place"


def test_drawings_and_pages_are_no_photos(shared: Path) -> None:
    drawing = Image.new("RGB", (800, 600), "#3366cc")
    ImageDraw.Draw(drawing).rectangle((100, 100, 500, 400), fill="#ffcc00")
    assert not_a_photo(drawing, []) == "this looks like a screenshot or a drawing, not a photo"
    page = Image.new("RGB", (800, 1000), "white")
    lines = [Line("text", 0.9, (50, 50 + 40 * row, 750, 75 + 40 * row)) for row in range(20)]
    assert not_a_photo(page, lines) == "this looks like a document, not a photo of a place"
    photos = sorted((shared / "data" / "photos" / "test_a").iterdir())
    wrong = [path.name for path in photos if not_a_photo(images.open_rgb(path), [])]
    assert len(wrong) <= 1, wrong


def test_whether_neighbours_are_equal_is_counted_without_overflow() -> None:
    for level, other, flat in ((0, 1, True), (254, 255, True), (0, 2, False), (0, 255, False), (255, 0, False)):
        values = np.full((64, 64, 3), level)
        values[:, ::2] = other
        assert is_photo.surface_of(picture(values)).flat == flat, (level, other)
