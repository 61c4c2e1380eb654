"""The command batch: its numbers on stdout, its exit code, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import Run


def test_failed_photos_are_counted_and_make_exit_1(run: Run, tiny: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("lima-0.png", "paris-0.png"):
        (photos / name).write_bytes((tiny / name).read_bytes())
    (photos / "bad.jpg").write_bytes(b"no picture")
    result = run("batch", photos, "--out", tmp_path / "out", "--no-text", "--format", "json")
    assert result.code == 1
    assert (result.document["rows"], result.document["kept"]) == (3, 2)
    assert sum(result.document["rejected"].values()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--engine", "sparc"], "no engine 'sparc'; did you mean 'spark'?"),
        (["--master", "local[2]"], "--master is for --engine spark; leave it out"),
        (["--column", "image"], "--column takes name=value; got 'image'"),
    ],
)
def test_batch_refuses(run: Run, tiny: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    assert run("batch", tiny / "photos.csv", "--out", tmp_path / "out", *arguments).mistake == message
