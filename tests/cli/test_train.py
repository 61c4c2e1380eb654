"""The command train: a model folder from a run file, and one line for every mistake."""

from __future__ import annotations

import re
from pathlib import Path

from command_line import Run


def test_train(run: Run, tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    settings = ["--set", f"out={out}", "--set", "optimizer.epochs=1"]
    result = run("train", tiny / "run.toml", *settings)
    assert result.code == 0
    assert re.fullmatch(rf"{out} \(\d+ s\)\n", result.out)
    assert "48 photos; 4 / 6 cells" in result.err
    assert run("models", "show", out).code == 0
    said = run("train", tiny / "run.toml", *settings).mistake
    assert said == f"{out}: holds a model already; choose another out, or give --overwrite"
    again = run("train", tiny / "run.toml", *settings, "--resume")
    assert (again.code, again.err) == (0, f"{out} is finished already\n")


def test_train_refuses(run: Run, tiny: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone.toml"
    assert run("train", gone).mistake == f"{gone}: no such file"
    wrong = tmp_path / "wrong.toml"
    wrong.write_text((tiny / "run.toml").read_text().replace("[optimizer]", "[optimiser]"))
    assert run("train", wrong).mistake == f"{wrong}: unknown key 'optimiser'; did you mean 'optimizer'?"
    said = run("train", tiny / "run.toml", "--set", "optimizer.epochs").mistake
    assert said == "--set takes section.key=value; got 'optimizer.epochs'"
