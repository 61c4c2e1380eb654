"""Fixtures made by code: pictures whose EXIF says what a test wants it to say; and the shared data if it is there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import ExifTags, Image

pillow_heif.register_heif_opener()

SHARED = Path(__file__).parents[1].parent / "shared"

MakePicture = Callable[..., Path]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photos and tables beside the checkout."""
    if not (SHARED / "data").is_dir():
        pytest.skip("needs the photos and tables of shared/data beside the checkout")
    return SHARED


def sexagesimal(degrees: float) -> tuple[float, float, float]:
    """Degrees, minutes and seconds of a magnitude, as cameras write them."""
    minutes, seconds = divmod(round(abs(degrees) * 3600, 4), 60)
    return (*divmod(minutes, 60), seconds)


def exif(
    latitude: float | None = None,
    longitude: float | None = None,
    *,
    taken_at: str | None = None,
    offset: str | None = None,
    orientation: int | None = None,
    make: str | None = None,
    model: str | None = None,
    gps: dict[int, Any] | None = None,
) -> Image.Exif:
    """EXIF with a position in rationals and a time; ``gps`` replaces single GPS tags, None removes one."""
    tags = {
        ExifTags.Base.Orientation: orientation,
        ExifTags.Base.Make: make,
        ExifTags.Base.Model: model,
    }
    details = {ExifTags.Base.DateTimeOriginal: taken_at, ExifTags.Base.OffsetTimeOriginal: offset}
    position: dict[int, Any] = {}
    if latitude is not None and longitude is not None:
        position = {
            ExifTags.GPS.GPSLatitude: sexagesimal(latitude),
            ExifTags.GPS.GPSLatitudeRef: "S" if latitude < 0 else "N",
            ExifTags.GPS.GPSLongitude: sexagesimal(longitude),
            ExifTags.GPS.GPSLongitudeRef: "W" if longitude < 0 else "E",
        }
    position |= gps or {}
    written = Image.Exif()
    for holder, values in (
        (written, tags),
        (written.get_ifd(ExifTags.IFD.Exif), details),
        (written.get_ifd(ExifTags.IFD.GPSInfo), position),
    ):
        holder.update({tag: value for tag, value in values.items() if value is not None})
    return written


@pytest.fixture(scope="session")
def jpeg_with_position() -> MakePicture:
    """Writes a small picture with EXIF; the format is that of the name: .jpg, .heic, .png, .webp, ..."""

    def make(path: Path, latitude: float | None = None, longitude: float | None = None, **tags: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (48, 32), (40, 90, 160)).save(path, exif=exif(latitude, longitude, **tags).tobytes())
        return path

    return make


@pytest.fixture
def rng() -> np.random.Generator:
    """The same random numbers in every run."""
    return np.random.default_rng(20240501)
