"""A gallery: photos with known places, what is said of them, and nothing that gives them away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from conftest import MakePicture
from whereshot.foundation.errors import InputError, OutputError
from whereshot.foundation.progress import silent
from whereshot.locate.geolocator import Geolocator
from whereshot.photos.photo import Photo
from whereshot.photos.recorded import Recorded
from whereshot.photos.records import Records
from whereshot.photos.sources import SOURCES
from whereshot.report.photo_gallery import write_gallery
from whereshot.server.gallery import ServedGallery


@pytest.fixture
def records(tmp_path: Path, jpeg_with_position: MakePicture) -> Records:
    """Three photos in Rovinj, one that cannot be read."""
    rows = ["path,latitude,longitude,license"]
    for number in range(3):
        jpeg_with_position(tmp_path / f"rovinj-{number}.jpg", 45.08, 13.64, make="SECRET")
        with Image.open(tmp_path / f"rovinj-{number}.jpg") as image:
            large = image.resize((2000, 1500))
            large.save(tmp_path / f"rovinj-{number}.jpg", exif=image.getexif().tobytes(), comment=b"SECRET")
        rows.append(f"rovinj-{number}.jpg,45.08,13.64,CC BY 4.0")
    (tmp_path / "broken.jpg").write_bytes(b"nothing")
    rows.append("broken.jpg,45.08,13.64,")
    (tmp_path / "photos.csv").write_text("\n".join(rows))
    return SOURCES["table"]([tmp_path / "photos.csv"], {}, silent).records


def test_a_gallery_is_what_the_server_reads(records: Records, tmp_path: Path) -> None:
    told = write_gallery(Geolocator.load("compact"), records, tmp_path / "gallery", shown=10, text=False)
    assert (told["shown"], told["photos"], told["failed"]) == (3, 4, 1)
    gallery = ServedGallery(tmp_path / "gallery")
    ids = [photo["id"] for photo in gallery.listed()["photos"]]
    assert ids == ["00000", "00001", "00002"]
    assert len(gallery.listed(2)["photos"]) == 2
    entry = json.loads(gallery.entry("00001"))
    truth = entry["truth"]
    assert (truth["latitude"], truth["longitude"]) == (45.08, 13.64)
    assert (truth["place"]["name"], truth["place"]["country_code"]) == ("Rovinj", "HR")
    assert entry["credit"]["license"] == "CC BY 4.0"
    prediction = entry["prediction"]
    assert prediction["recorded"] is None
    assert prediction["map"]["features"] and prediction["id"] == "00001" and prediction["path"] is None
    assert entry["distance_km"] > 0
    assert set(gallery.scores["accuracy"]) == {"1", "25", "200", "750", "2500"}
    assert gallery.entry("../gallery") is None and gallery.photo("00003") is None


def test_photos_carry_nothing_of_their_makers(records: Records, tmp_path: Path) -> None:
    write_gallery(Geolocator.load("compact"), records, tmp_path / "gallery", text=False)
    content = ServedGallery(tmp_path / "gallery").photo("00000")
    assert b"SECRET" not in content and Photo(content).recorded == Recorded()
    assert Photo(content).size == (1280, 960)
    assert "rovinj-" not in (tmp_path / "gallery" / "entries" / "00000.json").read_text()


def test_what_is_there_is_not_lost(records: Records, tmp_path: Path) -> None:
    locator, out = Geolocator.load("compact"), tmp_path / "gallery"
    write_gallery(locator, records, out, shown=1, text=False)
    with pytest.raises(OutputError, match="exists already; choose another --out, or give --overwrite"):
        write_gallery(locator, records, out, text=False)
    write_gallery(locator, records, out, shown=2, text=False, overwrite=True)
    assert len(ServedGallery(out).listed()["photos"]) == 2
    with pytest.raises(OutputError, match="exists already"):
        write_gallery(locator, records, tmp_path, text=False, overwrite=True)
    with pytest.raises(InputError, match=r"none of 1 photos can be shown; first: .*broken"):
        write_gallery(locator, records[[3]], tmp_path / "other", text=False)
    assert not (tmp_path / "other").exists() and not list(tmp_path.glob(".*"))


def test_a_damaged_gallery_is_told(records: Records, tmp_path: Path) -> None:
    out = tmp_path / "gallery"
    write_gallery(Geolocator.load("compact"), records, out, text=False)
    (out / "photos" / "00002.jpg").unlink()
    with pytest.raises(InputError, match="photo 00002 is missing; make the gallery again"):
        ServedGallery(out)
    (out / "gallery.json").write_text('{"format": 9, "model": "m", "photos": [], "scores": {}}')
    with pytest.raises(InputError, match="names format 9; this version reads 1"):
        ServedGallery(out)
    (out / "gallery.json").write_text("{")
    with pytest.raises(InputError, match="not a gallery"):
        ServedGallery(out)
