"""A perceptron from encodings (n, dim) to positions (n, 2) in degrees, trained with the geodesic loss.

It is trained on the places of a region, and its answers lie in this region.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from torch import nn

from whereshot.earth import sphere
from whereshot.earth.projections import unit_vectors
from whereshot.foundation.settings_file import Settings
from whereshot.models.networks.locations import perceptron


class PositionDecoderSettings(Settings):
    """Settings of the perceptron and of its training."""

    width: int = Field(512, ge=1)
    depth: int = Field(2, ge=1)
    steps: int = Field(3000, ge=1)
    batch_size: int = Field(512, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    cosine: float = Field(1.0, gt=0, le=1)
    """Smallest cosine between an encoding and its noisy copy in training; 1 means no noise."""


class PositionDecoder(nn.Module):
    """Turns unit encodings (n, dim) into unit vectors (n, 3) with a perceptron."""

    def __init__(self, dim: int, settings: PositionDecoderSettings) -> None:
        super().__init__()
        self.settings = settings
        self.layers = perceptron(dim, settings.width, settings.depth, 3)

    def forward(self, encodings: torch.Tensor) -> torch.Tensor:
        """Return unit vectors (n, 3) for unit encodings (n, dim)."""
        # entries of unit encodings are about 1/sqrt(dim); scaled, the inputs of the first layer are about 1
        return nn.functional.normalize(self.layers(encodings * math.sqrt(encodings.shape[1])), dim=1)

    def loss(self, encodings: torch.Tensor, positions: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the mean great-circle distance in km to positions (n, 2) in degrees, with weights (n,)."""
        return (geodesic_km(self(encodings), unit_vectors(positions)) * weight).sum() / weight.sum()

    @torch.no_grad()
    def positions(self, encodings: ArrayLike) -> NDArray[np.float64]:
        """Return positions (n, 2) in degrees for encodings (n, dim) of any length."""
        device = next(self.parameters()).device
        wanted = nn.functional.normalize(torch.as_tensor(np.asarray(encodings, np.float32), device=device), dim=1)
        return sphere.latlon(self(wanted).cpu().numpy())

    def fit(
        self, encodings: torch.Tensor, positions: NDArray[np.float64], weight: NDArray[np.float64], *, seed: int = 0
    ) -> PositionDecoder:
        """Train on unit encodings (m, dim) of positions (m, 2), drawn by weight (m,): Adam, a cosine schedule."""
        settings, rng = self.settings, np.random.default_rng(seed)
        noise = torch.Generator(device=encodings.device).manual_seed(seed)
        optimizer = torch.optim.Adam(self.parameters(), lr=settings.learning_rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.steps)
        truth = torch.as_tensor(positions, device=encodings.device)
        cumulated = np.cumsum(weight) / np.sum(weight)
        self.train()
        for _ in range(settings.steps):
            drawn = np.minimum(np.searchsorted(cumulated, rng.random(settings.batch_size)), len(positions) - 1)
            rows = torch.as_tensor(drawn, device=encodings.device)
            inputs = encodings[rows]
            if settings.cosine < 1:
                cosine = torch.empty(len(rows), 1, device=encodings.device).uniform_(
                    settings.cosine, 1, generator=noise
                )
                inputs = noisy(inputs, cosine, noise)
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(
                self.loss(inputs, truth[rows].float(), torch.ones(len(rows), device=encodings.device))
            )
            optimizer.step()
            schedule.step()
        return self.eval()


def geodesic_km(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return great-circle distances (n,) in km between unit vectors (n, 3).

    The gradient is finite also for equal and opposite vectors.
    """
    across = torch.linalg.cross(a, b, dim=-1).square().sum(-1).clamp(min=1e-14).sqrt()
    return sphere.EARTH_KM * torch.atan2(across, (a * b).sum(-1))


def noisy(encodings: torch.Tensor, cosine: torch.Tensor | float, generator: torch.Generator) -> torch.Tensor:
    """Return unit encodings (n, dim), turned in random directions to a given ``cosine`` with the original."""
    drawn = torch.randn(encodings.shape, generator=generator, device=encodings.device, dtype=encodings.dtype)
    across = nn.functional.normalize(drawn - encodings * (drawn * encodings).sum(1, keepdim=True), dim=1)
    cosine = torch.as_tensor(cosine, dtype=encodings.dtype, device=encodings.device)
    return cosine * encodings + (1 - cosine.square()).sqrt() * across
