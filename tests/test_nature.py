"""What is no photo of a place: drawings, screenshots, pages of print."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

from whereshot import images
from whereshot.evidence import Line, nature


def test_drawings_and_pages_are_no_photos(shared: Path) -> None:
    drawing = Image.new("RGB", (800, 600), "#3366cc")
    ImageDraw.Draw(drawing).rectangle((100, 100, 500, 400), fill="#ffcc00")
    assert nature.not_a_photo(drawing, []) == "this looks like a screenshot or a drawing, not a photo"
    page = Image.new("RGB", (800, 1000), "white")
    lines = [Line("text", 0.9, (50, 50 + 40 * row, 750, 75 + 40 * row)) for row in range(20)]
    assert nature.not_a_photo(page, lines) == "this looks like a document, not a photo of a place"
    photos = sorted((shared / "data" / "photos" / "test_a").iterdir())
    wrong = [path.name for path in photos if nature.not_a_photo(images.open_rgb(path), [])]
    assert len(wrong) <= 1, wrong
