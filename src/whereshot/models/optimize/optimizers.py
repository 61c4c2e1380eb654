"""How weights change: which optimiser in which phase, and its learning rate from step to step.

Settings and counts of steps in, torch optimisers and learning rates out. A training is one phase, or several after one
another, each with its own optimiser and its own schedule.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Literal

import torch
from pydantic import Field

from whereshot.foundation.settings_file import Settings


class PhaseSettings(Settings):
    """An optimiser for some epochs, and how its rate changes in them: AdamW with warm-up and half a cosine to zero."""

    kind: Literal["adamw", "adam", "adagrad", "sgd"] = "adamw"
    epochs: int = Field(30, ge=1)
    learning_rate: float = Field(3e-3, gt=0, allow_inf_nan=False)
    weight_decay: float = Field(0.05, ge=0, allow_inf_nan=False)
    """Apart from the gradient for adamw, in it for the others."""
    momentum: float = Field(0.0, ge=0, lt=1)
    """Of sgd."""
    schedule: Literal["cosine", "polynomial", "exponential", "constant"] = "cosine"
    """After the warm-up: half a cosine to zero; (1 - share done) ** ``power``; ``decay`` less an epoch; as it is."""
    power: float = Field(1.0, gt=0, allow_inf_nan=False)
    """Of the polynomial; 1 is a straight line to zero."""
    decay: float = Field(0.04, ge=0, lt=1)
    """Share by which an exponential rate falls from one epoch to the next."""
    warmup: float = Field(0.1, ge=0, lt=1)
    """Share of all steps."""


class OptimizerSettings(PhaseSettings):
    """How the weights are found: a first phase, those that follow, and what holds in all of them."""

    then: list[PhaseSettings] = Field(default_factory=list)
    """Further phases. Each begins with the best weights before it, after the epochs or the patience of the last."""
    batch_size: int = Field(128, ge=1)
    """Photos of a step, over all its parts and processes."""
    accumulate: int = Field(1, ge=1)
    """Parts in which a step is computed, one after another, where a whole batch does not fit into memory."""
    layer_decay: float = Field(1.0, gt=0, le=1)
    """Factor on the learning rate from each block of a trained backbone to the one below it (Clark et al. 2020)."""
    ema: float | None = Field(None, gt=0, lt=1)
    """Decay of the moving average of the weights that is validated and kept; none without it."""
    patience: int = Field(10, ge=1)
    """Epochs without a better validation loss after which a phase stops."""
    weigh_by: Literal["photo", "place"] = "photo"
    """Whether a place counts by its photos or once."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """bfloat16 autocast; auto takes it on a GPU."""

    @property
    def phases(self) -> list[PhaseSettings]:
        """All phases in order."""
        return [self, *self.then]


def make_optimizer(
    phase: PhaseSettings, parameters: Iterable[torch.nn.Parameter] | list[dict[str, Any]]
) -> torch.optim.Optimizer:
    """The optimiser of a phase; groups of parameters may have a "scale" on the learning rate."""
    shared: dict[str, Any] = {"lr": phase.learning_rate, "weight_decay": phase.weight_decay}
    if phase.kind == "adamw":
        return torch.optim.AdamW(parameters, **shared)
    if phase.kind == "adam":
        return torch.optim.Adam(parameters, **shared)
    if phase.kind == "adagrad":
        return torch.optim.Adagrad(parameters, **shared)
    return torch.optim.SGD(parameters, momentum=phase.momentum, **shared)


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """The rate of the next step, for each group times its scale."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group.get("scale", 1.0)


def learning_rate(phase: PhaseSettings, step: int, total_steps: int, epoch: int) -> float:
    """The rate of a phase's ``step`` of ``total_steps``, which is in its ``epoch``; all count from 0."""
    warmup = max(int(phase.schedule == "cosine"), round(phase.warmup * total_steps))
    if step < warmup:
        return phase.learning_rate * (step + 1) / warmup
    done = min((step - warmup) / max(1, total_steps - warmup), 1.0)
    if phase.schedule == "cosine":
        return phase.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
    if phase.schedule == "polynomial":
        result: float = phase.learning_rate * (1 - done) ** phase.power
        return result
    if phase.schedule == "exponential":
        return phase.learning_rate * (1 - phase.decay) ** epoch
    return phase.learning_rate
