"""What every head answers for: its target, its loss, its outputs; and how crops and features are put together."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from whereshot.earth.partition import Hierarchy


class Head(nn.Module, ABC):
    """Features (n, dim) of unit length -> what a readout turns into places."""

    kind: ClassVar[str]
    hierarchy: Hierarchy

    @abstractmethod
    def target(self, points: NDArray[np.float64]) -> torch.Tensor:
        """What the loss compares with, for positions (n, 2) in degrees."""

    @abstractmethod
    def loss(self, features: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Mean loss, a scalar, of features (n, dim) weighted by (n,)."""

    @abstractmethod
    def outputs(self, features: torch.Tensor) -> dict[str, torch.Tensor]:
        """What the readout needs of features (n, dim), by name."""

    def place_weights(self) -> dict[str, NDArray[Any]] | None:
        """Weights of the location encoder that the output "encoding" is to be compared by; None where there is none."""
        return None


class FeatureScaling(nn.Module):
    """Pooled features -> signed power, minus the mean, unit length: what cosine and linear heads like best.

    The square root and the centring take the burstiness out of pooled activations (Jegou and Chum 2012).
    """

    mean: torch.Tensor
    power: torch.Tensor

    def __init__(self, dim: int, power: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("power", torch.tensor(float(power)))

    def _powered(self, features: torch.Tensor) -> torch.Tensor:
        # the clamp changes no value that counts, and keeps the gradient of a root at zero finite
        return features.sign() * features.abs().clamp(min=1e-12).pow(self.power)

    @torch.no_grad()
    def fit(self, features: torch.Tensor) -> None:
        """Centre on the mean of training features (n, dim)."""
        self.mean.copy_(self._powered(features).double().mean(dim=0).float())

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return unit features (n, dim) of pooled features (n, dim)."""
        return nn.functional.normalize(self._powered(features) - self.mean, dim=1)


class FeatureNetwork(nn.Module):
    """Pictures (n, 3, h, w) -> features (n, ``dim``), by a ``network`` of timm's or by CLIP's tower."""

    dim: int
    network: nn.Module

    def blocks(self) -> dict[str, int]:
        """The block, from 0 upwards, of each parameter, by its name in the network."""
        raise NotImplementedError


class Network(nn.Module):
    """Backbone, scaling and head as one: crops in, outputs by name out."""

    def __init__(self, backbone: FeatureNetwork, scaling: FeatureScaling, head: Head) -> None:
        super().__init__()
        self.backbone, self.scaling, self.head = backbone, scaling, head

    def features(self, crops: torch.Tensor, owner: torch.Tensor, photos: int) -> torch.Tensor:
        """Mean features (photos, dim), unit length, of crops (m, 3, h, w), each owned by one photo (m,)."""
        result: torch.Tensor = self.scaling(mean_of_crops(self.backbone(crops), owner, photos))
        return result

    def forward(self, crops: torch.Tensor, owner: torch.Tensor, photos: int) -> dict[str, torch.Tensor]:
        """Return all outputs by name for crops (m, 3, h, w), each owned by one of the photos (m,)."""
        return self.from_features(self.features(crops, owner, photos))

    def from_features(self, features: torch.Tensor) -> dict[str, torch.Tensor]:
        """All outputs, of scaled features (n, dim)."""
        return {"features": features, **self.head.outputs(features)}


def mean_of_crops(pooled: torch.Tensor, owner: torch.Tensor, photos: int) -> torch.Tensor:
    """Mean (photos, dim) of the crops' features (m, dim) over their owners (m,)."""
    total = torch.zeros(photos, pooled.shape[1], dtype=pooled.dtype, device=pooled.device)
    total.index_add_(0, owner, pooled)
    counts = torch.bincount(owner, minlength=photos).clamp(min=1)
    return total / counts[:, None].to(pooled.dtype)
