"""Output files and folders are complete or not there: on a full disk, after a kill, through links."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from full_disk import FULL, Disk, contents
from whereshot.foundation import output_files, output_sync, settings_file, tables
from whereshot.foundation.errors import InputError, OutputError
from whereshot.foundation.jobs import Shards
from whereshot.foundation.output_temporary import PARTIAL
from whereshot.models import features
from whereshot.models.optimize import training_state
from whereshot.models.readout import encoded_places
from whereshot.photos.records import Records
from whereshot.photos.sources.budget import Budget
from whereshot.posterior import parquet
from whereshot.posterior.prior import density_prior


def an_old_file(out: Path) -> None:
    out.write_bytes(b"good")


def an_old_folder(out: Path, *files: str) -> None:
    out.mkdir()
    for file in files:
        (out / file).write_text("good")


def some_records(count: int = 40) -> Records:
    columns = {
        "id": [f"photo-{number}" for number in range(count)],
        "latitude": np.linspace(-60, 60, count),
        "longitude": np.linspace(-170, 170, count),
    }
    return Records(pa.table(columns))


def rejects() -> pa.Table:
    return tables.rejects_table([("a", "a.jpg", "no position", "")] * 9)


class Settings(settings_file.Settings):
    """Any settings."""

    name: str = "a name that is long enough to need a place on the disk"


def a_file(path: Path) -> None:
    output_files.write_text(path, "text " * 2000)


def a_folder(path: Path) -> None:
    with output_files.new_folder(path) as beside:
        output_files.write_text(beside / "a.txt", "text " * 2000)


def some_files(path: Path) -> None:
    with output_files.new_files(path) as beside:
        output_files.write_text(beside / "a.txt", "small")
        output_files.write_text(beside / "b.txt", "text " * 2000)


def a_shard(path: Path) -> None:
    with Shards(path, "test", {}) as shards:
        shards.write("00000", some_records().table, rejects())


def a_training_state(path: Path) -> None:
    module = torch.nn.Linear(50, 50)
    optimizer = torch.optim.AdamW(module.parameters())
    training_state.save(path, training_state.TrainingState(best=module.state_dict()), module, optimizer, None)


def some_encodings(path: Path) -> None:
    points = np.random.default_rng(len(list(path.parent.glob("*")))).uniform(-60, 60, (20, 2))
    encoded_places.kept_encodings({}, points, lambda positions: np.ones((len(positions), 48), np.float32), path)


def some_features(path: Path) -> None:
    features._flush(path, {bytes(16): np.ones(9, np.float32)})


def money(path: Path) -> None:
    path.mkdir(exist_ok=True)
    Budget(path, 1.0, 99.0).take("x" * 5000)


WRITERS: dict[str, Callable[[Path], None]] = {
    "a text": a_file,
    "a folder": a_folder,
    "files of a folder": some_files,
    "a line of a log": lambda path: output_files.append_line(path, "x" * 5000),
    "settings.toml": lambda path: settings_file.save(Settings(), path),
    "table.parquet": lambda path: tables.write_parquet(some_records().table, path),
    "records.parquet": lambda path: some_records().write(path),
    "records": lambda path: some_records().write(path),
    "rejects": lambda path: tables.write_rejects(rejects(), path),
    "posterior.parquet": lambda path: parquet.write(density_prior().top(50), path, ["a"]),
    "features": some_features,
    "encodings": some_encodings,
    "job": a_shard,
    "training state": a_training_state,
    "money spent": money,
}
"""Everything that the package writes by itself: add a new writer, and it is tested on a full disk."""


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_what_was_there(name: str, disk: Disk, place: Path) -> None:
    path = place / name.replace(" ", "-")
    WRITERS[name](path)
    before = contents(place)
    assert before
    with disk.full(), pytest.raises(OutputError, match=FULL) as caught:
        WRITERS[name](path)
    assert "\n" not in str(caught.value) and PARTIAL not in str(caught.value)
    after = contents(place)
    manifest = "job/_manifest.jsonl"  # half a line is dropped when it is opened again
    assert after.pop(manifest, b"").startswith(before.pop(manifest, b""))
    assert after == before
    WRITERS[name](path)  # there is room again
    assert not [found for found in contents(place) if PARTIAL in found]


def test_a_new_file_has_the_usual_mode_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    path = tmp_path / "file"
    before = os.umask(0o027)
    try:
        a_file(path)
        a_folder(tmp_path / "folder")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o750
    path.chmod(0o604)
    a_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "file", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    output_files.write_text(link, "new")
    assert (target.read_text(), link.is_symlink()) == ("new", True)
    (tmp_path / "later").symlink_to("real/later")  # to a file that is not there yet
    output_files.write_text(tmp_path / "later", "made")
    assert (tmp_path / "real" / "later").read_text() == "made"
    (tmp_path / "linked folder").symlink_to("real", target_is_directory=True)
    a_folder(tmp_path / "linked folder")
    assert (tmp_path / "linked folder").is_symlink() and [p.name for p in (tmp_path / "real").iterdir()] == ["a.txt"]


def test_the_longest_name_there_can_be(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 127 + "x")
    a_file(path)
    a_file(path)
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_a_folder_is_replaced_and_files_are_added(tmp_path: Path) -> None:
    out = tmp_path / "out"
    an_old_folder(out, "kept.txt", "b.txt")
    some_files(out)
    assert contents(out) == {"kept.txt": b"good", "a.txt": b"small", "b.txt": b"text " * 2000}
    a_folder(out)
    assert contents(out) == {"a.txt": b"text " * 2000}
    assert [found.name for found in tmp_path.iterdir()] == ["out"]


def test_an_error_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    output_files.write_text(tmp_path / "file", "old")
    for error in (KeyboardInterrupt, ValueError):
        with pytest.raises(error), output_files.new_file(tmp_path / "file") as beside:
            beside.write_text("half")
            raise error
    assert contents(tmp_path) == {"file": b"old"}


def make_old(folder: Path) -> None:
    """Let everything hidden in a folder look as if it was made an hour ago."""
    for path in folder.rglob(".*"):
        os.utime(path, (time.time() - 3600,) * 2)


KILLED = """
import os, signal, sys
from whereshot.foundation import output_files
with getattr(output_files, sys.argv[1])(sys.argv[2]) as beside:
    (beside / "half" if beside.is_dir() else beside).write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("writer", ["new_file", "new_folder", "new_files"])
def test_a_kill_leaves_the_old_and_the_next_run_clears_up(writer: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    an_old_file(out) if writer == "new_file" else an_old_folder(out, "half")
    before = contents(tmp_path)
    assert subprocess.run([sys.executable, "-c", KILLED, writer, str(out)]).returncode == -signal.SIGKILL
    after = contents(tmp_path)
    assert {name: after.pop(name) for name in before} == before
    assert len(after) == 1 and PARTIAL in next(iter(after))
    check = output_files.check_file if writer == "new_file" else output_files.check_folder
    check(out)
    assert len(contents(tmp_path)) == len(before) + 1  # it may have been made a moment ago, and not be locked yet
    make_old(tmp_path)
    check(out)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("writer", ["new_file", "new_folder"])
def test_what_a_kill_leaves_beside_the_longest_name_is_removed_too(writer: str, tmp_path: Path) -> None:
    out = tmp_path / ("x" * 255)
    assert subprocess.run([sys.executable, "-c", KILLED, writer, str(out)]).returncode == -signal.SIGKILL
    assert len(contents(tmp_path)) == 1
    make_old(tmp_path)
    (output_files.check_file if writer == "new_file" else output_files.check_folder)(out)
    assert list(tmp_path.iterdir()) == []


def test_an_input_that_is_missing_is_not_blamed_on_the_output(tmp_path: Path) -> None:
    gone = tmp_path / "gone.txt"
    with pytest.raises(InputError, match=rf"^{gone}: cannot be read \(No such file or directory\)$"):
        output_files.copy_file(gone, tmp_path / "out")
    with pytest.raises(FileNotFoundError), output_files.new_file(tmp_path / "out"):
        gone.read_text()
    with pytest.raises(FileNotFoundError), output_files.new_folder(tmp_path / "folder"):
        gone.read_text()
    assert list(tmp_path.iterdir()) == []


def test_files_inside_a_new_folder_are_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They wait for the disk once, with their folder, and need no temporary files of their own."""
    synced: list[str] = []
    wait = output_sync.sync
    monkeypatch.setattr(output_sync, "sync", lambda path: (synced.append(path.name), wait(path)))
    with output_files.new_folder(tmp_path / "out") as beside:
        for name in ("a", "b"):
            with output_files.new_file(beside / name) as file:
                assert file == beside / name
                file.write_text(name)
        assert synced == []
    assert sorted(name for name in synced if not name.startswith(".")) == ["a", "b"]
    assert contents(tmp_path) == {"out/a": b"a", "out/b": b"b"}


def test_many_files_wait_for_the_disk_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(output_files, "sync", lambda path: synced.append(path.name))
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        output_files.write_bytes(path, b"x", is_synced=False)
    assert synced == []
    output_files.sync_files(paths)
    assert synced == ["a", "b", tmp_path.name]
    assert contents(tmp_path) == {"a": b"x", "b": b"x"}


def test_a_place_that_only_looks_writable(tmp_path: Path) -> None:
    if not Path("/proc/self").is_dir():
        pytest.skip("needs /proc")
    denied = "/proc/out: cannot be written (Permission denied); choose a place that you may write to"
    for check in (output_files.check_file, output_files.check_folder):
        with pytest.raises(OutputError) as caught:
            check("/proc/out")
        assert str(caught.value) == denied


def test_a_read_only_disk_is_refused_before_the_work(disk: Disk, tmp_path: Path) -> None:
    if not disk.is_mounted:
        pytest.skip("needs to mount a disk")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "whereshot-test", str(tmp_path)], check=True)
    try:
        for check in (output_files.check_file, output_files.check_folder, a_file, a_folder):
            with pytest.raises(OutputError, match=r"out: cannot be written \(Read-only file system\); choose a place"):
                check(tmp_path / "out")
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
