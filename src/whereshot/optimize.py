"""The training loop: optimise, validate, save, resume.

Each epoch ends with a checkpoint and is seeded by (seed, epoch) alone, so a loop that was killed and resumed takes,
on a CPU, bit for bit the steps of an undisturbed one.
"""

from __future__ import annotations

import functools
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from safetensors.torch import load_file, save_file

from whereshot.config import Settings
from whereshot.errors import InputError
from whereshot.progress import Track, silent


class OptimizerSettings(Settings):
    """AdamW with linear warm-up and a cosine to zero."""

    epochs: int = Field(30, ge=1)
    batch_size: int = Field(128, ge=1)
    learning_rate: float = Field(3e-3, gt=0)
    weight_decay: float = Field(0.05, ge=0)
    warmup: float = Field(0.1, ge=0, lt=1)
    """Share of all steps."""
    patience: int = Field(10, ge=1)
    """Epochs without a better validation loss after which training stops."""
    weigh_by: Literal["photo", "place"] = "photo"
    """Whether a place counts by its photos or once."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """bfloat16 autocast; auto takes it on a GPU."""


def optimize(
    module: torch.nn.Module,
    steps: Callable[[int], Iterator[torch.Tensor]],
    validate: Callable[[], float | None],
    batches_per_epoch: int,
    settings: OptimizerSettings,
    *,
    seed: int,
    state: Path,
    device: str = "cpu",
    log: Path | None = None,
    epochs: int | None = None,
    track: Track = silent,
    what: str = "training",
) -> int:
    """Train ``module`` in place; returns the number of epochs whose weights were kept.

    ``steps(epoch)`` yields the loss of each batch; ``validate()`` the loss on photos kept apart, or None. ``state`` is
    a folder: what it holds from a killed run is gone on with. Raises InputError where the loss is no number.
    """
    total_epochs = epochs or settings.epochs
    optimizer = torch.optim.AdamW(module.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = functools.partial(_learning_rate, settings, total_epochs * batches_per_epoch)
    progress = _Progress.load(state, module, optimizer)
    bfloat16 = settings.precision == "bfloat16" or (settings.precision == "auto" and device != "cpu")
    if log is not None:
        _truncate(log, progress.epoch)
    for epoch in track(range(progress.epoch, total_epochs), total=total_epochs - progress.epoch, what=what):
        if progress.epoch - progress.best_epoch >= settings.patience:
            break
        began = time.perf_counter()
        torch.manual_seed(int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0]))
        module.train()
        losses = []
        with torch.autocast(device.split(":")[0], torch.bfloat16, enabled=bfloat16):
            generator = steps(epoch)
            for number, loss in enumerate(generator):
                for group in optimizer.param_groups:
                    group["lr"] = schedule(epoch * batches_per_epoch + number)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
        if not losses:
            raise InputError(f"no picture could be read in epoch {epoch + 1}")
        if not np.isfinite(losses).all():
            raise InputError(f"the loss became {losses[-1]} in epoch {epoch + 1}; lower optimizer.learning_rate")
        module.eval()
        with torch.no_grad():
            validation_loss = validate()
        progress.after_epoch(module, validation_loss)
        if log is not None:  # before the state: a kill between the two leaves a line that resuming drops
            row = {
                "epoch": epoch + 1,
                "train_loss": float(np.mean(losses)),
                "validation_loss": validation_loss,
                "learning_rate": optimizer.param_groups[0]["lr"],
                "seconds": round(time.perf_counter() - began, 3),
            }
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        progress.save(state, module, optimizer)
    module.load_state_dict(progress.best)
    module.eval()
    return progress.best_epoch


@dataclass
class _Progress:
    """Where a training loop stands: finished epochs, the best so far and its weights."""

    epoch: int = 0
    best_epoch: int = 0
    best_loss: float | None = None
    best: dict[str, torch.Tensor] | None = None

    def after_epoch(self, module: torch.nn.Module, validation_loss: float | None) -> None:
        self.epoch += 1
        if validation_loss is None or self.best_loss is None or validation_loss < self.best_loss:
            self.best_epoch, self.best_loss = self.epoch, validation_loss
            self.best = {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}

    def save(self, folder: Path, module: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """One safetensors file and one JSON file; the JSON is replaced last and names the tensors it belongs to."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"module.{name}": tensor.detach().clone() for name, tensor in module.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        for number, values in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": value.detach().clone() for name, value in values.items()}
        name = f"epoch-{self.epoch:05d}.safetensors"
        save_file({key: value.contiguous() for key, value in tensors.items()}, folder / name)
        described = {
            "epoch": self.epoch,
            "best_epoch": self.best_epoch,
            "best_loss": self.best_loss,
            "tensors": name,
        }
        beside = folder / ".state.json"
        beside.write_text(json.dumps(described))
        beside.replace(folder / "state.json")
        for old in folder.glob("epoch-*.safetensors"):
            if old.name != name:
                old.unlink()

    @classmethod
    def load(cls, folder: Path, module: torch.nn.Module, optimizer: torch.optim.Optimizer) -> _Progress:
        """The state that was saved last, put into module and optimizer; a fresh one where there is none."""
        if not (folder / "state.json").is_file():
            return cls()
        described = json.loads((folder / "state.json").read_text())
        device = next(module.parameters()).device
        tensors = load_file(folder / described["tensors"], device=str(device))

        def under(prefix: str) -> dict[str, torch.Tensor]:
            return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}

        module.load_state_dict(under("module."))
        state: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in under("optimizer.").items():
            number, _, name = key.partition(".")
            state.setdefault(int(number), {})[name] = value
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
        return cls(described["epoch"], described["best_epoch"], described["best_loss"], under("best."))


def _learning_rate(settings: OptimizerSettings, total_steps: int, step: int) -> float:
    """Linear warm-up, then half a cosine to zero."""
    warmup = max(1, round(settings.warmup * total_steps))
    if step < warmup:
        return settings.learning_rate * (step + 1) / warmup
    done = (step - warmup) / max(1, total_steps - warmup)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def _truncate(log: Path, epochs: int) -> None:
    """Drop log lines of epochs that a kill undid."""
    lines = log.read_text("utf-8").splitlines(keepends=True) if log.is_file() else []
    log.write_text("".join(lines[:epochs]), "utf-8")
