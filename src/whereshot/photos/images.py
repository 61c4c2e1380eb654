"""Decode pictures: from a path, bytes or a PIL image to an upright 8-bit RGB PIL image.

Formats: JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF and HEIC. Limits on bytes and pixels are checked before decoding.
A path may also name a place inside a tar: "shard-00000.tar#1536+48213" is the 48,213 bytes from byte 1,536 on.
"""

from __future__ import annotations

import io
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import simplejpeg
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from whereshot.foundation.errors import ImageError, UnknownFormatError, one_line
from whereshot.photos.picture_bytes import checked_size, contents, is_member

Source = str | Path | bytes | Image.Image

MAX_PIXELS = 2 * (1024**3 // 4 // 3)
"""Pictures with more pixels are refused: Pillow's own limit for decompression bombs, 179 megapixels."""

JPEG = ("JPEG", "MPO")
"""Pillow's names of JPEG. MPO is the format of phones that append a depth map or a second view."""

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIF")
"""The formats that are opened, by Pillow's names.

Pillow's other readers are rarely used; one of them runs Ghostscript.
"""
SUFFIXES = frozenset(
    [".jpg", ".jpeg", ".jpe", ".png", ".webp", ".heic", ".heif", ".hif", ".avif", ".tif", ".tiff", ".gif", ".bmp"]
)

pillow_heif.register_heif_opener()


def printable(name: str) -> str:
    r"""Return a file's name as text that can be written anywhere: bytes that are not UTF-8 become escapes,
    "caf\udce9.png".
    """
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def describe(source: Source) -> str:
    """Return the name of a source in messages: its path, or what kind of source it is."""
    if isinstance(source, bytes):
        return f"picture of {len(source)} bytes"
    return str(source) if isinstance(source, (str, Path)) else "picture"


def open_rgb(source: Source, *, min_side: int | None = None, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode a picture upright, as 8-bit RGB.

    Transparent parts become white; an animation gives its first frame. With ``min_side`` (pixels) a JPEG may be decoded
    at a reduced scale whose shorter side is at least that long, which is much faster for a large photo.
    Raises ImageError with the reason where the picture cannot be read.
    """
    data = bytes_to_scale(source, min_side)
    with opened(source, max_pixels, data) as image:
        return decoded(image, describe(source), min_side, data)


def bytes_to_scale(source: Source, min_side: int | None) -> bytes | None:
    """Return the bytes of a picture that may be decoded at a reduced scale; None where it is decoded whole.

    Raises ImageError where the file cannot be read.
    """
    return None if min_side is None or isinstance(source, Image.Image) else contents(source)


def decoded(image: Image.Image, name: str, min_side: int | None, data: bytes | None) -> Image.Image:
    """Return the upright RGB pixels of an opened picture, as ``open_rgb`` describes them.

    ``name`` stands in errors; ``data`` are the bytes of the picture where ``min_side`` is given. Raises ImageError.
    """
    try:
        scaled = None if min_side is None or data is None else _scaled_jpeg(image, data, min_side)
        if scaled is not None:
            return scaled
        if min_side is not None and image.format in JPEG:
            # draft keeps both sides at or above the size asked for, and never enlarges
            scale = min_side / min(image.size)
            image.draft("RGB", (math.ceil(image.width * scale), math.ceil(image.height * scale)))
        if getattr(image, "is_animated", False):
            image.seek(0)
        image.load()  # Pillow turns a TIFF upright here and removes its orientation tag
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
        return _to_rgb(ImageOps.exif_transpose(image) if turned else image)  # exif_transpose copies an upright picture
    except ImageError:
        raise
    except Exception as error:  # decoders raise anything from OSError to struct.error
        raise damaged(name, error) from error


def damaged(name: str, error: Exception) -> ImageError:
    """Return the error of a picture that cannot be decoded; ``error`` is the decoder's."""
    reason = one_line(error)
    if "truncated" in reason:
        reason = "the file ends too early; copy or download it again"
    return ImageError(f"the picture is damaged ({reason})", name)


def _scaled_jpeg(image: Image.Image, data: bytes, min_side: int) -> Image.Image | None:
    """Return an upright JPEG at the smallest of 1, 2, 4, 6 and 8 eighths that is large enough; None where Pillow must
    decode it.

    Pillow itself decodes only at the scales 1/2, 1/4 and 1/8.
    """
    if image.format not in JPEG or image.mode not in ("RGB", "L"):
        return None
    eighths = min(8, math.ceil(8 * min_side / min(image.size)))
    if eighths > 1 and eighths % 2:  # three, five and seven are slower than the next larger scale, and less accurate
        eighths += 1
    width, height = (math.ceil(length * eighths / 8) for length in image.size)
    try:
        pixels = simplejpeg.decode_jpeg(data, min_width=width, min_height=height, min_factor=1)
    except ValueError:  # damaged: Pillow tolerates more damage and names it better
        return None
    scaled = Image.frombuffer("RGB", pixels.shape[1::-1], pixels, "raw", "RGB", 0, 1)  # copies less than fromarray
    orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    if orientation == 1:
        return scaled
    scaled.getexif()[ExifTags.Base.Orientation] = orientation
    return ImageOps.exif_transpose(scaled)


def opened(
    source: Source, max_pixels: int = MAX_PIXELS, data: bytes | None = None, name: str | None = None
) -> Image.Image:
    """Open a picture and check its size; nothing is decoded yet. Use it in a ``with``.

    ``data`` are the bytes of the file where they have been read already; ``name`` stands in errors. A PIL image is
    copied, so that the caller's image does not change. Raises ImageError.
    """
    name = describe(source) if name is None else name
    if isinstance(source, Image.Image):
        image = source
    else:
        checked_size(source, name)
        if data is None and (isinstance(source, bytes) or is_member(source)):
            data = contents(source)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is checked below
                image = Image.open(source if data is None else io.BytesIO(data), formats=FORMATS)
        except Image.DecompressionBombError as error:
            limit = f"more than {max_pixels / 1e6:.0f} megapixels, the limit; make a smaller copy"
            raise ImageError(limit, name) from error
        except UnidentifiedImageError as error:
            raise UnknownFormatError("not a picture in a known format (JPEG, PNG, WebP, HEIC, ...)", name) from error
        except Exception as error:
            raise ImageError(f"the picture cannot be read ({one_line(error)})", name) from error
    if image.width * image.height > max_pixels:
        size = f"{image.width} x {image.height} is more than {max_pixels / 1e6:.0f} megapixels"
        raise ImageError(f"{size}, the limit; make a smaller copy", name)
    if image is not source:
        return image
    try:
        return source.copy()  # the caller's image stays as it is
    except Exception as error:
        raise damaged(name, error) from error


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_to_8_bit(np.asarray(image))).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _to_8_bit(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Convert 16-bit, 32-bit and float grey values to 8 bits; Pillow's own conversion cuts off at 255 instead."""
    is_16_bit = values.dtype.kind == "u" and values.dtype.itemsize == 2  # in both byte orders
    if is_16_bit or (values.dtype.kind == "i" and values.min() >= 0 and 255 < values.max() < 65536):
        return (values.astype(np.uint32) >> 8).astype(np.uint8)
    if values.dtype.kind == "i" and values.min() >= 0 and values.max() <= 255:
        return values.astype(np.uint8)
    values = np.nan_to_num(values.astype(np.float64))
    low, high = values.min(), values.max()
    grey: NDArray[np.uint8] = ((values - low) / (high - low if high > low else 1) * 255).astype(np.uint8)
    return grey


def is_plain_jpeg(source: Source) -> bool:
    """Return whether this is a JPEG in colour or grey that every decoder can read (not CMYK). Raises ImageError."""
    with opened(source, MAX_PIXELS) as image:
        return image.format in JPEG and image.mode in ("RGB", "L")


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Return the width and height in pixels that an opened picture has when it stands upright, from its header.

    Raises whatever Pillow raises for damaged EXIF.
    """
    exif = image.getexif()
    if exif.get(ExifTags.Base.Orientation, 1) not in (5, 6, 7, 8):
        return image.size
    if image.format == "TIFF":  # new releases of Pillow have turned the size already, so the tags are read
        return exif[ExifTags.Base.ImageLength], exif[ExifTags.Base.ImageWidth]
    return image.height, image.width
