"""Waiting for the disk works for files, folders and trees, and errors reach the caller."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from whereshot.foundation import output_sync


def test_every_file_and_folder_of_a_tree_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_text("x")
    (tmp_path / "other").write_text("y")
    inodes: set[int] = set()
    fsync = os.fsync

    def counted(handle: int) -> None:
        inodes.add(os.fstat(handle).st_ino)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", counted)
    output_sync.sync_tree(tmp_path)
    assert inodes == {path.stat().st_ino for path in (tmp_path, *tmp_path.rglob("*"))}


def test_what_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        output_sync.sync(tmp_path / "gone")


def test_a_file_system_without_it_is_no_error() -> None:
    output_sync.sync(Path("/dev/null"))  # EINVAL
