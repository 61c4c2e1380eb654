"""Classification over a hierarchy of cells: one linear layer per level, cross-entropy averaged over the levels."""

from __future__ import annotations

import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import nn

from whereshot.config import Settings
from whereshot.model.base import Head
from whereshot.partition import Hierarchy


class ClassifySettings(Settings):
    """``scale`` is the length that unit features get before the linear layers."""

    dropout: float = Field(0.0, ge=0, lt=1)
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    scale: float = Field(20.0, gt=0)


class Classify(Head):
    """Weyand et al. 2016 with one partition; Mueller-Budack et al. 2018 with several."""

    kind = "classify"

    def __init__(self, dim: int, hierarchy: Hierarchy, settings: ClassifySettings) -> None:
        super().__init__()
        self.hierarchy, self.settings = hierarchy, settings
        self.dropout = nn.Dropout(settings.dropout)
        self.linear = nn.Linear(dim, sum(hierarchy.sizes))
        nn.init.zeros_(self.linear.weight)  # start at equal probabilities: the first steps are not wasted
        nn.init.zeros_(self.linear.bias)

    def target(self, points: NDArray) -> torch.Tensor:
        """Cell numbers (n, levels); -1 outside."""
        return torch.from_numpy(self.hierarchy.assign(points))

    def _logits(self, features: torch.Tensor) -> torch.Tensor:
        return self.linear(self.dropout(features * self.settings.scale))

    def loss(self, features: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        levels = self._logits(features).float().split(self.hierarchy.sizes, dim=1)
        losses = []
        for level, logits in enumerate(levels):
            each = nn.functional.cross_entropy(
                logits,
                target[:, level],
                ignore_index=-1,
                reduction="none",
                label_smoothing=self.settings.label_smoothing,
            )
            inside = weight * (target[:, level] >= 0)
            losses.append((each * inside).sum() / inside.sum().clamp(min=1e-12))
        return torch.stack(losses).mean()

    def outputs(self, features: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"logits": self._logits(features)}
