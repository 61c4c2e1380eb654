"""Stderr has our lines alone: what libraries remark does not reach it, and reasons are where they belong."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

REMARKS = """
import logging, os, sys, warnings
from whereshot.foundation.own_stderr import own_stderr
with own_stderr():
    warnings.warn("by Python")
    logging.getLogger("PIL.TiffImagePlugin").error("by logging")
    os.write(2, b"by C\\n")
    os.system("echo by a program >&2")
    print("ours", file=sys.stderr)
    logging.getLogger("whereshot.server").error("logged by us")
os.write(2, b"afterwards\\n")
print("as before", file=sys.stderr)
"""


def said(code: str, **environment: str) -> list[str]:
    """What a fresh process writes to stderr."""
    settings = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=settings
    ).stderr.splitlines()


def test_only_our_own_lines_reach_stderr() -> None:
    assert said(REMARKS) == ["ours", "logged by us", "afterwards", "as before"]


def test_who_wants_the_remarks_gets_them() -> None:
    shown = "\n".join(said(REMARKS, WHERESHOT_REMARKS="1"))
    assert all(remark in shown for remark in ("by Python", "by logging", "by C", "by a program", "ours"))


def test_a_bug_keeps_its_traceback_and_a_crash_says_where() -> None:
    start = "from whereshot.foundation.own_stderr import own_stderr\nwith own_stderr():\n    "
    assert said(start + "1 / 0")[-1] == "ZeroDivisionError: division by zero"
    pytest.importorskip("faulthandler")
    assert said(start + "import os; os.abort()")[0] == "Fatal Python error: Aborted"


def broken_tiff(path: Path) -> Path:
    """A TIFF that says that it has a description of a megabyte, and ends before it."""
    entries = [(256, 4, 1, 8), (257, 4, 1, 8), (270, 2, 1_000_000, 200), (273, 4, 1, 190), (279, 4, 1, 64)]
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    path.write_bytes(b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(100))
    return path


@pytest.mark.parametrize("command", ["ingest", "locate"])
def test_a_broken_picture_is_a_reason_and_no_remark(command: str, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(3):
        broken_tiff(photos / f"{number}.tif")
    asked = {
        "ingest": ["ingest", "folder", photos, "--out", tmp_path / "records"],
        "locate": ["locate", "--no-text", "--format", "json", photos],
    }[command]
    done = subprocess.run([sys.executable, "-m", "whereshot.cli", *asked], capture_output=True, text=True)
    assert "Warning" not in done.stderr and "PIL" not in done.stderr and "Traceback" not in done.stderr
    if command == "locate":
        assert done.returncode == 1
        assert all("0.tif" in one["error"] for one in json.loads(done.stdout)["predictions"][:1])
    else:
        assert "none of 3" in done.stderr and "see " in done.stderr
