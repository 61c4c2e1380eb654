"""The state of a training in files: a loaded state equals the saved one, and a state that cannot be used is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from whereshot.foundation.errors import ConfigError, InputError, OutputError
from whereshot.models.optimize import training_state
from whereshot.models.optimize.optimizers import PhaseSettings, make_optimizer
from whereshot.models.optimize.training_state import TrainingState
from whereshot.models.optimize.weight_average import Average


def make(module: torch.nn.Module, kind: str = "adagrad") -> torch.optim.Optimizer:
    return make_optimizer(PhaseSettings(kind=kind, momentum=0.5), module.parameters())  # type: ignore[arg-type]


def stepped(folder: Path, kind: str = "adagrad", average: bool = True) -> tuple[torch.nn.Module, Average | None]:
    """A module after two steps, the second of which is saved."""
    module = torch.nn.Linear(3, 2)
    optimizer, averaged = make(module, kind), Average(module, 0.9) if average else None
    for _ in range(2):
        module(torch.randn(4, 3)).square().mean().backward()
        optimizer.step()
        if averaged is not None:
            averaged.update(module)
    state = TrainingState(epoch=4, phase=1, phase_began=3)
    state.after_epoch(module, 0.25)
    training_state.save(folder, state, module, optimizer, averaged)
    return module, averaged


@pytest.mark.parametrize("kind", ["adagrad", "sgd", "adam", "adamw"])
def test_what_is_saved_is_what_is_loaded(kind: str, tmp_path: Path) -> None:
    module, average = stepped(tmp_path, kind)
    other = torch.nn.Linear(3, 2)
    fresh = Average(other, 0.9)
    state, optimizer = training_state.load(tmp_path, other, lambda phase: make(other, kind), fresh)
    assert (state.epoch, state.phase, state.phase_began, state.best_epoch) == (5, 1, 3, 5)
    assert (state.best_loss, state.kept, state.idle) == (0.25, [0, 2], 0)
    for name, tensor in module.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor) and torch.equal(state.best[name], tensor)
    assert fresh.updates == 2 and torch.equal(fresh.weights["weight"], average.weights["weight"])
    held = optimizer.state_dict()["state"]
    assert held and all(value.abs().sum() > 0 for value in held[0].values() if isinstance(value, torch.Tensor))


def test_nothing_saved_is_a_fresh_start(tmp_path: Path) -> None:
    module = torch.nn.Linear(3, 2)
    phases: list[int] = []
    state, _ = training_state.load(tmp_path, module, lambda phase: phases.append(phase) or make(module), None)
    assert state == TrainingState() and phases == [0]


def test_a_state_of_other_settings_is_refused(tmp_path: Path) -> None:
    stepped(tmp_path)
    module = torch.nn.Linear(3, 2)
    for kind, average in (("sgd", Average(module, 0.9)), ("adagrad", None)):
        with pytest.raises(ConfigError, match=r"was started with another optimizer; start again without --resume$"):
            training_state.load(tmp_path, module, lambda phase, kind=kind: make(module, kind), average)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"epoch": 1}', None])
def test_a_damaged_state_is_one_line(content: str | None, tmp_path: Path) -> None:
    stepped(tmp_path)
    if content is None:
        name = json.loads((tmp_path / "state.json").read_text())["tensors"]
        (tmp_path / name).write_bytes(b"half")
    else:
        (tmp_path / "state.json").write_text(content)
    module = torch.nn.Linear(3, 2)
    with pytest.raises(InputError) as caught:
        training_state.load(tmp_path, module, lambda phase: make(module), Average(module, 0.9))
    said = str(caught.value)
    assert said.startswith(f"{tmp_path}: the saved state cannot be read (") and "\n" not in said
    assert said.endswith("; start again without --resume")


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("dear")
    with pytest.raises(OutputError, match=r"file: a file is in the way; name a folder; then continue with --resume$"):
        stepped(tmp_path / "file")
