"""The coded picture in a file: the same whatever its metadata are, another one for other pixels."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from whereshot.photos import picture_data


def coded(form: str, seed: int = 0, **options: object) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (40, 50, 3), np.uint8)
    held = io.BytesIO()
    Image.fromarray(pixels).resize((200, 160)).save(held, form, **options)
    return held.getvalue()


def exif() -> bytes:
    written = Image.Exif()
    written[0x010F] = "a camera"
    return written.tobytes()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 3}, {"quality": 30}])
def test_a_jpeg_whatever_its_metadata(options: dict) -> None:
    plain = picture_data.digest(coded("JPEG", **options))
    assert plain is not None and len(plain) == 16
    tagged = coded("JPEG", **options, exif=exif(), comment=b"a remark", icc_profile=b"no profile")
    assert picture_data.digest(tagged) == plain
    assert picture_data.digest(tagged + b"\xff\xd8 a second picture, as phones add it") == plain
    assert picture_data.digest(coded("JPEG", 1, **options)) != plain
    assert picture_data.digest(coded("JPEG", **(options | {"quality": 61}))) != plain


def test_a_png_whatever_its_metadata() -> None:
    told = PngImagePlugin.PngInfo()
    told.add_text("Comment", "a remark")
    plain = picture_data.digest(coded("PNG"))
    assert plain is not None and picture_data.digest(coded("PNG", pnginfo=told, exif=exif())) == plain
    assert picture_data.digest(coded("PNG", 1)) != plain


def test_other_formats_and_damage_have_none() -> None:
    assert picture_data.digest(coded("WEBP")) is None and picture_data.digest(b"") is None
    for whole in (coded("JPEG", progressive=True), coded("PNG")):
        for length in range(0, len(whole) - 20, 97):
            assert picture_data.digest(whole[:length]) is None


@given(st.binary(max_size=200), st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b""]))
def test_no_bytes_break_it(content: bytes, head: bytes) -> None:
    found = picture_data.digest(head + content)
    assert found is None or len(found) == 16


@given(st.integers(0xE0, 0xFE).filter(lambda kind: kind < 0xF0 or kind == 0xFE), st.binary(max_size=300))
def test_any_metadata_segment_and_any_chunk_is_left_away(kind: int, content: bytes) -> None:
    jpeg = coded("JPEG")
    segment = bytes([0xFF, kind]) + struct.pack(">H", len(content) + 2) + content
    assert picture_data.digest(jpeg[:2] + segment + jpeg[2:]) == picture_data.digest(jpeg)
    png = coded("PNG")
    chunk = struct.pack(">I", len(content)) + b"tEXt" + content + struct.pack(">I", zlib.crc32(b"tEXt" + content))
    assert picture_data.digest(png[:33] + chunk + png[33:]) == picture_data.digest(png)
