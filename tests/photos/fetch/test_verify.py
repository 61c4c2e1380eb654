"""Bytes from a server: whole pictures get their suffix; pages, thumbnails, placeholders and damage are refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from whereshot.photos.fetch import RefusedError, verify

URL = "http://a.org/x.jpg"


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 256, (64, 80, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [("JPEG", ".jpg"), ("PNG", ".png"), ("WEBP", ".webp"), ("GIF", ".gif"), ("TIFF", ".tif"), ("BMP", ".bmp")],
)
def test_the_suffix_follows_the_bytes_and_not_the_address(kind: str, suffix: str) -> None:
    assert verify.check_picture(encoded(kind), URL) == suffix
    assert suffix in verify.SUFFIXES


def test_bytes_that_are_no_whole_picture() -> None:
    whole = encoded("JPEG")
    for data, reason, detail in (
        (whole[:1024], "too small", f"{URL}: 1024 bytes; photos have more than 1,024"),
        (whole[:-500], "damaged picture", f"{URL}: the picture is damaged ("),
        (b"<html>" * 400, "not a picture", f"{URL}: not a picture in a known format"),
        (encoded("PPM"), "not a picture", f"{URL}: not a picture in a known format"),
    ):
        with pytest.raises(RefusedError) as caught:
            verify.check_picture(data, URL)
        assert caught.value.reason == reason
        assert caught.value.detail.startswith(detail)


@pytest.mark.parametrize(
    ("content_type", "is_refused"),
    [
        ("image/jpeg", False),
        ("IMAGE/PNG; charset=binary", False),
        ("", False),
        ("application/octet-stream", False),
        ("text/html; charset=utf-8", True),
        ("application/json", True),
    ],
)
def test_what_the_server_calls_it(content_type: str, is_refused: bool) -> None:
    if not is_refused:
        verify.check_type(content_type, URL)
        return
    with pytest.raises(RefusedError, match=r"http://a.org/x.jpg: the server sends '\w+/\w+'$"):
        verify.check_type(content_type, URL)


@pytest.mark.parametrize(
    "place", ["http://a.org/photo_unavailable.png", "http://a.org/Image-Not-Found.gif", "http://a.org/removed.png"]
)
def test_redirects_to_a_placeholder(place: str) -> None:
    with pytest.raises(RefusedError) as caught:
        verify.check_place(place, URL)
    assert (caught.value.reason, caught.value.detail) == ("photo no longer available", f"{URL} leads to {place}")
    verify.check_place(place, place)  # a photo that has this name
    verify.check_place("http://a.org/removed/by/crane.jpg", URL)
