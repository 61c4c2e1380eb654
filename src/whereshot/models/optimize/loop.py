"""The training loop: optimise, validate, save, resume, phase after phase.

Each epoch ends with a checkpoint and is seeded by (seed, epoch) alone, so a loop that was killed and resumed takes,
on a CPU, bit for bit the steps of an undisturbed one.
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
from whereshot.models.optimize.weight_average import Average


class StepPart(NamedTuple):
    """The loss of a part of a step's photos, and their ``share`` of its loss; the last part ends the step."""

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
    """Train ``module`` in place; returns the epochs of each phase that led to the weights that were kept.

    ``steps(epoch)`` yields the parts of its ``count_steps(epoch)`` steps; ``validate()`` is the loss on photos kept
    apart, or None. ``parameters`` are groups of them that have a "scale" on the learning rate; ``lengths`` replace
    the phases' epochs. ``state`` is a folder: what it holds from a killed run is gone on with. Raises InputError where
    the loss is no number.
    """
    phases = settings.phases
    ends = [phase.epochs for phase in phases] if lengths is None else list(lengths)
    average = None if settings.ema is None else Average(module, settings.ema)

    def optimizer_of(phase: int) -> torch.optim.Optimizer:
        fresh = module.parameters() if parameters is None else [dict(each) for each in parameters]
        return make_optimizer(phases[phase], fresh)

    at, optimizer = training_state.load(state, module, optimizer_of, average)
    bfloat16 = settings.precision == "bfloat16" or (settings.precision == "auto" and device != "cpu")
    writes = log if group.is_first else None
    if writes is not None:
        _truncate(writes, at.epoch)
    for _ in track(range(at.epoch, sum(ends)), total=sum(ends) - at.epoch, what=what):
        while at.phase < len(ends) and (at.epoch - at.phase_began >= ends[at.phase] or at.idle >= settings.patience):
            at.next_phase()
            if at.phase < len(ends):
                module.load_state_dict(at.best or module.state_dict())
                optimizer = optimizer_of(at.phase)
                if average is not None:
                    average.restart(module)
        if at.phase >= len(ends):
            break
        began, phase = time.perf_counter(), phases[at.phase]
        counts = [count_steps(epoch) for epoch in range(at.phase_began, at.phase_began + ends[at.phase])]
        before = sum(counts[: at.epoch - at.phase_began])
        module.train()
        _seed(seed, at.epoch, group)
        losses: list[torch.Tensor] = []
        with torch.autocast(device.split(":")[0], torch.bfloat16, enabled=bfloat16):
            for loss in _summed(steps(at.epoch), optimizer, group.count):
                step = before + len(losses)
                set_learning_rate(optimizer, learning_rate(phase, step, sum(counts), at.epoch - at.phase_began))
                optimizer.step()
                losses.append(loss)
                if average is not None:
                    average.update(module)
        train_loss = _mean_loss(losses, at.epoch, group)
        module.eval()
        with torch.no_grad(), average.applied(module) if average is not None else contextlib.nullcontext():
            validation_loss = validate()
            at.after_epoch(module, validation_loss)
        if writes is not None:  # before the state: a kill between the two leaves a line that resuming drops
            row = {
                "epoch": at.epoch,
                "train_loss": train_loss,
                "validation_loss": validation_loss,
                "learning_rate": max(each["lr"] for each in optimizer.param_groups),
                "seconds": round(time.perf_counter() - began, 3),
            }
            output_files.append_line(writes, json.dumps(row))
        if group.is_first:
            training_state.save(state, at, module, optimizer, average)
    if at.best is not None:
        module.load_state_dict(at.best)
    module.eval()
    return at.kept


def _summed(parts: Iterable[StepPart], optimizer: torch.optim.Optimizer, processes: int) -> Iterator[torch.Tensor]:
    """The loss of each step, when its gradient is there: that of its parts, which processes average, is added up."""
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
    """What is drawn in an epoch, as by dropout, depends on seed and epoch, and differs between processes."""
    drawn = [seed, epoch] if group.is_first else [seed, epoch, group.rank]
    torch.manual_seed(int(np.random.SeedSequence(drawn).generate_state(1)[0]))


def _mean_loss(losses: list[torch.Tensor], epoch: int, group: ProcessGroup) -> float:
    """The mean of an epoch's losses, summed over the processes. Raises InputError where one is no number."""
    if not losses:
        raise InputError(f"no picture could be read in epoch {epoch + 1}")
    numbers = group.sum(torch.stack(losses).double().tolist())
    if not np.isfinite(numbers).all():
        raise InputError(f"the loss became {numbers[-1]} in epoch {epoch + 1}; lower optimizer.learning_rate")
    return float(np.mean(numbers))


def _truncate(log: Path, epochs: int) -> None:
    """Drop log lines of epochs that a kill undid."""
    lines = log.read_text("utf-8").splitlines(keepends=True) if log.is_file() else []
    output_files.write_text(log, "".join(lines[:epochs]))
