"""One picture to lines: sizes, tiles and limits."""

from __future__ import annotations

from difflib import SequenceMatcher
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from tesseract_program import skip_without
from whereshot.evidence import tesseract
from whereshot.evidence.foreign_lines import LineReader
from whereshot.evidence.ocr import LARGEST_SIDE, LEAST_UNREAD, MOST_TILES, Reader, tiles_of


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


def test_writing_that_is_not_read_is_reported_and_never_becomes_latin(thai_sign: Image.Image) -> None:
    seen = Reader(line_readers=()).see_tiles(tiles_of(thai_sign))
    assert seen.lines == []
    assert {line.script for line in seen.unread} == {"Thai"}
    assert all(line.text == "" and line.confidence >= LEAST_UNREAD for line in seen.unread)


def test_the_script_of_a_mirrored_sign_that_is_not_read_is_that_of_the_sign(khmer_sign: Image.Image) -> None:
    mirrored = khmer_sign.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    unread = [Reader().see_tiles(tiles_of(picture)).unread for picture in (khmer_sign, mirrored)]
    assert [[line.script for line in own] for own in unread] == [["Khmer", "Khmer"]] * 2


def test_tesseract_reads_what_the_package_cannot(thai_sign: Image.Image) -> None:
    skip_without("Thai")
    seen = Reader(line_readers=[LineReader(frozenset({"Thai"}), tesseract.read_lines)]).see_tiles(tiles_of(thai_sign))
    first, second = (line.text for line in seen.lines)
    assert first == "ร้านอาหาร"
    assert second.startswith("ถนนส") and second.endswith("มวิท")
    assert all(line.script == "Thai" and line.confidence > 0.6 for line in seen.lines)
    assert seen.unread == []


@pytest.mark.parametrize("is_mirrored", [False, True])
def test_the_package_reads_other_scripts(thai_sign: Image.Image, is_mirrored: bool) -> None:
    picture = thai_sign.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if is_mirrored else thai_sign
    read = Reader().see_tiles(tiles_of(picture)).lines
    assert [line.script for line in read] == ["Thai", "Thai"]
    for line, text in zip(read, ("ร้านอาหาร", "ถนนสุขุมวิท"), strict=True):
        assert SequenceMatcher(None, line.text, text).ratio() > 0.65


def test_a_small_plate_is_read_although_its_edges_are_in_the_crop(thai_plate: Image.Image) -> None:
    (read,) = Reader().see_tiles(tiles_of(thai_plate)).lines
    assert read.script == "Thai"
    assert SequenceMatcher(None, read.text, "สนามบิน").ratio() > 0.7


def test_a_mirrored_sign_is_read_as_the_sign_itself() -> None:
    sign = Image.open(Path(__file__).parents[2] / "examples" / "village-sign.jpg")
    mirrored = sign.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    straight, back = Reader().read(sign), Reader().read(mirrored)
    assert [line.text for line in back] == [line.text for line in straight] == ["ALTAFULLA", "Ajuntament d'Altafulla"]
    assert all(line.script == "Latin" for line in straight)
