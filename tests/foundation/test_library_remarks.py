"""Stderr has the lines of whereshot alone: remarks of libraries do not reach it, unless the user asks for them."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

REMARKS = """
import logging, os, sys, warnings
from whereshot.foundation import library_remarks
with library_remarks.hidden():
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


def test_processes_that_are_started_are_quiet_too() -> None:
    code = """if True:
        import os, subprocess, sys
        from whereshot.foundation import library_remarks
        warn = "import os, warnings; warnings.warn('of a library'); os.write(2, b'by C')"
        with library_remarks.hidden():
            subprocess.run([sys.executable, "-c", warn], check=True)
            exec(warn)
        print(os.environ.get("PYTHONWARNINGS"))
    """
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=clean, check=True)
    assert (ran.stdout, ran.stderr) == ("None\n", "")


def test_a_bug_keeps_its_traceback_and_a_crash_says_where() -> None:
    start = "from whereshot.foundation import library_remarks\nwith library_remarks.hidden():\n    "
    assert said(start + "1 / 0")[-1] == "ZeroDivisionError: division by zero"
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


BAD_TAG = struct.pack("<HHII", 0x0112, 3, 0x7FFFFFFF, 0)
"""An orientation that says to be two thousand million values long."""


@pytest.fixture
def damaged(tmp_path: Path) -> list[str]:
    """A JPEG with broken EXIF, of which Pillow warns, and a TIFF with broken rows, of which libtiff prints a line."""
    jpeg, tiff = tmp_path / "exif.jpg", tmp_path / "rows.tif"
    picture = Image.new("RGB", (96, 64), (40, 90, 160))
    picture.save(jpeg)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 5) + BAD_TAG * 5
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    data = jpeg.read_bytes()
    jpeg.write_bytes(data[:2] + segment + data[2:])
    picture.save(tiff, compression="tiff_lzw")
    rows = bytearray(tiff.read_bytes())
    rows[20:40] = b"\xff" * 20
    tiff.write_bytes(rows)
    return [str(jpeg), str(tiff)]


def locate(*arguments: str, python: tuple[str, ...] = (), **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *python, "-m", "whereshot.cli", "locate", "--no-text", "--use-exif", *arguments]
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    return subprocess.run(command, capture_output=True, text=True, env=clean | environment, check=False)


def test_only_the_failed_photo_is_named(damaged: list[str]) -> None:
    ran = locate("--format", "json", *damaged)
    assert ran.returncode == 1
    assert ran.stderr.splitlines() == [f"failed: {damaged[1]}: the picture is damaged (decoder error -2)"]


def test_warnings_stay_where_the_user_asks_for_them(damaged: list[str]) -> None:
    for asked in ({"python": ("-W", "default")}, {"PYTHONWARNINGS": "default"}, {"WHERESHOT_REMARKS": "1"}):
        assert "UserWarning" in locate("--format", "json", damaged[0], **asked).stderr
