"""The training loop: optimise, validate, save, resume, one phase after the other.

Each epoch ends with a checkpoint, and its seed depends on (seed, epoch) alone. So a loop that was killed and resumed
takes, on a CPU, bit for bit the same steps as a loop that was not killed.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from whereshot.foundation import output_files
from whereshot.foundation.errors import InputError
from whereshot.foundation.progress import Track, silent
from whereshot.models.optimize import training_state
from whereshot.models.optimize.optimizers import OptimizerSettings, learning_rate, make_optimizer, set_learning_rate
from whereshot.models.optimize.processes import ALONE, ProcessGroup
from whereshot.models.optimize.training_state import TrainingState
from whereshot.models.optimize.weight_average import Average


class StepPart(NamedTuple):
    """The loss of a part of the photos of a step, and its ``share`` of the step's loss. The last part ends the step."""

    loss: torch.Tensor
    share: float = 1.0
    ends_step: bool = True


def optimize(
    module: torch.nn.Module,
    steps: Callable[[int], Iterator[StepPart]],
    validate: Callable[[], float | None],
    count_steps: Callable[[int], int],
    settings: OptimizerSettings,
    *,
    seed: int,
    state: Path,
    device: str = "cpu",
    parameters: list[dict[str, Any]] | None = None,
    group: ProcessGroup = ALONE,
    log: Path | None = None,
    lengths: Sequence[int] | None = None,
    track: Track = silent,
    what: str = "training",
) -> list[int]:
    """Train ``module`` in place; return the number of epochs of each phase that led to the weights that are kept.

    ``steps(epoch)`` yields the parts of its ``count_steps(epoch)`` steps. ``validate()`` returns the loss on photos
    kept apart, or None. ``parameters`` are groups that may hold a "scale" on the learning rate. ``lengths`` replace the
    epochs of the phases. ``state`` is a folder; a killed run is resumed from it. Raises InputError where the loss is
    not a number, OutputError where ``state`` cannot be written.
    """
    training = _Training(module, steps, count_steps, settings, lengths, parameters, seed, device, group)
    at = training.resume(state)
    epochs = sum(training.ends)
    writes = log if group.is_first else None
    if writes is not None:
        _truncate(writes, at.epoch)
    for _ in track(range(at.epoch, epochs), total=epochs - at.epoch, what=what):
        if not training.begin_epoch():
            break
        began = time.perf_counter()
        train_loss = training.train_epoch()
        validation_loss = training.validate(validate)
        if writes is not None:  # before the state: after a kill between the two, resuming drops this line
            row = {
                "epoch": at.epoch,
                "train_loss": train_loss,
                "validation_loss": validation_loss,
                "learning_rate": max(each["lr"] for each in training.optimizer.param_groups),
                "seconds": round(time.perf_counter() - began, 3),
            }
            output_files.append_line(writes, json.dumps(row))
        if group.is_first:
            training_state.save(state, at, module, training.optimizer, training.average)
    if at.best is not None:
        module.load_state_dict(at.best)
    module.eval()
    return at.kept


class _Training:
    """A training that is under way: its state, its optimiser and the moving average of the weights."""

    def __init__(
        self,
        module: torch.nn.Module,
        steps: Callable[[int], Iterator[StepPart]],
        count_steps: Callable[[int], int],
        settings: OptimizerSettings,
        lengths: Sequence[int] | None,
        parameters: list[dict[str, Any]] | None,
        seed: int,
        device: str,
        group: ProcessGroup,
    ) -> None:
        self.module, self.steps, self.count_steps = module, steps, count_steps
        self.phases, self.patience, self.parameters = settings.phases, settings.patience, parameters
        self.ends = [phase.epochs for phase in self.phases] if lengths is None else list(lengths)
        self.average = None if settings.ema is None else Average(module, settings.ema)
        self.seed, self.device, self.group = seed, device, group
        self.bfloat16 = settings.precision == "bfloat16" or (settings.precision == "auto" and device != "cpu")

    def resume(self, state: Path) -> TrainingState:
        """Load what a killed run left in the folder ``state``, or start anew; return the state."""
        self.at, self.optimizer = training_state.load(state, self.module, self._make_optimizer, self.average)
        return self.at

    def _make_optimizer(self, phase: int) -> torch.optim.Optimizer:
        fresh = self.module.parameters() if self.parameters is None else [dict(each) for each in self.parameters]
        return make_optimizer(self.phases[phase], fresh)

    def begin_epoch(self) -> bool:
        """Begin the next phase where this one is over; return whether there is an epoch left to train."""
        at, ends = self.at, self.ends
        while at.phase < len(ends) and (at.epoch - at.phase_began >= ends[at.phase] or at.idle >= self.patience):
            at.next_phase()
            if at.phase < len(ends):
                self.module.load_state_dict(at.best or self.module.state_dict())
                self.optimizer = self._make_optimizer(at.phase)
                if self.average is not None:
                    self.average.restart(self.module)
        return at.phase < len(ends)

    def train_epoch(self) -> float:
        """Take the steps of an epoch; return their mean loss. Raises InputError where it is not a number."""
        at, phase = self.at, self.phases[self.at.phase]
        counts = [self.count_steps(epoch) for epoch in range(at.phase_began, at.phase_began + self.ends[at.phase])]
        before = sum(counts[: at.epoch - at.phase_began])
        self.module.train()
        _seed(self.seed, at.epoch, self.group)
        losses: list[torch.Tensor] = []
        with torch.autocast(self.device.split(":")[0], torch.bfloat16, enabled=self.bfloat16):
            for loss in _summed(self.steps(at.epoch), self.optimizer, self.group.count):
                step = before + len(losses)
                rate = learning_rate(phase, step, sum(counts), at.epoch - at.phase_began)
                set_learning_rate(self.optimizer, rate)
                self.optimizer.step()
                losses.append(loss)
                if self.average is not None:
                    self.average.update(self.module)
        return _mean_loss(losses, at.epoch, self.group)

    def validate(self, validate: Callable[[], float | None]) -> float | None:
        """Return the validation loss, of the averaged weights where there are any, and count the epoch."""
        average = self.average
        self.module.eval()
        with torch.no_grad(), average.applied(self.module) if average is not None else contextlib.nullcontext():
            loss = validate()
            self.at.after_epoch(self.module, loss)
        return loss


def _summed(parts: Iterable[StepPart], optimizer: torch.optim.Optimizer, processes: int) -> Iterator[torch.Tensor]:
    """Yield the loss of each step after its gradient has been computed, as the sum over the parts of the step."""
    total: torch.Tensor | None = None
    for part in parts:
        if total is None:
            optimizer.zero_grad(set_to_none=True)
        loss = part.loss if part.share == 1 else part.loss * part.share
        torch.autograd.backward(loss * processes if processes > 1 else loss)
        total = loss.detach() if total is None else total + loss.detach()
        if part.ends_step:
            yield total
            total = None


def _seed(seed: int, epoch: int, group: ProcessGroup) -> None:
    """Seed the random draws of an epoch, such as dropout, by the seed, the epoch and the process."""
    drawn = [seed, epoch] if group.is_first else [seed, epoch, group.rank]
    torch.manual_seed(int(np.random.SeedSequence(drawn).generate_state(1)[0]))


def _mean_loss(losses: list[torch.Tensor], epoch: int, group: ProcessGroup) -> float:
    """Return the mean loss of an epoch over all processes. Raises InputError where a loss is not a number."""
    if not losses:
        raise InputError(f"no picture could be read in epoch {epoch + 1}")
    numbers = group.sum(torch.stack(losses).double().tolist())
    if not np.isfinite(numbers).all():
        raise InputError(f"the loss became {numbers[-1]} in epoch {epoch + 1}; lower optimizer.learning_rate")
    return float(np.mean(numbers))


def _truncate(log: Path, epochs: int) -> None:
    """Remove the log lines of epochs after the saved state."""
    lines = log.read_text("utf-8").splitlines(keepends=True) if log.is_file() else []
    output_files.write_text(log, "".join(lines[:epochs]))
