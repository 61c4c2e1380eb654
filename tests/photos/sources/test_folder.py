"""A folder of photos: positions from EXIF become records, all other files rejects with a reason."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import MakePicture
from ingesting import rejected
from whereshot.foundation import tables
from whereshot.foundation.errors import InputError
from whereshot.foundation.progress import silent
from whereshot.photos.sources import SOURCES, Ingested, find_pictures


def folder(*inputs: Path) -> Ingested:
    return SOURCES["folder"](list(inputs), {}, silent)


def test_folder_reads_what_the_camera_wrote(tmp_path: Path, jpeg_with_position: MakePicture) -> None:
    time = {"taken_at": "2024:05:01 10:30:00"}
    jpeg_with_position(tmp_path / "b" / "deep" / "Zürich 1.JPG", 47.37, 8.54, **time, offset="+02:00", model="X100")
    jpeg_with_position(tmp_path / "a.heic", -33.8568, 151.2153, **time)
    jpeg_with_position(tmp_path / "c.png", 40.6892, -74.0445)
    result = folder(tmp_path)
    assert len(result.rejects) == 0
    assert result.records.strings("id") == ["a.heic", "c.png", "b/deep/Zürich 1.JPG"]
    np.testing.assert_allclose(
        result.records.points, [[-33.8568, 151.2153], [40.6892, -74.0445], [47.37, 8.54]], atol=1e-7
    )
    sydney, new_york, zurich = result.records
    assert zurich["image"] == str(tmp_path / "b" / "deep" / "Zürich 1.JPG")
    assert zurich["taken_at"] == datetime.datetime(2024, 5, 1, 8, 30, tzinfo=datetime.UTC)
    assert (zurich["taken_at_is_local"], zurich["camera"]) == (False, "X100")
    assert sydney["taken_at"].replace(tzinfo=None) == datetime.datetime(2024, 5, 1, 10, 30)
    assert sydney["taken_at_is_local"] is True
    assert (new_york["taken_at"], new_york["taken_at_is_local"]) == (None, None)


def test_folder_leaves_hidden_files_and_others_out(tmp_path: Path, jpeg_with_position: MakePicture) -> None:
    """Macs leave ._a.jpg beside a.jpg, and thumbnails live in hidden folders: neither is a photo."""
    jpeg_with_position(tmp_path / "a.jpg", 1, 2)
    jpeg_with_position(tmp_path / ".hidden.jpg", 1, 2)
    jpeg_with_position(tmp_path / ".thumbnails" / "b.jpg", 1, 2)
    (tmp_path / "._a.jpg").write_bytes(b"resource fork")
    (tmp_path / "notes.txt").write_text("lunch")
    (tmp_path / "clip.mp4").write_bytes(b"film")
    result = folder(tmp_path)
    assert result.records.strings("id") == ["a.jpg"]
    assert result.rows == 1


def test_folder_rejects_with_reasons(tmp_path: Path, jpeg_with_position: MakePicture) -> None:
    jpeg_with_position(tmp_path / "good.jpg", 1, 2)
    jpeg_with_position(tmp_path / "island.jpg", 0, 0)
    jpeg_with_position(tmp_path / "none.jpg")
    jpeg_with_position(tmp_path / "pole.jpg", 1, 2, gps={2: (95.0, 0.0, 0.0)})
    jpeg_with_position(tmp_path / "half.jpg", 1, 2, gps={3: None})
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.png").touch()
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "never was.jpg")
    result = folder(tmp_path)
    assert result.records.strings("id") == ["good.jpg"]
    assert rejected(result) == {
        "island.jpg": ("position (0, 0)", "(0, 0) is where devices without a fix put their photos"),
        "none.jpg": ("no position", "EXIF has no position"),
        "pole.jpg": ("impossible position", "EXIF latitude 95 lies outside -90 to 90"),
        "half.jpg": ("impossible position", "EXIF longitude has no hemisphere (E or W); got ''"),
        "text.jpg": (
            "unreadable picture",
            f"{tmp_path / 'text.jpg'}: not a picture in a known format (JPEG, PNG, WebP, HEIC, ...)",
        ),
        "empty.png": ("unreadable picture", f"{tmp_path / 'empty.png'}: the file is empty"),
        "gone.jpg": ("unreadable picture", f"{tmp_path / 'gone.jpg'}: no such file"),
    }
    assert set(result.rejects["image"].to_pylist()) == {str(tmp_path / name) for name in rejected(result)}


def test_folder_in_which_nothing_is_usable(tmp_path: Path, jpeg_with_position: MakePicture) -> None:
    jpeg_with_position(tmp_path / "none.jpg")
    result = folder(tmp_path)
    assert (len(result.records), len(result.rejects)) == (0, 1)
    assert result.records.points.shape == (0, 2)


def test_folder_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError) as caught:
        folder(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: no pictures in this folder (looked for "
        ".avif .bmp .gif .heic .heif .hif .jpe .jpeg .jpg .png .tif .tiff .webp)"
    )


def test_folder_has_no_columns(tmp_path: Path, jpeg_with_position: MakePicture) -> None:
    jpeg_with_position(tmp_path / "a.jpg", 1, 2)
    with pytest.raises(InputError) as caught:
        SOURCES["folder"]([tmp_path], {"latitude": "LAT"}, silent)
    assert str(caught.value) == "a folder has no columns to name; got --column latitude=..."


def test_several_folders_and_files(tmp_path: Path, jpeg_with_position: MakePicture) -> None:
    jpeg_with_position(tmp_path / "spring" / "a.jpg", 1, 2)
    jpeg_with_position(tmp_path / "autumn" / "a.jpg", 3, 4)
    single = jpeg_with_position(tmp_path / "b.dat.jpg", 5, 6)
    result = folder(tmp_path / "spring", tmp_path / "autumn", single)
    assert result.records.strings("id") == ["spring/a.jpg", "autumn/a.jpg", str(single)]
    assert folder(single).records.strings("id") == ["b.dat.jpg"]


def test_two_folders_of_the_same_name(tmp_path: Path, jpeg_with_position: MakePicture) -> None:
    """2023/trip and 2024/trip: other photos, though their names inside are the same."""
    for year in ("2023", "2024"):
        jpeg_with_position(tmp_path / year / "trip" / "a.jpg", int(year) - 2000, 2)
    inputs = [tmp_path / "2023" / "trip", tmp_path / "2024" / "trip"]
    result = folder(*inputs)
    assert len(result.rejects) == 0
    assert result.records.strings("id") == [f"{given.as_posix()}/a.jpg" for given in inputs]
    assert result.records.points[:, 0].tolist() == [23, 24]


def test_duplicate_inputs(tmp_path: Path, jpeg_with_position: MakePicture, monkeypatch) -> None:
    """The same folder twice, or a folder and a photo inside it: one record, and a reject that says so."""
    photo = jpeg_with_position(tmp_path / "trip" / "a.jpg", 1, 2)
    twice = folder(tmp_path / "trip", tmp_path / "trip")
    name = f"{(tmp_path / 'trip').as_posix()}/a.jpg"
    assert twice.records.strings("id") == [name]
    assert rejected(twice) == {name: ("duplicate id", f"{name} was given twice")}
    overlap = folder(tmp_path / "trip", photo)
    assert overlap.records.strings("id") == ["trip/a.jpg"]
    assert rejected(overlap) == {str(photo): ("duplicate id", f"{photo} was given twice")}
    monkeypatch.chdir(tmp_path)
    assert (len(folder(Path("trip"), photo).records), folder(Path("trip"), photo).rows) == (1, 2)


def test_find_pictures_is_sorted_and_recursive(tmp_path: Path) -> None:
    for name in ("b/2.jpg", "b/10.jpg", "a/z.HEIC", "c.webp", "b/x/y.Tiff"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [name for name, _ in find_pictures([tmp_path])] == [
        "c.webp",
        "a/z.HEIC",
        "b/10.jpg",
        "b/2.jpg",
        "b/x/y.Tiff",
    ]
    assert find_pictures([tmp_path / "b" / "x"]) == [("y.Tiff", tmp_path / "b" / "x" / "y.Tiff")]
    with pytest.raises(InputError) as caught:
        find_pictures([tmp_path / "none"])
    assert str(caught.value) == f"{tmp_path / 'none'}: no such file or folder"


def test_folder_of_real_photos(shared: Path) -> None:
    """Photos from the web carry no position: all of them come back as rejects that say so."""
    photos = shared / "data" / "photos" / "sunsets"
    result = folder(photos)
    assert len(result.records) == 0
    assert result.rows == sum(1 for path in photos.rglob("*") if path.is_file())
    assert tables.count_reasons(result.rejects) == {"no position": result.rows}


def test_a_file_whose_name_is_no_text_is_a_reject(tmp_path: Path) -> None:
    """The others are kept: one odd name in an old archive must not stop it."""
    photo = tmp_path / os.fsdecode(b"caf\xe9.jpg")
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.jpg")
    photo.write_bytes((tmp_path / "plain.jpg").read_bytes())
    rejects = SOURCES["folder"]([tmp_path], {}, silent).rejects.to_pylist()
    (odd,) = [row for row in rejects if "caf" in row["id"]]
    assert odd["reason"] == "unreadable picture"
    assert odd["detail"] == f"{tmp_path}/caf\\udce9.jpg: the file's name is not valid UTF-8; rename it"
    assert len(rejects) == 2
