"""Temporary files: named, held, and removed when nobody holds them."""

from __future__ import annotations

import os
import time
from pathlib import Path

from whereshot.foundation import output_files
from whereshot.foundation.output_temporary import (
    hold,
    is_in_temporary_folder,
    release,
    remove_stale,
    temporary_folder,
    temporary_path,
    temporary_paths,
)


def test_what_another_process_is_writing_is_left_alone(tmp_path: Path) -> None:
    with output_files.new_file(tmp_path / "out") as beside:
        output_files.check_file(tmp_path / "out")
        assert beside.is_file()
        beside.write_text("whole")
    assert (tmp_path / "out").read_text() == "whole"


def test_a_long_name_has_a_temporary_name_that_is_found_again(tmp_path: Path) -> None:
    target = tmp_path / ("é" * 127)
    beside = temporary_path(target)
    beside.touch()
    assert len(os.fsencode(beside.name)) < 255
    assert temporary_paths(target) == [beside]
    assert temporary_paths(tmp_path / "e") == []


def test_only_an_old_file_that_nobody_holds_is_removed(tmp_path: Path) -> None:
    """A file is made a moment before it is locked: a fresh one may belong to a living process."""
    target = tmp_path / "out"
    fresh, held, stale = (temporary_path(target) for _ in range(3))
    for path in (fresh, held, stale):
        path.touch()
    for path in (held, stale):
        os.utime(path, (time.time() - 3600,) * 2)
    lock = hold(held)
    try:
        remove_stale(target)
        assert sorted(tmp_path.iterdir()) == sorted([fresh, held])
    finally:
        release(lock)
    remove_stale(target)
    assert list(tmp_path.iterdir()) == [fresh]


def test_a_folder_that_is_being_filled_is_known(tmp_path: Path) -> None:
    with temporary_folder(tmp_path / "out") as beside:
        assert is_in_temporary_folder(beside / "deeper" / "file")
        assert not is_in_temporary_folder(tmp_path / "file")
    assert not is_in_temporary_folder(beside / "file")
    assert list(tmp_path.iterdir()) == []
