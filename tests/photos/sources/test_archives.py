"""Pictures in folders, zips and tars: every id finds its picture's path, whatever holds it."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from faulty_server import picture
from whereshot.foundation.errors import InputError
from whereshot.photos import picture_bytes
from whereshot.photos.sources import archives


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def test_every_id_finds_its_bytes(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "deep").mkdir(parents=True)
    (root / "one.jpg").write_bytes(picture(1))
    (root / "deep" / "two.png").write_bytes(picture(2))
    (root / "deep" / "note.txt").write_text("no picture")
    with zipfile.ZipFile(root / "deep" / "00.ZIP", "w") as packed:
        packed.writestr("00/three.jpg", picture(3))
        packed.writestr("00/four.JPEG", picture(4), zipfile.ZIP_DEFLATED)
        packed.writestr("five.jpg", picture(5), zipfile.ZIP_BZIP2)  # cannot be read at its place
        packed.writestr("table.csv", "id\n")
    with tarfile.open(tmp_path / "shard.tar", "w") as tar:
        add(tar, "a/six.jpg", picture(6))
        add(tar, "a/six.json", b"{}")
    pictures = archives.Pictures([root, tmp_path / "shard.tar"])
    assert len(pictures) == 5
    ids = ["six", "one", "none", "four", "two", "three", "five", "note", "one"]
    places = pictures.places(ids)
    assert [place is not None for place in places] == [True, True, False, True, True, True, False, False, True]
    found = {name: picture_bytes.contents(place) for name, place in zip(ids, places, strict=True) if place}
    assert found == {name: picture(number) for number, name in enumerate(["one", "two", "three", "four"], 1)} | {
        "six": picture(6)
    }
    assert places[1] == str(root / "one.jpg")


def test_paths_do_not_depend_on_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.webp").write_bytes(picture(1))
    monkeypatch.chdir(tmp_path)
    assert archives.Pictures([Path("in")]).places(["a"]) == [str(tmp_path / "in" / "a.webp")]


def test_no_pictures_at_all(tmp_path: Path) -> None:
    for places in ([], [tmp_path]):
        pictures = archives.Pictures(places)
        assert len(pictures) == 0 and pictures.places(["a", "b"]) == [None, None]


@pytest.mark.parametrize(("name", "kind"), [("00.zip", "zip"), ("00.tar", "tar")])
def test_damaged_archives(name: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"no archive" * 100)
    given = tmp_path if kind == "zip" else tmp_path / name
    with pytest.raises(InputError, match=rf"{name}: not a readable {kind} \(.*\); download it again"):
        archives.Pictures([given])


def test_members_of_a_tar(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "shard.tar", "w") as tar:
        folder = tarfile.TarInfo("a")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        add(tar, "a/x.y.JPG", b"picture")
        add(tar, "a/x.y.json", b"{}")
    found = [
        (stem, suffix, opened.extractfile(member).read())  # type: ignore[union-attr]  # a file has bytes
        for stem, suffix, member, opened in archives.members(tmp_path / "shard.tar")
    ]
    assert found == [("x.y", ".jpg", b"picture"), ("x.y", ".json", b"{}")]
