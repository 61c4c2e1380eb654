"""Two processes by torchrun take the steps that one takes alone; one writes; what they cannot share is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from whereshot.foundation import settings_file
from whereshot.models.optimize.processes import ALONE, ProcessGroup, is_launched, join_group
from whereshot.training.train import Run, train

CHANGES = [
    "backbone.trained=true",
    "data.validation=0.3",
    "data.split_by=group",
    "optimizer.epochs=2",
    "optimizer.batch_size=8",
    "optimizer.kind=sgd",  # AdamW and roots of features make much of rounding errors
    "optimizer.momentum=0.9",
    "optimizer.learning_rate=0.01",
    "optimizer.precision=float32",
    "optimizer.ema=0.9",
    "optimizer.weigh_by=place",
    "head.settings.dropout=0.0",
    "augment.rand_augment={}",
    "sampling.balance=0.5",
]


def log(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_two_processes_train_as_one_does(tiny: Path, tmp_path: Path) -> None:
    alone = train(settings_file.load(tiny / "run.toml", Run, [f"out={tmp_path / 'alone'}", *CHANGES]))
    options = [part for change in (f"out={tmp_path / 'both'}", *CHANGES) for part in ("--set", change)]
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [sys.executable, *torchrun, "-m", "whereshot.cli", "train", str(tiny / "run.toml"), *options]
    done = subprocess.run(
        [*command, "--device", "cpu"], capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(str(tmp_path / "both")) == 1  # the first process speaks
    assert done.stderr.count("48 photos; ") == 1
    for one, other in zip(log(alone), log(tmp_path / "both"), strict=True):
        assert other["train_loss"] == pytest.approx(one["train_loss"], rel=1e-5)
        assert other["validation_loss"] == pytest.approx(one["validation_loss"], rel=1e-5)
    weights = load_file(alone / "weights.safetensors")
    for name, tensor in load_file(tmp_path / "both" / "weights.safetensors").items():
        np.testing.assert_allclose(tensor, weights[name], rtol=1e-3, atol=1e-4, err_msg=name)
    assert not (tmp_path / "both.training").exists()


def test_alone_there_is_nothing_to_add_up() -> None:
    assert not is_launched()
    with join_group("cpu") as group:
        assert group == ALONE == ProcessGroup(0, 1, "cpu") and group.is_first
        assert group.sum([1.5, 2.0]) == [1.5, 2.0]
