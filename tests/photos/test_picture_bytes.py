"""Bytes of pictures: files, places in a tar, bytes; refused with one line where there are none."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from whereshot.foundation.errors import ImageError
from whereshot.photos import picture_bytes


def test_contents_of_a_file_a_place_and_bytes(tmp_path: Path) -> None:
    tar = tmp_path / "a b.tar"
    tar.write_bytes(b"0123456789")
    assert picture_bytes.contents(tar) == picture_bytes.contents(str(tar)) == b"0123456789"
    assert picture_bytes.contents(picture_bytes.member(tar, 3, 4)) == b"3456"
    assert picture_bytes.contents(Path(picture_bytes.member(tar, 0, 10))) == b"0123456789"
    assert picture_bytes.contents(b"12") == b"12"
    assert picture_bytes.checked_size(picture_bytes.member(tar, 3, 4)) == 4
    assert picture_bytes.checked_size(tar) == 10
    assert picture_bytes.is_member(picture_bytes.member(tar, 3, 4))
    assert not picture_bytes.is_member(tar) and not picture_bytes.is_member(b"a.tar#1+2")


@pytest.mark.parametrize("name", ["photo.jpg#1+2", "photo.tar#1", "photo.tar#a+2", "photo.tar"])
def test_other_names_are_files(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"whole")
    assert picture_bytes.contents(tmp_path / name) == b"whole"


def test_what_is_refused(tmp_path: Path) -> None:
    tar = tmp_path / "a.tar"
    tar.write_bytes(b"0123456789")
    for source, message in (
        (picture_bytes.member(tar, 8, 3), f"{tar}#8+3: the tar ends before it; pack it again with: whereshot pack"),
        (picture_bytes.member(tar, 8, 0), f"{tar}#8+0: the file is empty"),
        (picture_bytes.member(tar, 0, 300 * 1024**2), f"{tar}#0+314572800: 300 MiB; the limit is 256 MiB"),
        (picture_bytes.member(tmp_path / "b.tar", 0, 1), f"{tmp_path}/b.tar: no such file"),
        (b"", "picture of 0 bytes: the file is empty"),
        (tmp_path, f"{tmp_path}: a folder, not a picture"),
    ):
        with pytest.raises(ImageError) as caught:
            picture_bytes.contents(source)
        assert str(caught.value) == message


def test_members_of_a_zip(tmp_path: Path) -> None:
    """Stored and deflated ones, with names and further fields of any length before their bytes."""
    path = tmp_path / "00.zip"
    photos = {"a.jpg": bytes(range(256)) * 40, "deep/Zürich 1.jpg": b"0123456789" * 50}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jpg", photos["a.jpg"])
        archive.writestr("deep/Zürich 1.jpg", photos["deep/Zürich 1.jpg"], zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(path) as archive:
        stored, deflated = archive.infolist()
    whole = picture_bytes.zip_member(path, stored.header_offset, stored.compress_size)
    packed = picture_bytes.zip_member(path, deflated.header_offset, deflated.compress_size, deflated.file_size)
    assert picture_bytes.contents(whole) == photos["a.jpg"]
    assert picture_bytes.contents(Path(packed)) == photos["deep/Zürich 1.jpg"]
    assert picture_bytes.is_member(whole) and picture_bytes.is_member(packed)
    assert picture_bytes.checked_size(packed) == 500
    nothing = "no member of the zip begins there; the file has changed, ingest it again"
    for source, message in (
        (picture_bytes.zip_member(path, 3, 5), nothing),
        (picture_bytes.zip_member(path, 10**6, 5), nothing),
        (picture_bytes.zip_member(path, 0, 10**6), "the zip ends before it; download it again"),
        (
            picture_bytes.zip_member(path, 0, 9, 99),
            "the member of the zip is damaged (Error -3 while decompressing data:",
        ),
        (
            picture_bytes.zip_member(path, deflated.header_offset, deflated.compress_size, 100),
            "the member of the zip does not inflate to 100 bytes; download it again",
        ),
        (picture_bytes.zip_member(path, 0, 9, 300 * 1024**2), "300 MiB; the limit is 256 MiB"),
    ):
        with pytest.raises(ImageError) as caught:
            picture_bytes.contents(source)
        assert str(caught.value).startswith(f"{source}: {message}")
