"""The base classes of networks: heads with their target, loss and outputs, backbones, and the whole network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from whereshot.earth.partition import Hierarchy


class Head(nn.Module, ABC):
    """The layers after the features (n, dim) of unit length. A readout turns their outputs into places."""

    kind: ClassVar[str]
    hierarchy: Hierarchy

    @abstractmethod
    def target(self, points: NDArray[np.float64]) -> torch.Tensor:
        """Return the targets of the loss for positions (n, 2) in degrees."""

    @abstractmethod
    def loss(self, features: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the mean loss, a scalar, of features (n, dim) with weights (n,)."""

    @abstractmethod
    def outputs(self, features: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the outputs that the readout needs, by name, for features (n, dim)."""

    def place_weights(self) -> dict[str, NDArray[Any]] | None:
        """Return the weights of the location encoder that belongs to the output "encoding"; None without an encoder."""
        return None


class FeatureScaling(nn.Module):
    """Scales pooled features for the heads: signed power, minus the mean, unit length.

    The square root and the centring reduce the weight of few large activations (Jegou and Chum 2012).
    """

    mean: torch.Tensor
    power: torch.Tensor

    def __init__(self, dim: int, power: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("power", torch.tensor(float(power)))

    def _powered(self, features: torch.Tensor) -> torch.Tensor:
        # the clamp keeps the gradient of the root finite at zero; the values hardly change
        return features.sign() * features.abs().clamp(min=1e-12).pow(self.power)

    @torch.no_grad()
    def fit(self, features: torch.Tensor) -> None:
        """Centre on the mean of training features (n, dim)."""
        self.mean.copy_(self._powered(features).double().mean(dim=0).float())

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return unit features (n, dim) of pooled features (n, dim)."""
        return nn.functional.normalize(self._powered(features) - self.mean, dim=1)


class FeatureNetwork(nn.Module):
    """Turns pictures (n, 3, h, w) into features (n, ``dim``), with a timm ``network`` or CLIP's image tower."""

    dim: int
    network: nn.Module

    def blocks(self) -> dict[str, int]:
        """Return the block number of each parameter by its name, from 0 for the stem."""
        raise NotImplementedError


class Network(nn.Module):
    """Backbone, scaling and head: turns crops into outputs by name."""

    def __init__(self, backbone: FeatureNetwork, scaling: FeatureScaling, head: Head) -> None:
        super().__init__()
        self.backbone, self.scaling, self.head = backbone, scaling, head

    def features(self, crops: torch.Tensor, owner: torch.Tensor, photos: int) -> torch.Tensor:
        """Return the mean features (photos, dim) of crops (m, 3, h, w); ``owner`` (m,) is the photo of each crop."""
        result: torch.Tensor = self.scaling(mean_of_crops(self.backbone(crops), owner, photos))
        return result

    def forward(self, crops: torch.Tensor, owner: torch.Tensor, photos: int) -> dict[str, torch.Tensor]:
        """Return all outputs by name for crops (m, 3, h, w), each owned by one of the photos (m,)."""
        return self.from_features(self.features(crops, owner, photos))

    def from_features(self, features: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return all outputs by name for scaled features (n, dim)."""
        return {"features": features, **self.head.outputs(features)}


def mean_of_crops(pooled: torch.Tensor, owner: torch.Tensor, photos: int) -> torch.Tensor:
    """Return the mean (photos, dim) of the features (m, dim) of the crops of each photo; ``owner`` is (m,)."""
    total = torch.zeros(photos, pooled.shape[1], dtype=pooled.dtype, device=pooled.device)
    total.index_add_(0, owner, pooled)
    counts = torch.bincount(owner, minlength=photos).clamp(min=1)
    return total / counts[:, None].to(pooled.dtype)


def weighted_mean(each: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return the mean of values (n,) with weights (n,), a scalar; 0 where all weights are 0."""
    return (each * weight).sum() / weight.sum().clamp(min=1e-12)
