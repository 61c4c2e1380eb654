"""A folder is replaced so that neither the old nor the new one is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from full_disk import Disk, contents
from waiting import PATIENCE_S, wait_until
from whereshot.foundation import folder_replacement, output_files
from whereshot.foundation.errors import OutputError


def make_old(folder: Path) -> None:
    """Let everything hidden in a folder look as if it was made an hour ago."""
    for path in folder.rglob(".*"):
        os.utime(path, (time.time() - 3600,) * 2)


def an_old_folder(out: Path, *files: str) -> None:
    out.mkdir()
    for file in files:
        (out / file).write_text("good")


STOPPED_BETWEEN_RENAMES = """
import os, signal, sys
from whereshot.foundation import folder_replacement, output_files
folder_replacement.exchange = lambda one, other: False  # as on macOS and on network disks
rename, count = os.replace, 0
def stop_at_the_second(source, target):
    global count
    count += 1
    if count == 2:
        os.kill(os.getpid(), signal.SIGKILL) if sys.argv[2] == "kill" else sys.stdin.read()
    rename(source, target)
with output_files.new_folder(sys.argv[1]) as beside:
    (beside / "a.txt").write_text("new")
    os.replace = stop_at_the_second
    print("filled", flush=True)
"""


@pytest.mark.parametrize("name", ["out", "x" * 255])
def test_a_kill_between_two_renames_loses_no_folder(name: str, tmp_path: Path) -> None:
    out = tmp_path / name
    an_old_folder(out, "a.txt", "b.txt")
    command = [sys.executable, "-c", STOPPED_BETWEEN_RENAMES, str(out), "kill"]
    assert subprocess.run(command, stdout=subprocess.DEVNULL).returncode == -signal.SIGKILL
    assert not out.exists()
    make_old(tmp_path)
    output_files.check_folder(out, replaced=True)
    assert contents(tmp_path) == {f"{name}/a.txt": b"good", f"{name}/b.txt": b"good"}


def test_the_next_new_folder_puts_the_old_folder_back_before_it_fails(tmp_path: Path) -> None:
    out = tmp_path / "out"
    an_old_folder(out, "b.txt")
    subprocess.run([sys.executable, "-c", STOPPED_BETWEEN_RENAMES, str(out), "kill"], stdout=subprocess.DEVNULL)
    assert not out.exists()
    with pytest.raises(ValueError, match="no photos"), output_files.new_folder(out):
        raise ValueError("no photos")
    assert (out / "b.txt").read_text() == "good"


def test_a_folder_that_another_process_is_replacing_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    an_old_folder(out, "a.txt")
    command = [sys.executable, "-c", STOPPED_BETWEEN_RENAMES, str(out), "wait"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"filled\n"
        wait_until(lambda: not out.exists(), "the process stands between its two renames")
        output_files.check_folder(out, replaced=True)
        assert not out.exists()
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert contents(tmp_path) == {"out/a.txt": b"new"}


def test_two_renames_replace_a_folder_where_one_step_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_replacement, "exchange", lambda one, other: False)
    an_old_folder(tmp_path / "out", "b.txt")
    with output_files.new_folder(tmp_path / "out") as beside:
        (beside / "a.txt").write_text("new")
    assert contents(tmp_path) == {"out/a.txt": b"new"}
    assert [found.name for found in tmp_path.iterdir()] == ["out"]


def test_a_mounted_folder_is_refused_before_the_work(disk: Disk) -> None:
    if not disk.is_mounted:
        pytest.skip("needs to mount a disk")
    text = f"^{disk.folder}: a mounted disk, which cannot be replaced; name a folder inside it$"
    with pytest.raises(OutputError, match=text):
        output_files.check_folder(disk.folder, replaced=True)
    with pytest.raises(OutputError, match=text), output_files.new_folder(disk.folder):
        pytest.fail("the work has begun")
    output_files.check_folder(disk.folder)


def test_a_folder_mounted_from_elsewhere_is_refused_too(disk: Disk, place: Path) -> None:
    """A bind mount, as containers have it, may be on the same disk as the folder above it."""
    if not disk.is_mounted:
        pytest.skip("needs to mount a disk")
    source, target = place / "source", place / "a target"
    source.mkdir()
    target.mkdir()
    subprocess.run(["mount", "--bind", str(source), str(target)], check=True)
    try:
        with pytest.raises(OutputError, match="a mounted disk, which cannot be replaced"):
            output_files.check_folder(target, replaced=True)
    finally:
        subprocess.run(["umount", str(target)], check=True)
