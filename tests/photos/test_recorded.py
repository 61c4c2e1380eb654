"""What a camera records: positions, times, accuracy and camera as EXIF writes them, right or not at all."""

from __future__ import annotations

import datetime
import io
from pathlib import Path

import pytest
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from conftest import MakePicture, exif, signed_exif
from whereshot.photos.photo import Photo
from whereshot.photos.recorded import Recorded

GPS = ExifTags.GPS


def jpeg(tags: Image.Exif | bytes | None = None) -> bytes:
    """The bytes of a small JPEG with EXIF."""
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "JPEG", **({} if tags is None else {"exif": tags}))
    return buffer.getvalue()


def recorded(*position: float, **tags: object) -> Recorded:
    return Photo(jpeg(exif(*position, **tags))).recorded


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [
        (48.2082, 16.3738),
        (-33.8568, 151.2153),
        (40.6892, -74.0445),
        (-54.8019, -68.303),
        (0, 0),
        (90, 180),
        (-90, -180),
    ],
)
@pytest.mark.parametrize("suffix", ["jpg", "heic", "png", "webp", "tif", "avif"])
def test_position_in_all_hemispheres(
    latitude: float, longitude: float, suffix: str, tmp_path: Path, jpeg_with_position: MakePicture
) -> None:
    found = Photo(jpeg_with_position(tmp_path / f"photo.{suffix}", latitude, longitude)).recorded
    assert found.latitude == pytest.approx(latitude, abs=1e-7)
    assert found.longitude == pytest.approx(longitude, abs=1e-7)
    assert found.problem is None


def test_position_of_bytes_and_pil() -> None:
    data = jpeg(exif(-1.5, 36.75))
    for source in (data, Image.open(io.BytesIO(data))):
        found = Photo(source).recorded
        assert (found.latitude, found.longitude) == (-1.5, 36.75)


def test_no_exif() -> None:
    assert Photo(jpeg()).recorded == Recorded()
    assert Photo(Image.new("RGB", (4, 4))).recorded == Recorded()


ZERO_BY_ZERO = (IFDRational(0, 0), IFDRational(0, 0), IFDRational(0, 0))


@pytest.mark.parametrize(
    ("tags", "problem"),
    [
        ({GPS.GPSLatitude: ZERO_BY_ZERO}, None),
        ({GPS.GPSLongitude: ZERO_BY_ZERO}, "EXIF has no longitude"),
        ({GPS.GPSLatitude: (48.0, *ZERO_BY_ZERO[:2])}, "EXIF latitude is not a number: 48, 0/0, 0/0"),
        ({GPS.GPSLatitude: (*ZERO_BY_ZERO[:1], 30.0, 0.0)}, "EXIF latitude is not a number: 0/0, 30, 0"),
        ({GPS.GPSLatitude: (IFDRational(1, 0), 0, 0)}, "EXIF latitude is not a number: 1/0, 0, 0"),
        ({GPS.GPSLatitude: (48.0, 1.0, 2.0, 3.0)}, "EXIF latitude is not a number: 48, 1, 2, 3"),
        ({GPS.GPSLatitudeRef: None}, "EXIF latitude has no hemisphere (N or S); got ''"),
        ({GPS.GPSLongitudeRef: None}, "EXIF longitude has no hemisphere (E or W); got ''"),
        ({GPS.GPSLongitudeRef: "N"}, "EXIF longitude has no hemisphere (E or W); got 'N'"),
        ({GPS.GPSLatitude: (95.0, 0.0, 0.0)}, "EXIF latitude 95 lies outside -90 to 90"),
        ({GPS.GPSLatitude: (89.0, 75.0, 0.0)}, "EXIF latitude 89 75 0 has 75 minutes; expected 0 to 60"),
        ({GPS.GPSLongitude: (190.0, 30.0, 0.0)}, "EXIF longitude 190.5 lies outside -180 to 180"),
        ({GPS.GPSLongitude: None}, "EXIF has no longitude"),
    ],
)
def test_positions_that_cannot_be_used(tags: dict, problem: str) -> None:
    """A position that is there and wrong says why; the time beside it is still read."""
    found = recorded(48.2, 16.4, gps=tags, taken_at="2024:05:01 10:30:00")
    assert (found.latitude, found.longitude) == (None, None)
    assert found.problem == problem
    assert found.taken_at == datetime.datetime(2024, 5, 1, 10, 30)


@pytest.mark.parametrize(
    ("latitude", "reference", "expected"),
    [
        ((33.0, 51.0, 0.0), "s", -33.85),
        ((33.85,), "South", -33.85),
        ((IFDRational(48, 1), IFDRational(1234500, 100000), IFDRational(0, 0)), "N", 48.20575),
        ((IFDRational(482083, 10000), IFDRational(0, 0), IFDRational(0, 0)), "N", 48.2083),
        ((47.0, 59.0, 60.0), "N", 48.0),
    ],
)
def test_hemispheres_and_missing_seconds(latitude: tuple, reference: str, expected: float) -> None:
    found = recorded(10, 151.2, gps={GPS.GPSLatitude: latitude, GPS.GPSLatitudeRef: reference})
    assert found.problem is None
    assert (found.latitude, found.longitude) == (pytest.approx(expected, abs=1e-9), pytest.approx(151.2))


@pytest.mark.parametrize(
    ("latitude", "reference", "expected"),
    [
        ((-33, 51, 0), "S", -33.85),
        ((-33, -51, 0), "S", -33.85),
        ((-33, 51, 0), None, -33.85),
        ((0, -30, 0), "S", -0.5),
        ((-33, 51, 0), "N", "EXIF latitude -33 51 0 has a minus sign, but its hemisphere is N"),
        ((33, -51, 0), "S", "EXIF latitude 33 -51 0 has negative minutes or seconds after positive degrees"),
    ],
)
def test_a_minus_sign_and_a_hemisphere(latitude: tuple, reference: str | None, expected: float | str) -> None:
    """A minus sign goes for minutes and seconds too, and is not turned again by a letter that agrees."""
    tags = signed_exif(10, 151.2, GPS.GPSLatitude, latitude, gps={GPS.GPSLatitudeRef: reference})
    found = Photo(jpeg(tags)).recorded
    if isinstance(expected, str):
        assert (found.latitude, found.longitude, found.problem) == (None, None, expected)
    else:
        assert (found.latitude, found.problem) == (pytest.approx(expected, abs=1e-9), None)
        assert found.longitude == pytest.approx(151.2)


def test_degrees_and_minutes_only() -> None:
    found = recorded(10, 20, gps={GPS.GPSLatitude: (48.0, 30.0), GPS.GPSLongitude: (16.25,), GPS.GPSLongitudeRef: "w"})
    assert (found.latitude, found.longitude) == (48.5, -16.25)


def test_time_with_offset_is_utc() -> None:
    found = recorded(taken_at="2024:01:01 01:30:00", offset="+05:30")
    assert found.taken_at == datetime.datetime(2023, 12, 31, 20, 0, tzinfo=datetime.UTC)
    assert found.taken_at.tzinfo == datetime.UTC
    assert not found.taken_at_is_local
    assert recorded(taken_at="2024:01:01 01:30:00", offset="Z").taken_at.hour == 1


@pytest.mark.parametrize("offset", [None, "", "summer", "   :  "])
def test_time_without_offset_is_local(offset: str | None) -> None:
    found = recorded(taken_at="2024:07:01 18:00:05", offset=offset)
    assert found.taken_at == datetime.datetime(2024, 7, 1, 18, 0, 5)
    assert found.taken_at.tzinfo is None
    assert found.taken_at_is_local


def test_satellite_time_is_utc() -> None:
    """It is the better one where the camera's clock has no offset, and the worse one where it has."""
    gps = {GPS.GPSDateStamp: "2024:07:01", GPS.GPSTimeStamp: (16.0, 0.0, 5.5)}
    expected = datetime.datetime(2024, 7, 1, 16, 0, 5, 500_000, tzinfo=datetime.UTC)
    found = recorded(taken_at="2024:07:01 18:00:07", gps=gps)
    assert found.taken_at == expected
    assert not found.taken_at_is_local
    assert recorded(gps=gps).taken_at == expected
    with_offset = recorded(taken_at="2024:07:01 18:00:07", offset="+02:00", gps=gps)
    assert with_offset.taken_at == expected.replace(second=7, microsecond=0)


@pytest.mark.parametrize(
    "gps",
    [
        {GPS.GPSTimeStamp: (16.0, 0.0, 5.0)},  # a time without a day
        {GPS.GPSDateStamp: "2024:07:01"},
        {GPS.GPSDateStamp: "2024:07:01", GPS.GPSTimeStamp: (25.0, 0.0, 0.0)},
        {GPS.GPSDateStamp: "2024:07:01", GPS.GPSTimeStamp: (1.0, 4e9, 0.0)},
        {GPS.GPSDateStamp: "2024:07:01", GPS.GPSTimeStamp: ZERO_BY_ZERO},
        {GPS.GPSDateStamp: "2024:07:01", GPS.GPSTimeStamp: IFDRational(16)},  # one number where three belong
        {GPS.GPSDateStamp: "today", GPS.GPSTimeStamp: (16.0, 0.0, 5.0)},
    ],
)
def test_satellite_times_that_are_none(gps: dict) -> None:
    """One odd tag must not stop the reading of a folder: the position is kept, the time left out."""
    found = recorded(48.2, 16.4, gps=gps)
    assert found.taken_at is None
    assert not found.taken_at_is_local
    assert found.latitude == pytest.approx(48.2)


@pytest.mark.parametrize("text", ["0000:00:00 00:00:00", "    :  :     :  :  ", "2024-05-01", "2024:13:01 00:00:00"])
def test_clocks_that_were_never_set(text: str) -> None:
    found = recorded(taken_at=text, offset="+02:00")
    assert (found.taken_at, found.taken_at_is_local) == (None, False)


def test_clock_in_year_one() -> None:
    """Its UTC would lie before the calendar's first day."""
    assert recorded(taken_at="0001:01:01 00:00:00", offset="+02:00").taken_at == datetime.datetime(1, 1, 1)


def test_accuracy_and_camera() -> None:
    found = recorded(1, 2, gps={GPS.GPSHPositioningError: 12.5}, make="Canon", model="Canon EOS R5")
    assert found.accuracy_km == 0.0125
    assert found.camera == "Canon EOS R5"
    assert recorded(make="Apple", model="iPhone 15\0").camera == "Apple iPhone 15"
    assert recorded(model="X100").camera == "X100"
    assert recorded(1, 2, gps={GPS.GPSHPositioningError: IFDRational(0, 0)}).accuracy_km is None
    assert recorded(1, 2, gps={GPS.GPSHPositioningError: 0.0}).accuracy_km is None


def test_real_photos_have_no_position(shared: Path) -> None:
    """The shared photos carry no EXIF: what a web download looks like."""
    paths = sorted((shared / "data" / "photos" / "test_a").glob("*.jpg"))[:20]
    assert paths
    assert all(Photo(path).recorded.latitude is None for path in paths)
