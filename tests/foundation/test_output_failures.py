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
