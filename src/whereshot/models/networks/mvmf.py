"""The head "mvmf": a mixture of von Mises-Fisher distributions, with a component for each finest cell.

The network gives the weights of the components (Izbicki, Papalexakis and Tsotras 2019). The loss is the likelihood of
the true places on the sphere. Means and concentrations are the same for all photos; they start as the imagery centroids
and spreads of the cells. The readout is ``readout.VonMisesFisher``, or the heaviest components with
calibration.position = "components".
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import nn

from whereshot.earth import sphere
from whereshot.earth.partition import Hierarchy
from whereshot.foundation.settings_file import Settings
from whereshot.models.networks.base import Head
from whereshot.models.readout.cells import VonMisesFisher

LONGEST_LOG_KAPPA = 25.0
"""Largest kappa: half the mass of a component is within 28 m. Else kappa would grow without end for a single photo."""


KEPT = 64
"""Number of heaviest components of each photo that the output "components" has."""


class MvmfSettings(Settings):
    """Settings of the head. ``scale`` multiplies the unit features.

    ``floor_km`` is the smallest initial width of a component, as the root mean square distance from its mean.
    """

    dropout: float = Field(0.0, ge=0, lt=1)
    scale: float = Field(20.0, gt=0)
    floor_km: float = Field(1.0, gt=0)
    learn_kappa: bool = True
    learn_means: bool = False


class Mvmf(Head):
    """The loss is -log sum_j w_j kappa_j / (2 pi (1 - exp(-2 kappa_j))) exp(kappa_j (mu_j . y - 1)).

    The network gives the weights w_j.
    """

    kind = "mvmf"
    first_mean: torch.Tensor
    first_radius: torch.Tensor

    def __init__(self, dim: int, hierarchy: Hierarchy, settings: MvmfSettings) -> None:
        super().__init__()
        self.hierarchy, self.settings = hierarchy, settings
        self._kept: torch.Tensor | None = None
        finest = hierarchy.finest
        self.dropout = nn.Dropout(settings.dropout)
        self.linear = nn.Linear(dim, len(finest))
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        radius = np.maximum(finest.spread_km, settings.floor_km) / sphere.EARTH_KM
        # the parameters are changes relative to the start, so that one learning rate suits all sizes of cells
        self.kappa_change = nn.Parameter(torch.zeros(len(finest)), requires_grad=settings.learn_kappa)
        self.mean_change = nn.Parameter(torch.zeros(len(finest), 3), requires_grad=settings.learn_means)
        self.register_buffer("first_mean", torch.from_numpy(sphere.xyz(finest.centers)), persistent=False)
        self.register_buffer("first_radius", torch.from_numpy(radius), persistent=False)

    def target(self, points: NDArray[np.float64]) -> torch.Tensor:
        """Return the unit vectors (n, 3) of positions (n, 2), float64. Places outside of all cells count too."""
        return torch.from_numpy(sphere.xyz(points))

    def means(self) -> torch.Tensor:
        """Return the unit vectors (k, 3) of the means of the components, float64."""
        moved = self.first_mean + self.first_radius[:, None] * self.mean_change.double()
        return nn.functional.normalize(moved, dim=1)

    def log_kappa(self) -> torch.Tensor:
        """Return the log concentrations (k,), float64. At the start 2 / kappa is the mean squared angle of a cell."""
        start = math.log(2) - 2 * self.first_radius.log()
        return (start + self.kappa_change.double()).clamp(max=LONGEST_LOG_KAPPA)

    def _log_weight(self, features: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.linear(self.dropout(features * self.settings.scale)).double().log_softmax(dim=1)
        return result

    def log_density(self, features: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        """Return the log density (n,) per steradian at unit vectors (n, 3), float64."""
        log_kappa = self.log_kappa()
        kappa = log_kappa.exp()
        # in float64, because kappa reaches 7e10, and in float32 the cosine of a kilometre is 1
        one_minus_cos = 1 - vectors.double() @ self.means().T
        log_norm = log_kappa - math.log(2 * math.pi) - torch.log(-torch.expm1(-2 * kappa))
        return (self._log_weight(features) + log_norm - kappa * one_minus_cos).logsumexp(dim=1)

    def loss(self, features: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the mean negative log density, a scalar, at the unit vectors ``target`` (n, 3), weighted by (n,)."""
        return -(self.log_density(features, target) * weight).sum() / weight.sum().clamp(min=1e-12)

    def outputs(self, features: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return "logits", the log weights of the finest cells, with 0 for all cells of coarser levels.

        Also return "components" (n, m, 4), the heaviest ones: latitude, longitude, log weight, and the radius in km
        that contains half of the mass.
        """
        weights = self._log_weight(features)
        coarse = weights.new_zeros(weights.shape[0], sum(self.hierarchy.sizes[:-1]))
        heaviest, best = weights.topk(min(KEPT, weights.shape[1]), dim=1)
        described = self._described()[best]
        components = torch.cat([described[..., :2], heaviest[..., None], described[..., 2:]], dim=2)
        return {"logits": torch.cat([coarse, weights], dim=1), "components": components}

    def train(self, mode: bool = True) -> Mvmf:
        """Set the training mode. Cached facts about the components are cleared where training can change them."""
        if mode or self.training:
            self._kept = None
        return super().train(mode)

    def _load_from_state_dict(self, *args: Any, **options: Any) -> None:
        super()._load_from_state_dict(*args, **options)
        self._kept = None

    def _described(self) -> torch.Tensor:
        """Return latitude, longitude and half-mass radius in km (k, 3) of the components.

        They are cached outside of training, and so are constants in an exported network.
        """
        if self.training or torch.is_grad_enabled():
            return self._describe()
        if self._kept is None or self._kept.device != self.linear.weight.device:
            self._kept = self._describe()
        return self._kept

    def _describe(self) -> torch.Tensor:
        x, y, z = self.means().unbind(1)
        kappa = self.log_kappa().exp()
        one_minus_cos = (math.log(2) - torch.log1p((-2 * kappa).exp())) / kappa
        half_km = 2 * sphere.EARTH_KM * (one_minus_cos / 2).sqrt().asin()
        return torch.stack([torch.atan2(z, torch.hypot(x, y)).rad2deg(), torch.atan2(y, x).rad2deg(), half_km], dim=1)

    @torch.no_grad()
    def readout(self) -> VonMisesFisher:
        """Return the readout with the learned means and concentrations of the components."""
        return VonMisesFisher(sphere.latlon(self.means().cpu().numpy()), self.log_kappa().exp().cpu().numpy())
