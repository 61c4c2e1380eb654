"""Pictures: a path, bytes or a PIL image in; an upright 8-bit RGB PIL image, or the EXIF position and time, out.

JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF and HEIC. Limits on bytes and pixels are checked before anything is decoded.
A path may also name a place inside a tar: "shard-00000.tar#1536+48213" is the 48,213 bytes from byte 1,536 on.
"""

from __future__ import annotations

import datetime
import io
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import simplejpeg
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from whereshot.earth import coordinates
from whereshot.foundation import quiet
from whereshot.foundation.errors import ImageError
from whereshot.photos.picture_bytes import checked_size, contents, is_member

Source = str | Path | bytes | Image.Image

MAX_PIXELS = 2 * (1024**3 // 4 // 3)
"""Pixels above which a picture is refused: Pillow's own bomb limit, 179 megapixels."""

JPEG = ("JPEG", "MPO")
"""Pillow's names of JPEG: MPO is a phone's, with a depth map or a second view behind."""

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIF")
"""What is opened at all, as Pillow names it: its other readers are less used, and one of them starts Ghostscript."""
SUFFIXES = frozenset(
    [".jpg", ".jpeg", ".jpe", ".png", ".webp", ".heic", ".heif", ".hif", ".avif", ".tif", ".tiff", ".gif", ".bmp"]
)

pillow_heif.register_heif_opener()
quiet.silence_libtiff()


def printable(name: str) -> str:
    r"""A file's name as text that can be written anywhere: bytes that are no UTF-8 as escapes, "caf\udce9.png"."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def describe(source: Source) -> str:
    """How a source is called in messages: its path, or what it is."""
    if isinstance(source, bytes):
        return f"picture of {len(source)} bytes"
    return str(source) if isinstance(source, (str, Path)) else "picture"


def open_rgb(source: Source, *, min_side: int | None = None, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode a picture upright, as 8-bit RGB; transparent parts on white, the first frame of an animation.

    With ``min_side`` a JPEG may be decoded at a reduced DCT scale, with its shorter side at least that long: much
    faster for a large photo and a small target. Raises ImageError with the reason.
    """
    name = describe(source)
    data = None if min_side is None or isinstance(source, Image.Image) else contents(source)
    with _opened(source, max_pixels, data) as image:
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
            image.load()
            turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
            return _to_rgb(ImageOps.exif_transpose(image) if turned else image)  # which would copy what stands upright
        except ImageError:
            raise
        except Exception as error:  # decoders raise anything from OSError to struct.error
            raise ImageError(f"{name}: the picture is damaged ({_one_line(error)})") from error


def _scaled_jpeg(image: Image.Image, data: bytes, min_side: int) -> Image.Image | None:
    """An upright JPEG at the smallest of 1, 2, 4, 6 and 8 eighths that will do; None where Pillow must judge it.

    Pillow itself knows the scales 1/2, 1/4 and 1/8 alone.
    """
    if image.format not in JPEG or image.mode not in ("RGB", "L"):
        return None
    eighths = min(8, math.ceil(8 * min_side / min(image.size)))
    if eighths > 1 and eighths % 2:  # three, five and seven are slower to decode than the next, and less true
        eighths += 1
    width, height = (math.ceil(length * eighths / 8) for length in image.size)
    try:
        pixels = simplejpeg.decode_jpeg(data, min_width=width, min_height=height, min_factor=1)
    except ValueError:  # of damage, which Pillow knows better to forgive or to name
        return None
    scaled = Image.frombuffer("RGB", pixels.shape[1::-1], pixels, "raw", "RGB", 0, 1)  # copies less than fromarray
    orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    if orientation == 1:
        return scaled
    scaled.getexif()[ExifTags.Base.Orientation] = orientation
    return ImageOps.exif_transpose(scaled)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _opened(source: Source, max_pixels: int, data: bytes | None = None) -> Image.Image:
    """The lazily opened picture, its size checked; nothing is decoded yet. ``data`` is its bytes, if they are read."""
    name = describe(source)
    if isinstance(source, Image.Image):
        image = source
    else:
        checked_size(source)
        if data is None and (isinstance(source, bytes) or is_member(source)):
            data = contents(source)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit follows
                image = Image.open(source if data is None else io.BytesIO(data), formats=FORMATS)
        except Image.DecompressionBombError as error:
            raise ImageError(
                f"{name}: more than {max_pixels / 1e6:.0f} megapixels, the limit; make a smaller copy"
            ) from error
        except UnidentifiedImageError as error:
            raise ImageError(f"{name}: not a picture in a known format (JPEG, PNG, WebP, HEIC, ...)") from error
        except Exception as error:
            raise ImageError(f"{name}: the picture cannot be read ({_one_line(error)})") from error
    if image.width * image.height > max_pixels:
        raise ImageError(
            f"{name}: {image.width} x {image.height} is more than {max_pixels / 1e6:.0f} megapixels, "
            "the limit; make a smaller copy"
        )
    if image is not source:
        return image
    try:
        return source.copy()  # the caller's own stays as it is
    except Exception as error:
        raise ImageError(f"{name}: the picture is damaged ({_one_line(error)})") from error


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
    """16-bit, 32-bit and float grey values to 8 bits; Pillow's own conversion cuts off at 255 instead."""
    is_16_bit = values.dtype.kind == "u" and values.dtype.itemsize == 2  # of either byte order
    if is_16_bit or (values.dtype.kind == "i" and values.min() >= 0 and 255 < values.max() < 65536):
        return (values.astype(np.uint32) >> 8).astype(np.uint8)
    if values.dtype.kind == "i" and values.min() >= 0 and values.max() <= 255:
        return values.astype(np.uint8)
    values = np.nan_to_num(values.astype(np.float64))
    low, high = values.min(), values.max()
    grey: NDArray[np.uint8] = ((values - low) / (high - low if high > low else 1) * 255).astype(np.uint8)
    return grey


def format_of(source: Source) -> str | None:
    """What a picture is stored as, in Pillow's word: "JPEG", "PNG", ...; None for one in memory. Raises ImageError."""
    with _opened(source, MAX_PIXELS) as image:
        return image.format


def is_plain_jpeg(source: Source) -> bool:
    """Whether this is a JPEG in colour or grey, as every decoder knows it (CMYK is not). Raises ImageError."""
    with _opened(source, MAX_PIXELS) as image:
        return image.format in JPEG and image.mode in ("RGB", "L")


def upright_size(source: Source) -> tuple[int, int]:
    """Width and height in pixels of a picture as ``open_rgb`` shows it whole, from its header. Raises ImageError."""
    with _opened(source, MAX_PIXELS) as image:
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
        return (image.height, image.width) if turned else image.size


@dataclass(frozen=True)
class Recorded:
    """What a camera wrote into a picture: position in degrees, time, accuracy and camera, each None where absent.

    ``taken_at`` is UTC unless ``taken_at_is_local``; ``clock`` is what the camera's own clock showed, of no zone.
    ``problem`` says why a position that is there is unusable.
    """

    latitude: float | None = None
    longitude: float | None = None
    accuracy_km: float | None = None
    taken_at: datetime.datetime | None = None
    taken_at_is_local: bool = False
    clock: datetime.datetime | None = None
    camera: str | None = None
    problem: str | None = None


def read_recorded(source: Source) -> Recorded:
    """The EXIF position, time and camera of a picture, without decoding its pixels. Raises ImageError."""
    with _opened(source, MAX_PIXELS) as image:
        try:
            exif = image.getexif()
            details = exif.get_ifd(ExifTags.IFD.Exif)
            gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
        except Exception as error:
            return Recorded(problem=f"EXIF is damaged ({_one_line(error)})")
        latitude, longitude, problem = _position(gps)
        clock = _clock(exif, details)
        taken_at, is_local = _time(clock, details, gps)
        accuracy = _number(gps.get(ExifTags.GPS.GPSHPositioningError))
        return Recorded(
            latitude=latitude,
            longitude=longitude,
            accuracy_km=accuracy / 1000 if accuracy is not None and accuracy > 0 else None,
            taken_at=taken_at,
            taken_at_is_local=is_local,
            clock=clock,
            camera=_camera(exif),
            problem=problem,
        )


def _number(value: Any) -> float | None:
    """A finite float of an EXIF rational, or None (0/0 is NaN, 1/0 raises or is infinite)."""
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) else None


def _text(value: Any) -> str:
    text = value.decode("ascii", "ignore") if isinstance(value, bytes) else str(value or "")
    return text.replace("\x00", "").strip()


def _position(gps: dict[int, Any]) -> tuple[float | None, float | None, str | None]:
    """Latitude, longitude and what is wrong with them; all None where a camera has written no position."""
    values: list[float] = []
    for tag, reference_tag, limit, axis in (
        (ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, 90, "latitude"),
        (ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, 180, "longitude"),
    ):
        raw = gps.get(tag)
        parts = () if raw is None or raw == "" else raw if isinstance(raw, (tuple, list)) else (raw,)
        if all(_is_unset(part) for part in parts):
            return None, None, None if not values else f"EXIF has no {axis}"
        found = _known_parts(parts)
        numbers = [number for number in found if number is not None]
        if len(numbers) < len(found) or not 1 <= len(numbers) <= 3:
            return None, None, f"EXIF {axis} is not a number: {_shown(raw)}"
        try:
            letter = coordinates.read_hemisphere(_text(gps.get(reference_tag)), axis)
            degrees = coordinates.combine(numbers, axis, letter)
        except coordinates.CoordinateError as error:
            return None, None, f"EXIF {error}"
        if not letter and degrees >= 0:  # a minus sign needs no letter
            positive, negative = coordinates.HEMISPHERES[axis]
            return None, None, f"EXIF {axis} has no hemisphere ({positive} or {negative}); got ''"
        if abs(degrees) > limit:
            return None, None, f"EXIF {axis} {abs(degrees):g} lies outside -{limit} to {limit}"
        values.append(degrees)
    return values[0], values[1], None


def _is_unset(part: Any) -> bool:
    """Whether an EXIF number is 0/0, as cameras write it without a satellite fix."""
    return getattr(part, "numerator", None) == 0 and getattr(part, "denominator", None) == 0


def _known_parts(parts: Sequence[Any]) -> list[float | None]:
    """Degrees, minutes and seconds; a 0/0 at the end is left out where the part before it has a fraction or is minutes.

    Degrees without a fraction and without minutes are no position: it would be up to 111 km off.
    """
    numbers = [_number(part) for part in parts]
    known = list(numbers)
    while known and _is_unset(parts[len(known) - 1]):
        known.pop()
    is_exact = len(known) >= 2 or (len(known) == 1 and known[0] is not None and known[0] % 1 != 0)
    return known if is_exact else numbers


def _shown(raw: Any) -> str:
    parts = raw if isinstance(raw, (tuple, list)) else (raw,)
    shown = []
    for part in parts:
        numerator, denominator = getattr(part, "numerator", part), getattr(part, "denominator", 1)
        shown.append(f"{numerator}/{denominator}" if denominator != 1 else f"{numerator}")
    return ", ".join(shown)[:80]


def _clock(exif: Any, details: dict[int, Any]) -> datetime.datetime | None:
    text = _text(details.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime))
    return _parsed(text, "%Y:%m:%d %H:%M:%S")


def _time(
    local: datetime.datetime | None, details: dict[int, Any], gps: dict[int, Any]
) -> tuple[datetime.datetime | None, bool]:
    """The time of taking: in UTC where the offset or the satellite time is known, else as the camera's local time."""
    offset = _text(details.get(ExifTags.Base.OffsetTimeOriginal) or details.get(ExifTags.Base.OffsetTime))
    if local is not None and offset:
        with_offset = _parsed(f"{local.isoformat()} {offset.replace('Z', '+00:00')}", "%Y-%m-%dT%H:%M:%S %z")
        if with_offset is not None and with_offset.year > 1:  # an unset clock in year 1 has no earlier hour
            return with_offset.astimezone(datetime.UTC), False
    day = _parsed(_text(gps.get(ExifTags.GPS.GPSDateStamp)), "%Y:%m:%d")
    raw = gps.get(ExifTags.GPS.GPSTimeStamp)
    clock = [_number(part) for part in raw] if isinstance(raw, (tuple, list)) else []
    known = [part for part, limit in zip(clock, (24, 60, 61), strict=False) if part is not None and 0 <= part < limit]
    if day is not None and len(clock) == len(known) == 3:
        seconds = known[0] * 3600 + known[1] * 60 + known[2]
        return (day + datetime.timedelta(seconds=seconds)).replace(tzinfo=datetime.UTC), False
    return (None, False) if local is None else (local, True)


def _parsed(text: str, form: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.strptime(text, form)
    except ValueError:
        return None


def _camera(exif: Any) -> str | None:
    make, model = _text(exif.get(ExifTags.Base.Make)), _text(exif.get(ExifTags.Base.Model))
    return (model if model.startswith(make) else f"{make} {model}".strip()) or None
