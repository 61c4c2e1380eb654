"""The command learn: what it refuses before any work."""

from __future__ import annotations

from pathlib import Path

from command_line import Run


def test_learn_runs_on_the_cpu(run: Run, tiny: Path, tmp_path: Path) -> None:
    said = run("learn", tiny / "photos.csv", "--out", tmp_path / "out", "--device", "meta").mistake
    assert said == "learn runs on the CPU only; got device 'meta'"
