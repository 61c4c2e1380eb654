"""Failures to write as one line: which path, why, and what to do."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from whereshot.foundation.errors import OutputError
from whereshot.foundation.output_failures import cannot_write, explained


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "out: cannot be written (No space left on device); make room there, or choose another place"),
        (errno.EROFS, "out: cannot be written (Read-only file system); choose a place that you may write to"),
        (errno.EACCES, "out: cannot be written (Permission denied); choose a place that you may write to"),
        (
            errno.EFBIG,
            "out: cannot be written (File too large); files may not grow so large there; choose another place",
        ),
        (errno.EIO, "out: cannot be written (Input/output error); choose another place"),
        (errno.EISDIR, "out: a folder; name a file"),
    ],
)
def test_every_reason_is_one_line(number: int, said: str) -> None:
    assert str(cannot_write("out", OSError(number, os.strerror(number)))) == said


def test_the_reason_is_found_in_what_libraries_say() -> None:
    full = "out: cannot be written (No space left on device); make room there, or choose another place"
    wrapped = RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")
    assert str(cannot_write("out", wrapped)) == full
    copied = shutil.Error([("a", "b", "[Errno 28] No space left on device: 'b'")])  # as copytree raises it
    assert str(cannot_write("out", copied)) == full
    assert str(cannot_write("out", RuntimeError("odd\n thing"))) == (
        "out: cannot be written (odd thing); choose another place"
    )


def test_what_stands_above_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "deeper" / "out"
    assert str(cannot_write(path, NotADirectoryError(errno.ENOTDIR, ""))) == (
        f"{path}: cannot be written ({tmp_path / 'file'} is a file); choose another place"
    )
    path = tmp_path / "gone" / "out"
    assert str(cannot_write(path, FileNotFoundError(errno.ENOENT, ""))) == (
        f"{path}: cannot be written (the folder {path.parent} does not exist); make it first, or choose another place"
    )


def test_other_errors_pass(tmp_path: Path) -> None:
    with pytest.raises(BrokenPipeError), explained(tmp_path):  # the reader left: nothing to complain about
        raise BrokenPipeError(errno.EPIPE, "")
    with pytest.raises(RuntimeError), explained(tmp_path):
        raise RuntimeError("ours")
    with pytest.raises(OutputError, match=r"^some other place: full$"), explained(tmp_path):
        raise OutputError("some other place: full")


@pytest.mark.parametrize("name", ["in.txt", "other/out", "outer"])
def test_an_error_of_another_file_passes(name: str, tmp_path: Path) -> None:
    """A file that cannot be read is not a place that cannot be written."""
    with pytest.raises(PermissionError), explained(tmp_path / "out"):
        raise PermissionError(errno.EACCES, "", str(tmp_path / name))


@pytest.mark.parametrize(
    "name", [".out.01234567.partial", ".out.01234567.partial/a.txt", "out", "out/a.txt", ".", None]
)
def test_an_error_of_the_output_is_explained(name: str | None, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"out: cannot be written \(Permission denied\)"), explained(tmp_path / "out"):
        raise PermissionError(errno.EACCES, "", name and str(tmp_path / name))


def test_a_copy_that_fails_at_either_end(tmp_path: Path) -> None:
    """shutil.copyfile names both files; the disk that is full is that of the output."""
    names = str(tmp_path / "in.txt"), None, str(tmp_path / ".out.01234567.partial")
    with pytest.raises(OutputError, match="No space left"), explained(tmp_path / "out"):
        raise OSError(errno.ENOSPC, "", *names)
