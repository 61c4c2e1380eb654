"""The state of a training in files: epochs, phases, weights, the best weights, the optimiser and the average.

There is a safetensors file and a JSON file. The JSON file is replaced last and names its safetensors file, so a killed
process leaves either the state before or the state after.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from whereshot.foundation import output_files
from whereshot.foundation.errors import ConfigError, InputError, OutputError
from whereshot.models.optimize.weight_average import Average


@dataclass
class TrainingState:
    """The number of finished epochs, the current phase, and the best epoch so far with its weights."""

    epoch: int = 0
    phase: int = 0
    phase_began: int = 0
    """Number of finished epochs when the phase began."""
    best_epoch: int = 0
    best_loss: float | None = None
    kept: list[int] = field(default_factory=list)
    """Number of epochs of each phase that led to the best weights."""
    best: dict[str, torch.Tensor] | None = None

    @property
    def idle(self) -> int:
        """Number of epochs of this phase since the best epoch."""
        return self.epoch - max(self.best_epoch, self.phase_began)

    def after_epoch(self, module: torch.nn.Module, validation_loss: float | None) -> None:
        """Count an epoch, and keep the weights if they are the best. Without a loss the last weights are the best."""
        self.epoch += 1
        if validation_loss is None or self.best_loss is None or validation_loss < self.best_loss:
            self.best_epoch, self.best_loss = self.epoch, validation_loss
            self.best = {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}
            earlier = [*self.kept[: self.phase], *[0] * (self.phase - len(self.kept))]
            self.kept = [*earlier, self.epoch - self.phase_began]

    def next_phase(self) -> None:
        """Begin the phase after this one."""
        self.phase, self.phase_began = self.phase + 1, self.epoch


def save(
    folder: Path,
    state: TrainingState,
    module: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    average: Average | None,
) -> None:
    """Write the state, in place of the state before. Raises OutputError."""
    tensors = {f"module.{name}": tensor.detach().clone() for name, tensor in module.state_dict().items()}
    tensors |= {f"best.{name}": tensor for name, tensor in (state.best or {}).items()}
    for number, values in optimizer.state_dict()["state"].items():
        held = {name: value for name, value in values.items() if isinstance(value, torch.Tensor)}
        tensors |= {f"optimizer.{number}.{name}": value.detach().clone() for name, value in held.items()}
    if average is not None:
        tensors |= {f"average.{name}": value.clone() for name, value in average.weights.items()}
    name = f"epoch-{state.epoch:05d}.safetensors"
    described = {
        "epoch": state.epoch,
        "phase": state.phase,
        "phase_began": state.phase_began,
        "best_epoch": state.best_epoch,
        "best_loss": state.best_loss,
        "kept": state.kept,
        "optimizer": type(optimizer).__name__,
        "averaged": average.updates if average is not None else None,
        "tensors": name,
    }
    try:
        output_files.make_folder(folder)
        with output_files.new_file(folder / name, failures=(SafetensorError,)) as beside:
            save_file({key: value.contiguous() for key, value in tensors.items()}, beside)
        output_files.write_text(folder / "state.json", json.dumps(described))
    except OutputError as error:
        raise OutputError(f"{error}; then continue with --resume") from error
    for old in folder.glob("epoch-*.safetensors"):
        if old.name != name:
            old.unlink(missing_ok=True)


def load(
    folder: Path,
    module: torch.nn.Module,
    make_optimizer: Callable[[int], torch.optim.Optimizer],
    average: Average | None,
) -> tuple[TrainingState, torch.optim.Optimizer]:
    """Load the saved state into the module, the average and the optimiser of its phase; else return a new state.

    Raises ConfigError where the state belongs to other settings, InputError where it cannot be read.
    """
    if not (folder / "state.json").is_file():
        return TrainingState(), make_optimizer(0)
    try:
        described = json.loads((folder / "state.json").read_text())
        tensors = load_file(folder / described["tensors"])
        names = ("epoch", "phase", "phase_began", "best_epoch", "best_loss", "kept")
        state = TrainingState(**{name: described[name] for name in names})
        optimizer_kind, averaged = described["optimizer"], described["averaged"]
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise InputError(f"{folder}: the saved state cannot be read ({error}); start again without --resume") from error

    def under(prefix: str) -> dict[str, torch.Tensor]:
        return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}

    optimizer = make_optimizer(state.phase)
    if optimizer_kind != type(optimizer).__name__ or (averaged is None) != (average is None):
        raise ConfigError(f"{folder}: was started with another optimizer; start again without --resume")
    module.load_state_dict(under("module."))
    values: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in under("optimizer.").items():
        number, _, name = key.partition(".")
        values.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({"state": values, "param_groups": optimizer.state_dict()["param_groups"]})
    if average is not None:
        average.load(under("average."), averaged)
    state.best = under("best.")
    return state, optimizer
