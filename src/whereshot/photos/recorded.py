"""What a camera records in a picture: position, time, accuracy and camera, read from EXIF (CIPA DC-008).

``Photo.recorded`` in ``photos/photo.py`` reads it from a file.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import ExifTags, Image

from whereshot.earth import coordinates
from whereshot.foundation.errors import one_line


@dataclass(frozen=True)
class Recorded:
    """What a camera records in a picture. Each field is None where the picture does not have it.

    Attributes:
        latitude: degrees, positive to the north.
        longitude: degrees, positive to the east.
        accuracy_km: radius of the position's error in km.
        taken_at: time of taking in UTC, or in local time without a zone where ``taken_at_is_local``.
        taken_at_is_local: whether the time zone of ``taken_at`` is not known.
        clock: what the clock of the camera shows, without a zone.
        camera: maker and model.
        problem: why a position that is recorded cannot be used.
    """

    latitude: float | None = None
    longitude: float | None = None
    accuracy_km: float | None = None
    taken_at: datetime.datetime | None = None
    taken_at_is_local: bool = False
    clock: datetime.datetime | None = None
    camera: str | None = None
    problem: str | None = None

    @property
    def position(self) -> tuple[float, float] | None:
        """Latitude and longitude in degrees, None where one of them is missing."""
        return None if self.latitude is None or self.longitude is None else (self.latitude, self.longitude)


def read_exif(image: Image.Image) -> Recorded:
    """Return what the EXIF of an opened picture records. Damaged EXIF becomes a ``problem``; nothing is raised."""
    try:
        exif = image.getexif()
        details = exif.get_ifd(ExifTags.IFD.Exif)
        gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    except Exception as error:
        return Recorded(problem=f"EXIF is damaged ({one_line(error)})")
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
    """Return a finite float of an EXIF rational, or None (0/0 is NaN, 1/0 raises or is infinite)."""
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) else None


def _text(value: Any) -> str:
    text = value.decode("ascii", "ignore") if isinstance(value, bytes) else str(value or "")
    return text.replace("\x00", "").strip()


def _position(gps: dict[int, Any]) -> tuple[float | None, float | None, str | None]:
    """Return latitude, longitude and what is wrong with them; all None where a camera has written no position."""
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
    """Return whether an EXIF number is 0/0, as cameras write it without a satellite fix."""
    return getattr(part, "numerator", None) == 0 and getattr(part, "denominator", None) == 0


def _known_parts(parts: Sequence[Any]) -> list[float | None]:
    """Return degrees, minutes and seconds. A 0/0 at the end is left out if the part before it has a fraction or is
    minutes.

    Degrees without a fraction and without minutes are not a position: it would be up to 111 km off.
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
    """Return the time of taking: in UTC where the offset or the satellite time is known, else in the camera's local
    time.
    """
    offset = _text(details.get(ExifTags.Base.OffsetTimeOriginal) or details.get(ExifTags.Base.OffsetTime))
    if local is not None and offset:
        with_offset = _parsed(f"{local.isoformat()} {offset.replace('Z', '+00:00')}", "%Y-%m-%dT%H:%M:%S %z")
        if with_offset is not None and with_offset.year > 1:  # an unset clock in year 1 may have no time in UTC
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
