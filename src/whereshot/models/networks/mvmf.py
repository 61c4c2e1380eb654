"""Mixture of von Mises-Fisher distributions (Izbicki, Papalexakis and Tsotras 2019), a component for each finest cell.

Features in; the weights of the components out, trained by the likelihood of the true places on the sphere. Means and
concentrations are the same for all photos: they start as the cells' imagery centroids and spreads. The answer is a
Posterior, by ``readout.VonMisesFisher`` or, of the heaviest components, by calibration.position = "components".
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
"""Half the mass of a component is at least 28 m wide: kappa cannot run away on a place with a single photo."""


KEPT = 64
"""Components of each photo that are told as places; the others, all lighter, are not."""


class MvmfSettings(Settings):
    """``scale`` is the length that unit features get before the linear layer; no component starts narrower than
    ``floor_km``, the root mean square distance from its mean."""

    dropout: float = Field(0.0, ge=0, lt=1)
    scale: float = Field(20.0, gt=0)
    floor_km: float = Field(1.0, gt=0)
    learn_kappa: bool = True
    learn_means: bool = False


class Mvmf(Head):
    """-log sum_j w_j kappa_j / (2 pi (1 - exp(-2 kappa_j))) exp(kappa_j (mu_j . y - 1)), w by the network."""

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
        # what is learned are changes, in units of the start: the same learning rate suits every size of cell
        self.kappa_change = nn.Parameter(torch.zeros(len(finest)), requires_grad=settings.learn_kappa)
        self.mean_change = nn.Parameter(torch.zeros(len(finest), 3), requires_grad=settings.learn_means)
        self.register_buffer("first_mean", torch.from_numpy(sphere.xyz(finest.centers)), persistent=False)
        self.register_buffer("first_radius", torch.from_numpy(radius), persistent=False)

    def target(self, points: NDArray[np.float64]) -> torch.Tensor:
        """Unit vectors (n, 3) of the places, float64; those in no cell have a density too."""
        return torch.from_numpy(sphere.xyz(points))

    def means(self) -> torch.Tensor:
        """Unit vectors (k, 3) of the components' means, float64."""
        moved = self.first_mean + self.first_radius[:, None] * self.mean_change.double()
        return nn.functional.normalize(moved, dim=1)

    def log_kappa(self) -> torch.Tensor:
        """Log concentrations (k,), float64; they start where 2 / kappa is the cells' mean squared angle."""
        start = math.log(2) - 2 * self.first_radius.log()
        return (start + self.kappa_change.double()).clamp(max=LONGEST_LOG_KAPPA)

    def _log_weight(self, features: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.linear(self.dropout(features * self.settings.scale)).double().log_softmax(dim=1)
        return result

    def log_density(self, features: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        """Log density (n,) per steradian at unit vectors (n, 3), float64."""
        log_kappa = self.log_kappa()
        kappa = log_kappa.exp()
        # in float64: kappa goes up to 7e10, and in float32 the cosine of a kilometre is 1
        one_minus_cos = 1 - vectors.double() @ self.means().T
        log_norm = log_kappa - math.log(2 * math.pi) - torch.log(-torch.expm1(-2 * kappa))
        return (self._log_weight(features) + log_norm - kappa * one_minus_cos).logsumexp(dim=1)

    def loss(self, features: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the mean negative log density, a scalar, at the unit vectors ``target`` (n, 3), weighted by (n,)."""
        return -(self.log_density(features, target) * weight).sum() / weight.sum().clamp(min=1e-12)

    def outputs(self, features: torch.Tensor) -> dict[str, torch.Tensor]:
        """By name: "logits", log weights of the finest cells, the coarser levels' being 0, which says nothing; and
        "components" (n, m, 4), the heaviest: latitude, longitude, log weight, and the spread that holds half of it."""
        weights = self._log_weight(features)
        coarse = weights.new_zeros(weights.shape[0], sum(self.hierarchy.sizes[:-1]))
        heaviest, best = weights.topk(min(KEPT, weights.shape[1]), dim=1)
        described = self._described()[best]
        components = torch.cat([described[..., :2], heaviest[..., None], described[..., 2:]], dim=2)
        return {"logits": torch.cat([coarse, weights], dim=1), "components": components}

    def train(self, mode: bool = True) -> Mvmf:
        """Training mode or not; what was worked out of the components is forgotten, unless nothing changes."""
        if mode or self.training:
            self._kept = None
        return super().train(mode)

    def _load_from_state_dict(self, *args: Any, **options: Any) -> None:
        super()._load_from_state_dict(*args, **options)
        self._kept = None

    def _described(self) -> torch.Tensor:
        """Latitude, longitude and the radius in km (k, 3) that holds half of each component; kept while nothing is
        trained, and so a constant of what is exported."""
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
        """What turns the outputs into places: the components' means and concentrations as they were learned."""
        return VonMisesFisher(sphere.latlon(self.means().cpu().numpy()), self.log_kappa().exp().cpu().numpy())
