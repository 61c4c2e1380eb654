"""Optimisers and learning rates. A training has one or more phases, each with its own optimiser and schedule."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Literal

import torch
from pydantic import Field

from whereshot.foundation.settings_file import Settings


class PhaseSettings(Settings):
    """The optimiser and the learning rate of a phase. By default: AdamW, warm-up, then half a cosine to zero."""

    kind: Literal["adamw", "adam", "adagrad", "sgd"] = "adamw"
    epochs: int = Field(30, ge=1)
    learning_rate: float = Field(3e-3, gt=0, allow_inf_nan=False)
    weight_decay: float = Field(0.05, ge=0, allow_inf_nan=False)
    """Decoupled from the gradient for adamw; part of the gradient for the others."""
    momentum: float = Field(0.0, ge=0, lt=1)
    """Of sgd."""
    schedule: Literal["cosine", "polynomial", "exponential", "constant"] = "cosine"
    """The learning rate after the warm-up.

    "cosine": half a cosine to zero. "polynomial": (1 - share of steps done) ** ``power``. "exponential": each epoch
    lower by the share ``decay``. "constant": no change.
    """
    power: float = Field(1.0, gt=0, allow_inf_nan=False)
    """Exponent of "polynomial"; 1 is a straight line to zero."""
    decay: float = Field(0.04, ge=0, lt=1)
    """Share by which "exponential" falls from one epoch to the next."""
    warmup: float = Field(0.1, ge=0, lt=1)
    """Share of all steps in which the rate rises from zero."""


class OptimizerSettings(PhaseSettings):
    """Settings of the optimisation: the first phase, further phases, and settings that all phases share."""

    then: list[PhaseSettings] = Field(default_factory=list)
    """Further phases. Each begins with the best weights so far."""
    batch_size: int = Field(128, ge=1)
    """Number of photos of a step, over all parts and processes."""
    accumulate: int = Field(1, ge=1)
    """Number of parts in which a step is computed one after another, to save memory."""
    layer_decay: float = Field(1.0, gt=0, le=1)
    """Factor between the learning rates of a block of a trained backbone and the block below it (Clark et al. 2020)."""
    ema: float | None = Field(None, gt=0, lt=1)
    """Decay of the moving average of the weights. The averaged weights are validated and kept; None for no average."""
    patience: int = Field(10, ge=1)
    """A phase stops after this number of epochs without a better validation loss."""
    weigh_by: Literal["photo", "place"] = "photo"
    """Whether each photo has the same weight, or each place."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Whether bfloat16 autocast is used; "auto" uses it on a GPU."""

    @property
    def phases(self) -> list[PhaseSettings]:
        """All phases in order."""
        return [self, *self.then]


def make_optimizer(
    phase: PhaseSettings, parameters: Iterable[torch.nn.Parameter] | list[dict[str, Any]]
) -> torch.optim.Optimizer:
    """Return the optimiser of a phase. Groups of parameters may have a "scale" on the learning rate."""
    shared: dict[str, Any] = {"lr": phase.learning_rate, "weight_decay": phase.weight_decay}
    if phase.kind == "adamw":
        return torch.optim.AdamW(parameters, **shared)
    if phase.kind == "adam":
        return torch.optim.Adam(parameters, **shared)
    if phase.kind == "adagrad":
        return torch.optim.Adagrad(parameters, **shared)
    return torch.optim.SGD(parameters, momentum=phase.momentum, **shared)


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Set the learning rate of the next step; each group multiplies it by its scale."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group.get("scale", 1.0)


def learning_rate(phase: PhaseSettings, step: int, total_steps: int, epoch: int) -> float:
    """Return the learning rate of ``step`` of ``total_steps`` of a phase, in its ``epoch``; all count from 0."""
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
