"""Raw photos and videos in a folder are counted and named, whatever command looks at the folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from command_line import Run
from whereshot.foundation.progress import silent
from whereshot.photos import unread_files
from whereshot.photos.sources import SOURCES, UnreadFiles, find_pictures

RAW = ["DNG", "NEF", "CR2", "CR3", "ARW", "RAF", "ORF", "RW2", "PEF", "SRW"]


def filled(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"x")
    return folder


def found_in(*inputs: Path) -> str | None:
    unread = UnreadFiles()
    find_pictures(inputs, unread)
    return unread.describe()


@pytest.mark.parametrize("suffix", [*RAW, *map(str.lower, RAW)])
def test_every_kind_of_raw_photo_is_known(suffix: str, tmp_path: Path) -> None:
    folder = filled(tmp_path, f"a.{suffix}", "b.jpg")
    assert found_in(folder) == f"skipped 1 raw photo (a.{suffix}); give a JPEG of them"


def test_kinds_are_counted_apart_and_a_few_are_named(tmp_path: Path) -> None:
    filled(tmp_path, "1.dng", "2.NEF", "3.cr3", "notes.txt", "a.jpg", ".hidden.dng")
    filled(tmp_path / "clips", "4.orf", "5.mov", "6.MP4")
    filled(tmp_path / ".trash", "7.dng")
    assert found_in(tmp_path) == (
        "skipped 4 raw photos (1.dng, 2.NEF, 3.cr3 and 1 more) and 2 videos (5.mov, 6.MP4); give a JPEG of them"
    )
    assert found_in(tmp_path / "a.jpg", filled(tmp_path / "plain", "b.png")) is None


def test_a_folder_is_walked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The summary of a large folder on a slow disk must not list the folder again."""
    folder = filled(tmp_path / "photos", "a.dng", "b.jpg")
    filled(folder / "more", "c.mov")
    listed: list[str] = []
    walk = os.walk
    monkeypatch.setattr(unread_files.os, "walk", lambda top: (listed.append(str(top)), walk(top))[1])
    found = SOURCES["folder"]([folder], {}, silent)
    assert found.notes == ("skipped 1 raw photo (a.dng) and 1 video (c.mov); give a JPEG of them",)
    assert listed == [str(folder)]


@pytest.mark.parametrize("command", ["locate", "ingest", "batch"])
def test_a_folder_s_summary_names_them(command: str, run: Run, tmp_path: Path, jpeg_with_position: Any) -> None:
    photos = filled(tmp_path / "photos", "holiday.dng", "clip.mov")
    jpeg_with_position(photos / "a.jpg", 45.08, 13.64)
    asked = {
        "locate": ["locate", "--no-text", photos],
        "ingest": ["ingest", "folder", photos, "--out", tmp_path / "records"],
        "batch": ["batch", photos, "--no-text", "--out", tmp_path / "out"],
    }[command]
    done = run(*asked)
    assert done.code == 0, done.err
    expected = "skipped 1 raw photo (holiday.dng) and 1 video (clip.mov); give a JPEG of them"
    assert expected in done.err.splitlines()


def test_a_folder_of_nothing_else_says_so(run: Run, tmp_path: Path) -> None:
    photos = filled(tmp_path / "photos", "holiday.dng")
    mistake = run("locate", "--no-text", photos).mistake
    assert "no pictures in this folder" in mistake
    assert mistake.endswith("; skipped 1 raw photo (holiday.dng); give a JPEG of them")
