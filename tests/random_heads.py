"""Heads with random weights, and unit vectors for them to look at."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from whereshot.earth.partition import Hierarchy
from whereshot.foundation.settings_file import Settings
from whereshot.models.networks import HEADS, BackboneSettings, Head

DIM = 12
TINY = BackboneSettings(name="test_efficientnet")


def draw_weights(head: torch.nn.Module, seed: int) -> None:
    """Give every parameter random numbers; those that a head starts with may all be zero."""
    drawn = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=drawn))


def make_head(kind: str, hierarchy: Hierarchy, settings: dict[str, Any], *, dim: int = DIM) -> Head:
    """A head with random weights, which does not train."""
    parsed: Settings = HEADS[kind].settings.model_validate(settings)
    head = HEADS[kind].head(dim, hierarchy, parsed)
    draw_weights(head, seed=3)
    return head.eval()


def unit_features(count: int, rng: np.random.Generator, dim: int = DIM) -> NDArray:
    features = rng.normal(size=(count, dim))
    return features / np.linalg.norm(features, axis=1, keepdims=True)
