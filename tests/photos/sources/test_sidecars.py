"""Files beside photos: XMP and Takeout fill the gaps that EXIF leaves, and never more than that."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from conftest import MakePicture
from whereshot.foundation.progress import silent
from whereshot.photos.sources import SOURCES
from whereshot.photos.sources.base import Ingested
from whereshot.photos.sources.sidecars import Sidecars, read_takeout, read_xmp

UTC = datetime.UTC

NAMESPACES = """xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/\""""


def xmp(attributes: str = "", inside: str = "") -> bytes:
    """A packet as darktable and Lightroom write it."""
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {NAMESPACES}>
<rdf:Description rdf:about="" {attributes}>{inside}</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>""".encode()


def takeout(latitude: float = 0, longitude: float = 0, **changed: Any) -> bytes:
    document = {
        "title": "a.jpg",
        "description": "",
        "photoTakenTime": {"timestamp": "1714559400", "formatted": "1 May 2024, 10:30:00 UTC"},
        "geoData": {"latitude": latitude, "longitude": longitude, "altitude": 0.0, "latitudeSpan": 0.0},
        "geoDataExif": {"latitude": 0.0, "longitude": 0.0},
    }
    return json.dumps({**document, **changed}).encode()


def folder(path: Path) -> Ingested:
    return SOURCES["folder"]([path], {}, silent)


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        ("48,12.5N", "16,22.2E", (48 + 12.5 / 60, 16 + 22.2 / 60)),
        ("33,51,24S", "151,12,55.8E", (-(33 + 51 / 60 + 24 / 3600), 151 + 12 / 60 + 55.8 / 3600)),
        ("0,30N", "0,30W", (0.5, -0.5)),
        ("48.2083", "-16.37", (48.2083, -16.37)),
        ("48.2083S", "16.37 w", (-48.2083, -16.37)),
        ("48,61N", "16,2E", None),
        ("48,12.5E", "16,22.2N", None),
        ("", "16,2E", None),
        ("nan", "inf", None),
        ("48,12.5N", "east", None),
        ("-33,51,0S", "151,12E", (-33.85, 151.2)),
        ("-33,51,0N", "151,12E", None),
        ("-33.85S", "151.2", (-33.85, 151.2)),
        ("47,60.0000000N", "16,2E", (48, 16 + 2 / 60)),
        ("48° 12' 30″ N", "16.37° E", (48 + 12.5 / 60, 16.37)),
    ],
)
def test_positions_of_xmp(latitude: str, longitude: str, expected: tuple[float, float] | None) -> None:
    as_attributes = read_xmp(xmp(f'exif:GPSLatitude="{latitude}" exif:GPSLongitude="{longitude}"'))
    inside = f"<exif:GPSLatitude>{latitude}</exif:GPSLatitude><exif:GPSLongitude>{longitude}</exif:GPSLongitude>"
    for sidecar in (as_attributes, read_xmp(xmp("", inside))):
        if expected is None:
            assert (sidecar.latitude, sidecar.longitude, sidecar.position_from) == (None, None, None)
        else:
            assert (sidecar.latitude, sidecar.longitude) == pytest.approx(expected)
            assert sidecar.position_from == "xmp"


@pytest.mark.parametrize(
    ("latitude", "problem"),
    [
        ("-33,51,0N", "latitude -33 51 0 has a minus sign, but its hemisphere is N"),
        ("48,2083", "latitude 48 2083 has 2083 minutes; expected 0 to 60"),
        ("north", "latitude is not a number: 'north'"),
    ],
)
def test_a_position_of_xmp_that_is_refused_says_why(
    latitude: str, problem: str, tmp_path: Path, jpeg_with_position: MakePicture
) -> None:
    jpeg_with_position(tmp_path / "a.jpg")
    packet = xmp(f'exif:GPSLatitude="{latitude}" exif:GPSLongitude="16,2E" dc:title="T"')
    assert read_xmp(packet).problem == problem
    (tmp_path / "a.xmp").write_bytes(packet)
    (reject,) = folder(tmp_path).rejects.to_pylist()
    assert (reject["reason"], reject["detail"]) == ("no position", f"EXIF has no position; a.xmp: {problem}")


def test_hemispheres_apart() -> None:
    sidecar = read_xmp(
        xmp(
            'exif:GPSLatitude="33.5" exif:GPSLatitudeRef="South" exif:GPSLongitude="70,30" exif:GPSLongitudeRef="W" '
            'exif:GPSHPositioningError="8/1"'
        )
    )
    assert (sidecar.latitude, sidecar.longitude, sidecar.accuracy_km) == (-33.5, -70.5, 0.008)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (
            'exif:DateTimeOriginal="2024-05-01T10:30:00+02:00"',
            (datetime.datetime(2024, 5, 1, 8, 30, tzinfo=UTC), False),
        ),
        (
            'exif:DateTimeOriginal="2024-05-01T10:30:00.50"',
            (datetime.datetime(2024, 5, 1, 10, 30, 0, 500000, UTC), True),
        ),
        ('xmp:CreateDate="2024-05-01T10:30:00Z"', (datetime.datetime(2024, 5, 1, 10, 30, tzinfo=UTC), False)),
        (
            'xmp:CreateDate="2020-01-01T00:00:00" photoshop:DateCreated="2024-05-01T10:30"',
            (datetime.datetime(2024, 5, 1, 10, 30, tzinfo=UTC), True),
        ),
        ('exif:DateTimeOriginal="2024-05"', (None, False)),
        ('exif:DateTimeOriginal="2024-05-01"', (None, False)),  # no time of day: not midnight
        ('exif:DateTimeOriginal="0001-01-01T00:00:00+10:00"', (None, False)),
    ],
)
def test_times_of_xmp(attributes: str, expected: tuple[datetime.datetime | None, bool]) -> None:
    sidecar = read_xmp(xmp(attributes))
    assert (sidecar.taken_at, sidecar.taken_at_is_local) == expected


def test_titles_and_tags_of_xmp() -> None:
    inside = """<dc:title><rdf:Alt><rdf:li xml:lang="de-AT">Riesenrad</rdf:li>
      <rdf:li xml:lang="x-default">Giant wheel &amp; sky</rdf:li></rdf:Alt></dc:title>
      <dc:subject><rdf:Bag><rdf:li>Prater</rdf:li><rdf:li>night</rdf:li><rdf:li> </rdf:li></rdf:Bag></dc:subject>
      <lr:hierarchicalSubject><rdf:Bag><rdf:li>Places|Austria|Vienna</rdf:li><rdf:li>night</rdf:li></rdf:Bag>
      </lr:hierarchicalSubject>"""
    sidecar = read_xmp(xmp("", inside))
    assert sidecar.title == "Giant wheel & sky"
    assert sidecar.tags == ("Prater", "night", "Places", "Austria", "Vienna")
    empty = read_xmp(xmp())
    assert (empty.title, empty.tags, empty.taken_at, empty.latitude) == (None, None, None, None)


BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]>
<x:xmpmeta xmlns:x="adobe:ns:meta/">&b;</x:xmpmeta>"""
FILE = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]><x>&f;</x>'


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (BOMB, "XML with a document type or entities, which no XMP has"),
        (FILE, "XML with a document type or entities, which no XMP has"),
        (
            b'<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><x/>',
            "XML with a document type or entities, which no XMP has",
        ),
        (b"<x>", "not XML (no element found: line 1, column 3)"),
        (b"", "not XML (no element found: line 1, column 0)"),
    ],
)
def test_xml_that_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        read_xmp(data)
    assert str(caught.value) == message


def test_takeout() -> None:
    sidecar = read_takeout(takeout(48.2, 16.4, description=" By the river "))
    assert (sidecar.latitude, sidecar.longitude, sidecar.position_from) == (48.2, 16.4, "takeout")
    assert (sidecar.taken_at, sidecar.taken_at_is_local) == (datetime.datetime(2024, 5, 1, 10, 30, tzinfo=UTC), False)
    assert sidecar.title == "By the river"
    camera = read_takeout(takeout(48.2, 16.4, geoDataExif={"latitude": -33.9, "longitude": 151.2}))
    assert (camera.latitude, camera.position_from) == (-33.9, "takeout exif")
    nowhere = read_takeout(takeout(0.0, 0.0))
    assert (nowhere.latitude, nowhere.longitude, nowhere.position_from, nowhere.title) == (None, None, None, None)
    old = read_takeout(takeout(photoTakenTime={"timestamp": "-86400"}))
    assert old.taken_at == datetime.datetime(1969, 12, 31, tzinfo=UTC)
    odd = read_takeout(takeout(photoTakenTime=[], geoData="x", geoDataExif=None, description=5))
    assert (odd.latitude, odd.taken_at, odd.title) == (None, None, None)
    for data in (b"[]", b"{}", b'{"title": "metadata of an album"}', b"\xff"):
        with pytest.raises(ValueError):
            read_takeout(data)


LONG = "a photo whose name is long enough to be cut.jpg"  # 47 characters

NAMES = [
    ("a.jpg", "a.xmp"),
    ("a.jpg", "a.jpg.xmp"),
    ("A.JPG", "a.jpg.XMP"),
    ("a.jpg", "a.jpg.json"),
    ("a.jpg", "a.jpg.supplemental-metadata.json"),
    ("IMG_20240501_123456789_HDR.jpg", "IMG_20240501_123456789_HDR.jpg.supplemental-me.json"),
    ("PXL_20240501_123456789.PORTRAIT-01.COVER.jpg", "PXL_20240501_123456789.PORTRAIT-01.COVER.jpg.s.json"),
    (LONG, f"{LONG[:46]}.json"),
    ("a(2).jpg", "a.jpg(2).json"),
    ("a(2).jpg", "a.jpg.supplemental-metadata(2).json"),
    ("a(2).jpg", "a(2).jpg.json"),
    ("a-edited.jpg", "a.jpg.json"),
    ("a-edited(1).jpg", "a.jpg(1).json"),
    ("a-bearbeitet.jpg", "a.jpg.supplemental-metadata.json"),
]


@pytest.mark.parametrize(("photo", "beside"), NAMES)
def test_names_of_sidecars(photo: str, beside: str, tmp_path: Path) -> None:
    (tmp_path / beside).touch()
    for other in ("b.jpg.json", "a.jpg(3).json", "metadata.json", "b.xmp", "a.json.txt"):
        (tmp_path / other).touch()
    assert Sidecars([tmp_path / photo]).names(tmp_path / photo) == [beside]


@pytest.mark.parametrize(
    ("photo", "beside"),
    [
        ("a.jpg", "a.jpg(1).json"),
        ("a(1).jpg", "a.jpg.json"),
        ("a.jpg", "a.jp.json"),
        ("ab.jpg", "a.jpg.json"),
        ("a.jpg", "a.png.json"),
        ("a.jpg", "a.json"),
        ("a.jpg", ".a.jpg.xmp"),
    ],
)
def test_names_that_belong_to_others(photo: str, beside: str, tmp_path: Path) -> None:
    (tmp_path / beside).touch()
    assert Sidecars([tmp_path / photo]).names(tmp_path / photo) == []


def test_xmp_comes_before_takeout(tmp_path: Path) -> None:
    """And each part of what is told from the first that tells it."""
    (tmp_path / "a.xmp").write_bytes(xmp('exif:GPSLatitude="1,30N" exif:GPSLongitude="2,30E"'))
    (tmp_path / "a.jpg.json").write_bytes(takeout(48.2, 16.4, description="pier"))
    told = Sidecars([tmp_path / "a.jpg"]).read(tmp_path / "a.jpg")
    assert (told.latitude, told.longitude, told.position_from) == (1.5, 2.5, "xmp")
    assert (told.taken_from, told.title) == ("takeout", "pier")


def test_a_folder_fills_its_gaps(tmp_path: Path, jpeg_with_position: MakePicture) -> None:
    there = {"taken_at": "2024:05:01 12:00:00"}
    jpeg_with_position(tmp_path / "both.jpg", 10, 20, **there)
    (tmp_path / "both.jpg.json").write_bytes(takeout(48.2, 16.4, description="harbour"))
    jpeg_with_position(tmp_path / "time.jpg", **there)
    (tmp_path / "time.jpg.supplemental-metadata.json").write_bytes(takeout(48.2, 16.4))
    jpeg_with_position(tmp_path / "island.jpg", 0, 0)
    (tmp_path / "island.xmp").write_bytes(xmp('exif:GPSLatitude="1,30N" exif:GPSLongitude="2,30E"'))
    jpeg_with_position(tmp_path / "pole.jpg", 1, 2, gps={2: (95.0, 0.0, 0.0)})
    (tmp_path / "pole.jpg.xmp").write_bytes(xmp('exif:GPSLatitude="3N" exif:GPSLongitude="4E"'))
    jpeg_with_position(tmp_path / "plain.jpg", 5, 6)
    result = folder(tmp_path)
    assert len(result.rejects) == 0
    told = {row["id"]: row for row in result.records}
    columns = ("latitude", "longitude", "position_from", "taken_from", "title")
    found = {name: tuple(row[column] for column in columns) for name, row in told.items()}
    assert found == {
        "both.jpg": (10, 20, "exif", "exif", "harbour"),
        "time.jpg": (48.2, 16.4, "takeout", "exif", None),
        "island.jpg": (1.5, 2.5, "xmp", None, None),
        "pole.jpg": (3, 4, "xmp", None, None),
        "plain.jpg": (5, 6, "exif", None, None),
    }
    assert told["both.jpg"]["taken_at_is_local"] is True  # the camera's own time stays


def test_rejects_say_what_is_beside(tmp_path: Path, jpeg_with_position: MakePicture) -> None:
    for name in ("none", "empty", "broken", "impossible"):
        jpeg_with_position(tmp_path / f"{name}.jpg")
    (tmp_path / "empty.jpg.json").write_bytes(takeout())
    (tmp_path / "broken.xmp").write_bytes(BOMB)
    (tmp_path / "impossible.xmp").write_bytes(xmp('exif:GPSLatitude="95N" exif:GPSLongitude="4E"'))
    rows = {row["id"]: (row["reason"], row["detail"]) for row in folder(tmp_path).rejects.to_pylist()}
    assert rows == {
        "none.jpg": ("no position", "EXIF has no position"),
        "empty.jpg": ("no position", "EXIF has no position, nor has the file beside it"),
        "broken.jpg": (
            "no position",
            "EXIF has no position; broken.xmp: XML with a document type or entities, which no XMP has",
        ),
        "impossible.jpg": ("impossible position", "(95, 4): latitude must lie between -90 and 90 degrees"),
    }
