"""Pictures of every kind a user has: decoded upright and right, or refused with one clear line."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image

from conftest import exif
from whereshot.foundation.errors import ImageError
from whereshot.photos import images, picture_bytes
from whereshot.photos.photo import Photo
from whereshot.photos.recorded import Recorded

RED, GREEN, BLUE, YELLOW = (250, 10, 10), (10, 250, 10), (10, 10, 250), (250, 250, 10)
GPS = ExifTags.GPS


def quadrants(height: int = 64, width: int = 96) -> NDArray[np.uint8]:
    """A picture whose corners tell which way up it is: red, green above blue, yellow."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2], picture[: height // 2, width // 2 :] = RED, GREEN
    picture[height // 2 :, : width // 2], picture[height // 2 :, width // 2 :] = BLUE, YELLOW
    return picture


def encoded(picture: Image.Image | NDArray, form: str, **settings: object) -> bytes:
    """The bytes of a picture file."""
    buffer = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(buffer, form, **settings)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing: a decompression bomb of 80 bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def assert_quadrants(image: Image.Image, size: tuple[int, int] = (96, 64), tolerance: int = 40) -> None:
    assert image.mode == "RGB"
    assert image.size == size
    width, height = size
    for at, colour in (
        ((width // 4, height // 4), RED),
        ((3 * width // 4, height // 4), GREEN),
        ((width // 4, 3 * height // 4), BLUE),
        ((3 * width // 4, 3 * height // 4), YELLOW),
    ):
        assert np.abs(np.subtract(image.getpixel(at), colour)).max() <= tolerance, (at, image.getpixel(at))


# --- what is opened


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "HEIF", "AVIF", "GIF"])
def test_formats(form: str, tmp_path: Path) -> None:
    data = encoded(quadrants(), form)
    assert_quadrants(images.open_rgb(data))
    path = tmp_path / "photo"  # without a suffix: the content counts
    path.write_bytes(data)
    assert_quadrants(images.open_rgb(path))
    assert_quadrants(images.open_rgb(str(path)))


def test_pil_input_stays_as_it_is() -> None:
    given = Image.fromarray(quadrants()).convert("RGBA")
    opened = images.open_rgb(given)
    assert_quadrants(opened)
    assert given.mode == "RGBA"
    opened.putpixel((0, 0), (1, 2, 3))
    assert given.getpixel((0, 0)) == (*RED, 255)


def test_rgb_pil_input_is_copied() -> None:
    given = Image.fromarray(quadrants())
    images.open_rgb(given).putpixel((0, 0), (1, 2, 3))
    assert given.getpixel((0, 0)) == RED


# EXIF 2.32: which side of the upright picture the stored rows and columns start at
STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: upright.swapaxes(0, 1)[::-1],
    7: lambda upright: upright.swapaxes(0, 1)[::-1, ::-1],
    8: lambda upright: upright.swapaxes(0, 1)[:, ::-1],
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_every_orientation_comes_out_upright(orientation: int, form: str) -> None:
    stored = np.ascontiguousarray(STORED[orientation](quadrants()))
    data = encoded(stored, form, exif=exif(orientation=orientation).tobytes())
    assert_quadrants(images.open_rgb(data))
    assert_quadrants(images.open_rgb(Image.open(io.BytesIO(data))))
    upright = images.open_rgb(data)
    assert_quadrants(images.open_rgb(upright))  # not turned a second time


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_rotated_heic_comes_out_upright(orientation: int) -> None:
    """HEIC turns by its own boxes, and keeps the EXIF tag beside them: turning twice is the classic fault."""
    stored = np.ascontiguousarray(STORED[orientation](quadrants()))
    data = encoded(stored, "HEIF", exif=exif(orientation=orientation).tobytes(), quality=95)
    assert_quadrants(images.open_rgb(data))


def test_orientation_with_a_reduced_decode() -> None:
    stored = np.ascontiguousarray(STORED[6](quadrants(640, 960)))
    data = encoded(stored, "JPEG", exif=exif(orientation=6).tobytes())
    assert_quadrants(images.open_rgb(data, min_side=80), size=(120, 80))


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_animation_gives_its_first_frame(form: str) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, BLUE, GREEN)]
    data = encoded(frames[0], form, save_all=True, append_images=frames[1:], duration=50)
    assert getattr(Image.open(io.BytesIO(data)), "n_frames", 1) == 3
    assert np.abs(np.subtract(images.open_rgb(data).getpixel((8, 8)), RED)).max() < 12


def test_phone_picture_with_a_second_one_behind() -> None:
    """MPO: a JPEG with a depth map or a second view; it too may be decoded at a reduced scale."""
    first, second = Image.fromarray(quadrants(640, 960)), Image.new("RGB", (960, 640), "white")
    data = encoded(first, "MPO", save_all=True, append_images=[second])
    assert Image.open(io.BytesIO(data)).format == "MPO"
    assert_quadrants(images.open_rgb(data), size=(960, 640))
    assert_quadrants(images.open_rgb(data, min_side=80), size=(120, 80))


def test_cmyk_jpeg() -> None:
    data = encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)
    image = images.open_rgb(data, min_side=8)
    assert image.mode == "RGB"
    assert np.abs(np.subtract(image.getpixel((4, 4)), (255, 0, 0))).max() < 20


def test_grey_jpeg_and_bilevel() -> None:
    assert images.open_rgb(encoded(Image.new("L", (8, 8), 90), "JPEG")).getpixel((1, 1)) == (90, 90, 90)
    assert images.open_rgb(encoded(Image.new("1", (8, 8), 1), "PNG")).getpixel((1, 1)) == (255, 255, 255)


def big_endian_tiff(grey: NDArray[np.uint16]) -> bytes:
    """A 16-bit grey TIFF as a Macintosh or a scanner writes it."""
    height, width = grey.shape
    data = grey.astype(">u2").tobytes()
    entries = [(256, 3, width), (257, 3, height), (258, 3, 16), (259, 3, 1), (262, 3, 1)]
    entries += [(273, 4, 8), (277, 3, 1), (278, 3, height), (279, 4, len(data))]
    folder = struct.pack(">H", len(entries))
    for tag, kind, value in entries:
        folder += struct.pack(">HHI", tag, kind, 1)
        folder += struct.pack(">HH", value, 0) if kind == 3 else struct.pack(">I", value)
    return b"MM\0*" + struct.pack(">I", 8 + len(data)) + data + folder + bytes(4)


@pytest.mark.parametrize("darker", [1, 8, 300])
@pytest.mark.parametrize("form", ["PNG", "TIFF", "big-endian TIFF"])
def test_16_bit_grey_is_scaled(form: str, darker: int) -> None:
    """Pillow's own conversion cuts everything above 255 to white; stretching would make night day."""
    grey = (np.arange(0, 65536, 256, dtype=np.uint16) // darker).reshape(16, 16)
    data = big_endian_tiff(grey) if form == "big-endian TIFF" else encoded(grey, form)
    opened = np.asarray(images.open_rgb(data))
    np.testing.assert_array_equal(opened, np.repeat((grey >> 8)[..., None], 3, axis=-1))


@pytest.mark.parametrize(
    ("grey", "expected"),
    [
        (np.array([[0, 128, 255]], np.int32), [0, 128, 255]),  # 8 bits in a wide type
        (np.array([[0, 256, 65535]], np.int32), [0, 1, 255]),  # 16 bits in a wide type
        (np.array([[-100, 0, 100]], np.int32), [0, 127, 255]),  # elevations and the like: their own range
        (np.array([[0.0, 0.5, 1.0]], np.float32), [0, 127, 255]),
        (np.array([[7.0, 7.0, 7.0]], np.float32), [0, 0, 0]),
    ],
)
def test_wide_grey(grey: NDArray, expected: list[int]) -> None:
    assert np.asarray(images.open_rgb(encoded(grey, "TIFF")))[0, :, 0].tolist() == expected


def test_transparent_parts_are_white() -> None:
    """The colour under full transparency is whatever the program left there, mostly black."""
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([0, 0, 0, *RED])
    palette.putpixel((0, 0), 1)
    rgba = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    rgba.putpixel((0, 0), (*RED, 255))
    rgb = Image.new("RGB", (4, 4), (0, 0, 0))
    rgb.putpixel((0, 0), RED)
    for data in (
        encoded(palette, "PNG", transparency=0),
        encoded(palette, "GIF", transparency=0),
        encoded(rgba, "PNG"),
        encoded(rgba, "WEBP", lossless=True),
        encoded(rgb, "PNG", transparency=(0, 0, 0)),
    ):
        image = images.open_rgb(data)
        assert image.getpixel((3, 3)) == (255, 255, 255)
        assert image.getpixel((0, 0)) == RED
    grey = encoded(Image.new("LA", (4, 4), (0, 0)), "PNG")
    assert images.open_rgb(grey).getpixel((1, 1)) == (255, 255, 255)
    half = images.open_rgb(encoded(Image.new("RGBA", (4, 4), (0, 0, 0, 128)), "PNG"))
    assert half.getpixel((1, 1)) == (127, 127, 127)


# --- the reduced decode


def scene(height: int, width: int) -> Image.Image:
    """Waves of many lengths, with grain: neither flat nor noise."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:height, :width] / 640
    picture = np.zeros((height, width, 3))
    for _ in range(8):
        fx, fy = rng.normal(0, 60, 2)
        picture += np.cos(fx * x + fy * y + rng.uniform(0, 6))[..., None] * rng.uniform(0, 24, 3)
    return Image.fromarray(np.clip(128 + picture + rng.normal(0, 6, picture.shape), 0, 255).astype(np.uint8))


@pytest.mark.parametrize("size", [(1200, 1600), (1601, 1203), (500, 2000), (700, 230)])
def test_reduced_decode_keeps_the_side_and_the_picture(size: tuple[int, int]) -> None:
    data = encoded(scene(*size), "JPEG", quality=90)
    full, reduced = images.open_rgb(data), images.open_rgb(data, min_side=224)
    assert full.size == size[::-1]
    assert min(reduced.size) >= 224
    assert min(reduced.size) < 2 * 224 or reduced.size == full.size  # no more than one halving is left over
    assert reduced.width / reduced.height == pytest.approx(full.width / full.height, rel=0.01)
    target = (round(224 * full.width / min(full.size)), round(224 * full.height / min(full.size)))
    one, other = (np.asarray(i.resize(target, Image.Resampling.BICUBIC), float) for i in (full, reduced))
    assert np.abs(one - other).mean() < 4  # of 255; bicubic against bilinear is 2 to 3
    assert abs((one - other).mean()) < 0.3


def test_reduced_decode_of_real_photos(shared: Path) -> None:
    """At most one of 255 from what a full decode gives, on average, where half as much again is asked for."""
    differences = []
    for path in sorted((shared / "data" / "photos").rglob("*.jpg"))[::5]:
        if min(Photo(path).size) < 700:
            continue
        full, reduced = images.open_rgb(path), images.open_rgb(path, min_side=336)
        assert 336 <= min(reduced.size) < min(full.size)
        one, other = (np.asarray(i.resize((224, 224), Image.Resampling.BICUBIC), float) for i in (full, reduced))
        differences.append(np.abs(one - other).mean())
        assert abs((one - other).mean()) < 0.3, path.name
        if len(differences) == 16:
            break
    assert differences and np.mean(differences) < 1.0 and max(differences) < 2.0


@pytest.mark.parametrize(
    ("short", "expected"),
    {100: 100, 150: 150, 151: 151, 199: 199, 200: 150, 263: 198, 300: 150, 301: 151, 400: 200, 401: 201}.items()
    | {599: 300, 600: 150, 601: 151, 1199: 300, 1200: 150, 1201: 151}.items(),
)
def test_a_reduced_decode_is_as_small_as_may_be(short: int, expected: int) -> None:
    """One, two, four, six or eight eighths, never below the side asked for."""
    data = encoded(quadrants(short, short * 3 // 2), "JPEG", quality=95)
    image = images.open_rgb(data, min_side=150)
    assert image.height == expected
    assert_quadrants(image, size=(image.width, expected))
    assert image.width == pytest.approx(expected * 1.5, abs=1.5)


@pytest.mark.parametrize("kind", ["grey", "progressive", "4:4:4", "4:2:2", "CMYK"])
def test_reduced_decodes_agree_with_full_ones(kind: str) -> None:
    y, x = np.mgrid[0:600, 0:800]
    waves = 127 + 60 * np.sin(x / 31) + 60 * np.cos(y / 23)
    picture = Image.fromarray(np.stack([waves, 255 - waves, waves / 2], axis=-1).astype(np.uint8))
    if kind in ("grey", "CMYK"):
        picture = picture.convert("L" if kind == "grey" else "CMYK")
    options = {"progressive": kind == "progressive"} | ({"subsampling": kind} if kind.startswith("4") else {})
    data = encoded(picture, "JPEG", quality=95, **options)
    full, reduced = images.open_rgb(data), images.open_rgb(data, min_side=150)
    assert reduced.mode == "RGB" and min(reduced.size) < 600
    one, other = (np.asarray(image.resize((133, 100), Image.Resampling.BICUBIC), float) for image in (full, reduced))
    assert np.abs(one - other).mean() < 1


@pytest.mark.parametrize("min_side", [None, 30, 112, 500])
def test_a_broken_tail_is_refused_at_every_scale(min_side: int | None, rng: np.random.Generator) -> None:
    data = encoded(rng.integers(0, 255, (300, 400, 3), np.uint8), "JPEG")
    for share in (0.5, 0.95):
        cut = data[: int(len(data) * share)]
        with pytest.raises(ImageError, match="the picture is damaged"):
            images.open_rgb(cut, min_side=min_side)


@pytest.mark.parametrize("min_side", [None, 30])
def test_a_picture_in_a_tar(tmp_path: Path, min_side: int | None) -> None:
    data = encoded(np.ascontiguousarray(STORED[6](quadrants())), "JPEG", exif=exif(1.5, 2.5, orientation=6).tobytes())
    (tmp_path / "shard.tar").write_bytes(b"x" * 700 + data + b"x" * 700)
    source = picture_bytes.member(tmp_path / "shard.tar", 700, len(data))
    for given in (source, Path(source)):
        image = images.open_rgb(given, min_side=min_side)
        assert_quadrants(image, size=image.size)
        assert Photo(given).recorded.latitude == 1.5
        assert Photo(given).size == (96, 64)
    wrong = picture_bytes.member(tmp_path / "shard.tar", 0, 700)
    assert refused(wrong) == f"{wrong}: not a picture in a known format (JPEG, PNG, WebP, HEIC, ...)"


def test_a_small_picture_is_not_enlarged() -> None:
    assert images.open_rgb(encoded(quadrants(), "JPEG"), min_side=500).size == (96, 64)
    assert images.open_rgb(encoded(quadrants(), "PNG"), min_side=10).size == (96, 64)  # only JPEG can do it


# --- what is refused


def refused(source: images.Source, **settings: int) -> str:
    with pytest.raises(ImageError) as caught:
        images.open_rgb(source, **settings)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_text_file(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_text("this is no picture\n")
    expected = f"{path}: not a picture in a known format (JPEG, PNG, WebP, HEIC, ...)"
    assert refused(path) == expected
    with pytest.raises(ImageError) as caught:
        _ = Photo(path).recorded
    assert str(caught.value) == expected


def test_empty_missing_and_folder(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jpg"
    empty.touch()
    assert refused(empty) == f"{empty}: the file is empty"
    assert refused(b"") == "picture of 0 bytes: the file is empty"
    assert refused(tmp_path / "none.jpg") == f"{tmp_path / 'none.jpg'}: no such file"
    assert refused(str(tmp_path / "none.jpg")) == f"{tmp_path / 'none.jpg'}: no such file"
    assert refused(tmp_path) == f"{tmp_path}: a folder, not a picture"
    assert refused(b"GIF89a no more").startswith("picture of 14 bytes: ")
    long = "a" * 300
    assert refused(long) == f"{long}: cannot be opened (File name too long)"
    assert refused("a\0b.jpg") == "a\0b.jpg: cannot be opened (embedded null byte)"
    assert refused(empty / "inside.jpg") == f"{empty / 'inside.jpg'}: cannot be opened (Not a directory)"


def test_truncated_jpeg(tmp_path: Path, rng: np.random.Generator) -> None:
    data = encoded(rng.integers(0, 255, (200, 300, 3), np.uint8), "JPEG")[:9000]
    path = tmp_path / "half.jpg"
    path.write_bytes(data)
    for source, name in (
        (path, str(path)),
        (data, "picture of 9000 bytes"),
        (Image.open(io.BytesIO(data)), "picture"),  # opened by the caller, and not yet decoded
    ):
        message = refused(source)
        assert message == f"{name}: the picture is damaged (the file ends too early; copy or download it again)"


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF", "HEIF"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_truncated_others(form: str, share: float, rng: np.random.Generator) -> None:
    data = encoded(rng.integers(0, 255, (60, 80, 3), np.uint8), form)
    cut = data[: int(len(data) * share)]
    assert refused(cut).startswith(f"picture of {len(cut)} bytes: ")


def test_decompression_bomb(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(60_000, 60_000))
    assert path.stat().st_size < 100
    assert refused(path) == f"{path}: more than 179 megapixels, the limit; make a smaller copy"
    with pytest.raises(ImageError, match="more than 179 megapixels"):
        _ = Photo(path).recorded


def test_a_limit_of_ones_own() -> None:
    data = png_header(2000, 1500)
    assert refused(data, max_pixels=2_000_000) == (
        f"picture of {len(data)} bytes: 2000 x 1500 is more than 2 megapixels, the limit; make a smaller copy"
    )
    assert refused(Image.new("1", (2000, 1500)), max_pixels=2_000_000) == (
        "picture: 2000 x 1500 is more than 2 megapixels, the limit; make a smaller copy"
    )
    assert images.open_rgb(Image.new("1", (2000, 1500)), max_pixels=3_000_000).size == (2000, 1500)


def test_the_limit_comes_before_the_decoder() -> None:
    """An opened, undecoded picture that is too large is refused for its size, not decoded first."""
    opened = Image.open(io.BytesIO(png_header(9000, 9000)))
    assert refused(opened, max_pixels=1_000_000).startswith("picture: 9000 x 9000 is more than 1 megapixels")


def test_large_but_allowed_is_silent() -> None:
    """Pillow warns from 89 megapixels on; up to our limit nobody needs to hear it."""
    tiny = encoded(Image.new("P", (1, 1)), "GIF")
    data = tiny[:6] + struct.pack("<HH", 12_000, 12_000) + tiny[10:]  # the screen is large, its one frame is not
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Photo(data).recorded == Recorded()


def test_file_larger_than_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "huge.jpg"
    with path.open("wb") as file:
        file.truncate(300 * 1024**2)  # sparse: takes no room
    assert refused(path) == f"{path}: 300 MiB; the limit is 256 MiB"


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("junk", [b"Exif\0\0garbage!garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"])
def test_damaged_exif_spoils_nothing(junk: bytes) -> None:
    data = encoded(quadrants(), "JPEG", exif=junk)
    assert_quadrants(images.open_rgb(data))
    assert Photo(data).recorded.latitude is None


def test_describe() -> None:
    assert images.describe("a/b.jpg") == images.describe(Path("a/b.jpg")) == "a/b.jpg"
    assert images.describe(b"1234") == "picture of 4 bytes"
    assert images.describe(Image.new("L", (1, 1))) == "picture"


def test_a_postscript_file_is_not_opened(tmp_path: Path) -> None:
    """Pillow would start Ghostscript for it."""
    path = tmp_path / "drawing.jpg"
    Image.new("RGB", (40, 30), "red").save(path, "EPS")
    with pytest.raises(ImageError, match=r"drawing\.jpg: not a picture in a known format"):
        images.open_rgb(path)
