"""One picture to lines: sizes, tiles and limits."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

from whereshot.evidence.ocr import LARGEST_SIDE, MOST_TILES, Reader, tiles_of


def test_a_panorama_is_read_in_a_bounded_number_of_bounded_tiles() -> None:
    tiles = tiles_of(Image.new("RGB", (12_000, 2_000)))
    assert 1 < len(tiles) <= MOST_TILES
    assert all(max(tile.size) <= LARGEST_SIDE for tile, *_ in tiles)
    (whole,) = tiles_of(Image.new("RGB", (8000, 6000)))
    assert max(whole[0].size) == LARGEST_SIDE


def test_boxes_of_a_large_picture_are_in_its_own_pixels() -> None:
    image = Image.new("RGB", (3200, 2400), "white")
    ImageDraw.Draw(image).text((2000, 1800), "KOMMUNE", font=ImageFont.load_default(160), fill="black")
    (found,) = Reader().read(image)
    assert found.text == "KOMMUNE"
    assert 1950 < found.box[0] < 2060 and 1750 < found.box[1] < 1900
