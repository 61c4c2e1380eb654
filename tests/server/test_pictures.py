"""Uploaded pictures: what is refused, and what of their metadata remains."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from conftest import MakePicture
from http_client import JPEG, ask, is_problem, picture
from serving_process import Server
from whereshot.foundation.errors import ImageError
from whereshot.photos import images
from whereshot.photos.recorded import Recorded
from whereshot.server import pictures


def bomb(width: int, height: int) -> bytes:
    """A small PNG of very many black pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zeros((3 * width + 1) * height))
        + chunk(b"IEND", b"")
    )


def zeros(count: int) -> bytes:
    """Zero bytes, compressed by zlib. One compressed block is repeated: to compress a gigabyte takes seconds."""
    megabyte = 1 << 20
    block = zlib.compressobj(9, wbits=-15)
    repeated = block.compress(bytes(megabyte)) + block.flush(zlib.Z_FULL_FLUSH)
    rest = zlib.compressobj(9, wbits=-15)
    end = rest.compress(bytes(count % megabyte)) + rest.flush()
    checksum = (count % 65521) << 16 | 1  # Adler-32 of zeros
    return b"\x78\xda" + repeated * (count // megabyte) + end + struct.pack(">I", checksum)


def test_the_bomb_is_a_whole_picture() -> None:
    assert zlib.decompress(zeros(3_000_000)) == bytes(3_000_000)
    with Image.open(io.BytesIO(bomb(50, 40))) as picture_:
        assert picture_.convert("L").getextrema() == (0, 0)


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.class", "x" * 100)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (bomb(5000, 4000), "5000 x 4000 is more than 5 megapixels, the limit"),
        (bomb(40_000, 8000), "megapixels, the limit"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "not a picture in a known format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run", "not a picture in a known format"),
        (JPEG + zipped(), "there is another file in this picture"),
        (picture("PNG") + zipped(), "there is another file in this picture"),
        (picture("GIF") + zipped(), "there is another file in this picture"),
        (JPEG[:2] + b"\xff\xfe\x00\x12<script>alert(1)" + JPEG[2:], "there is another file in this picture"),
        (picture("BMP") + b"%PDF-1.7", "there is another file in this picture"),
        (JPEG[:400], "damaged"),
        (b"\xff\xd8\xff", "damaged"),
        (b"", "not a picture"),
    ],
    ids=[
        "bomb",
        "big bomb",
        "svg",
        "eps",
        "jpeg+zip",
        "png+zip",
        "gif+zip",
        "comment",
        "bmp+pdf",
        "cut",
        "stub",
        "empty",
    ],
)
def test_what_is_no_plain_picture_is_refused(server: Server, content: bytes, said: str) -> None:
    response = ask(server, content)
    is_problem(response, 422, said)
    assert response.elapsed.total_seconds() < 5


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF", "TIFF", "BMP", "MPO"])
def test_every_format_is_answered(server: Server, form: str) -> None:
    assert ask(server, picture(form)).json()["predictions"][0]["error"] is None


def form(parts: list[tuple[str, bytes]]) -> bytes:
    body = b"".join(
        b'--B\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), content)
        for name, content in parts
    )
    return body + b"--B--\r\n"


def secret_jpeg(make: MakePicture, folder: Path) -> bytes:
    """A JPEG with everything that programs write into one, each part holding the word SECRET."""
    path = make(folder / "a.jpg", 45.08, 13.64, orientation=6, make="SECRET")
    with Image.open(path) as image:
        out = io.BytesIO()
        image.save(
            out, "JPEG", exif=image.getexif().tobytes(), comment=b"SECRET", xmp=b"<x>SECRET</x>", icc_profile=b"SECRET"
        )
    return out.getvalue()


def test_a_jpeg_keeps_its_pixels_and_nothing_else(jpeg_with_position: MakePicture, tmp_path: Path) -> None:
    content = secret_jpeg(jpeg_with_position, tmp_path)
    assert content.count(b"SECRET") == 4
    plain = pictures.without_metadata(content, pictures.admit(content, 10**6), 10**6)
    assert isinstance(plain.source, bytes) and b"SECRET" not in plain.source
    assert plain.recorded == Recorded(), "neither position, nor time, nor camera"
    assert np.array_equal(np.asarray(plain.rgb()), np.asarray(images.open_rgb(content))), "as upright as before"
    assert plain.size == (32, 48)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "MPO"])
@pytest.mark.parametrize("progressive", [False, True])
def test_no_pixel_changes(form: str, progressive: bool, rng: np.random.Generator) -> None:
    out = io.BytesIO()
    pixels = Image.fromarray(rng.integers(0, 255, (40, 60, 3), np.uint8))
    pixels.save(out, form, **({"progressive": progressive} if form == "JPEG" else {}))
    content = out.getvalue()
    plain = pictures.without_metadata(content, pictures.admit(content, 10**6), 10**6)
    assert np.array_equal(np.asarray(plain.rgb()), np.asarray(images.open_rgb(content)))


def test_text_in_a_png_goes(tmp_path: Path) -> None:
    told = PngImagePlugin.PngInfo()
    told.add_text("Comment", "SECRET")
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png", pnginfo=told)
    content = (tmp_path / "a.png").read_bytes()
    plain = pictures.without_metadata(content, pictures.admit(content, 10**6), 10**6)
    assert isinstance(plain.source, Image.Image) and plain.source.info == {}
    assert plain.rgb().info == {}


def test_what_phones_append_is_no_second_file() -> None:
    out = io.BytesIO()
    Image.new("RGB", (64, 64)).save(out, "JPEG")
    video = b"\0\0\0\x18ftypmp42" + np.random.default_rng(0).bytes(200_000)
    content = out.getvalue() + video
    plain = pictures.without_metadata(content, pictures.admit(content, 10**6), 10**6)
    assert isinstance(plain.source, bytes) and len(plain.source) <= len(out.getvalue()), "and it goes, too"


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's remarks on them
@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_refused_in_one_way(content: bytes) -> None:
    for start in (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"II*\0"):
        try:
            form = pictures.admit(start + content, 10**6)
            pictures.without_metadata(start + content, form, 10**6)
        except ImageError as error:
            assert "\n" not in str(error)
