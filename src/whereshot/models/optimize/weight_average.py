"""Exponential moving average of the weights of a network (Polyak and Juditsky 1992).

In step t the average keeps the share min(decay, (1 + t) / (10 + t)) of its value, as TensorFlow's
ExponentialMovingAverage does with num_updates. So the initial weights have little influence in a short training.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class Average:
    """The averaged floating point parameters of a module, by name. The rest of its state is not averaged."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.restart(module)

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Update the average after a step."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        current = _learned(module)
        average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]  # torch gives it no types
        average(list(self.weights.values()), [current[name] for name in self.weights], None)

    @torch.no_grad()
    def load(self, weights: dict[str, torch.Tensor], updates: int) -> None:
        """Load a saved average."""
        self.updates = updates
        for name, tensor in self.weights.items():
            tensor.copy_(weights[name])

    def restart(self, module: nn.Module) -> None:
        """Start again at the current weights of a module."""
        self.updates = 0
        self.weights = {name: tensor.detach().clone() for name, tensor in _learned(module).items()}

    @contextlib.contextmanager
    def applied(self, module: nn.Module) -> Iterator[None]:
        """Give the module the averaged weights inside this context."""
        own = {name: tensor.detach().clone() for name, tensor in _learned(module).items()}
        _put(module, self.weights)
        try:
            yield
        finally:
            _put(module, own)


def _learned(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in module.named_parameters() if tensor.requires_grad}


@torch.no_grad()
def _put(module: nn.Module, weights: dict[str, torch.Tensor]) -> None:
    for name, tensor in module.named_parameters():
        if name in weights:
            tensor.copy_(weights[name])
