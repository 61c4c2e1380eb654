"""The head "align": pictures get encodings that are near the encodings of the places where they were taken.

It turns features (n, dim) into encodings of pictures, and into similarities with the centres of the cells. The loss is
the cosine with a frozen location encoder, or a contrastive loss over the places of the batch and of a queue (Vivanco
Cepeda et al. 2023, after He et al. 2020).
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import nn

from whereshot.earth.partition import Hierarchy
from whereshot.foundation import settings_file
from whereshot.foundation.errors import ConfigError, MissingExtraError, nearest_name
from whereshot.foundation.settings_file import Settings
from whereshot.models.networks import geoclip
from whereshot.models.networks.base import Head
from whereshot.models.networks.locations import ENCODERS, FourierSettings, LocationEncoder

GEOCLIP = "geoclip"


class AlignSettings(Settings):
    """Settings of the head. ``locations`` is "geoclip" with published weights, or one of ENCODERS with random ones."""

    locations: str = GEOCLIP
    location_settings: dict[str, Any] = Field(default_factory=dict)
    train_locations: bool | None = None
    """Whether the location encoder is trained too; by default yes for ENCODERS, and no for "geoclip"."""
    loss: Literal["cosine", "contrastive"] = "contrastive"
    width: int = Field(768, ge=1)
    layers: int = Field(1, ge=0)
    """Number of hidden dense layers between the features and the encoding."""
    dense: bool = True
    """False for no layers at all: the features are encodings already, as with the backbone "geoclip"."""
    dropout: float = Field(0.0, ge=0, lt=1)
    temperature: float = Field(0.07, gt=0)
    """Initial value by which cosines are divided."""
    queue: int = Field(4096, ge=0)
    """Number of places of earlier batches that the contrastive loss also uses."""

    @model_validator(mode="after")
    def _check(self) -> AlignSettings:
        if self.locations != GEOCLIP and self.locations not in ENCODERS:
            known = [GEOCLIP, *ENCODERS]
            raise ValueError(f"no location encoder {self.locations!r}; {nearest_name(self.locations, known)}")
        if self.locations == GEOCLIP and self.location_settings:
            raise ValueError("the location encoder of GeoCLIP has no settings; leave location_settings out")
        try:
            self.parse_locations()
        except ConfigError as error:
            raise ValueError(str(error)) from None
        if self.loss == "cosine" and self.learns_locations:
            raise ValueError(
                "loss cosine with a trained location encoder gives all places the same encoding; "
                "set train_locations = false, or loss = contrastive"
            )
        return self

    @property
    def learns_locations(self) -> bool:
        """Whether training changes the location encoder."""
        return self.locations != GEOCLIP if self.train_locations is None else self.train_locations

    def parse_locations(self) -> Settings:
        """Parse and return the settings of the location encoder. Raises ConfigError."""
        if self.locations == GEOCLIP:
            return FourierSettings()
        return settings_file.parse(self.location_settings, ENCODERS[self.locations].settings, name="location_settings")


class Align(Head):
    """Dense layers to the encoding. Logits are scaled cosines with the encoded centres of the cells of all levels."""

    kind = "align"
    queue: torch.Tensor
    queued: torch.Tensor

    def __init__(self, dim: int, hierarchy: Hierarchy, settings: AlignSettings) -> None:
        super().__init__()
        self.hierarchy, self.settings = hierarchy, settings
        self.locations, self._problem = _make_locations(settings)
        self.locations.requires_grad_(settings.learns_locations)
        self.tower = nn.Sequential()
        if settings.dense:
            for _ in range(settings.layers):
                self.tower.extend([nn.Linear(dim, settings.width), nn.ReLU(), nn.Dropout(settings.dropout)])
                dim = settings.width
            self.tower.append(nn.Linear(dim, self.locations.dim))
        elif dim != self.locations.dim:
            raise ConfigError(
                f"head.settings.dense = false needs features of {self.locations.dim} numbers; the backbone has {dim}"
            )
        self.log_scale = nn.Parameter(torch.tensor(-math.log(settings.temperature)))
        self.log_scale.requires_grad_(settings.loss == "contrastive")
        # NaN marks empty entries; the queue is part of the saved state of a run
        self.register_buffer("queue", torch.full((settings.queue, 2), math.nan, dtype=torch.float64))
        self.register_buffer("queued", torch.zeros((), dtype=torch.int64))
        self._centers: torch.Tensor | None = None

    def train(self, mode: bool = True) -> Align:
        """Set the training mode. Encodings of the cells are cleared where training can change them."""
        if mode or self.training:
            self._centers = None
        return super().train(mode)

    def _load_from_state_dict(self, *args: Any, **options: Any) -> None:
        super()._load_from_state_dict(*args, **options)
        self._problem, self._centers = None, None

    @torch.no_grad()
    def target(self, points: NDArray[np.float64]) -> torch.Tensor:
        """Return the positions (n, 2), or for the cosine loss their unit encodings (n, dim).

        Raises MissingExtraError where the weights of GeoCLIP are not installed.
        """
        if self._problem is not None:
            raise self._problem
        positions = torch.as_tensor(points, dtype=torch.float64)
        if self.settings.loss == "contrastive":
            return positions
        device = self.log_scale.device
        return torch.cat([self.places(part.to(device)).cpu() for part in torch.split(positions, 4096)])

    def encoding(self, features: torch.Tensor) -> torch.Tensor:
        """Return unit encodings (n, dim of locations) of features (n, dim)."""
        return nn.functional.normalize(self.tower(features).float(), dim=1)

    def places(self, positions: torch.Tensor) -> torch.Tensor:
        """Return unit encodings (m, dim of locations) of positions (m, 2) in degrees."""
        return nn.functional.normalize(self.locations(positions).float(), dim=1)

    def loss(self, features: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the mean loss, a scalar, of features (n, dim) weighted by (n,)."""
        encoding = self.encoding(features)
        if self.settings.loss == "cosine":
            each = 1 - (encoding * target).sum(1)
        else:
            each = self._contrast(encoding, target)
            if self.training:
                self._enqueue(target)
        return (each * weight).sum() / weight.sum().clamp(min=1e-12)

    def _contrast(self, encoding: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the cross-entropy (n,) of each picture's own place among the places of the batch and of the queue.

        Repetitions of its own place are left out.
        """
        known = self.queue[~self.queue[:, 0].isnan()]
        others = torch.cat([target, known])
        logits = self.log_scale.exp() * encoding @ self.places(others).T
        own = torch.arange(len(target), device=target.device)
        same = (target[:, None] == others[None]).all(dim=2)
        same[own, own] = False
        return nn.functional.cross_entropy(logits.masked_fill(same, -math.inf), own, reduction="none")

    @torch.no_grad()
    def _enqueue(self, target: torch.Tensor) -> None:
        """Put the places of a batch into the queue, in place of the oldest ones."""
        if self.settings.queue:
            newest = target[-self.settings.queue :]
            spots = (self.queued + torch.arange(len(newest), device=target.device)) % self.settings.queue
            self.queue[spots] = newest
            self.queued.copy_((self.queued + len(newest)) % self.settings.queue)

    def place_weights(self) -> dict[str, NDArray[Any]]:
        """Return the weights of the location encoder by name."""
        return {name: tensor.detach().cpu().numpy() for name, tensor in self.locations.state_dict().items()}

    def outputs(self, features: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return "encoding" (n, dim), of unit length, and "logits" (n, cells of all levels)."""
        encoding = self.encoding(features)
        return {"encoding": encoding, "logits": self.log_scale.exp() * encoding @ self._cell_encodings().T}

    def _cell_encodings(self) -> torch.Tensor:
        """Return unit encodings (cells of all levels, dim) of the cell centres, cached outside of training."""
        if not self.training and not torch.is_grad_enabled() and self._centers is not None:
            return self._centers
        device = self.log_scale.device
        centers = [torch.as_tensor(level.centers, device=device) for level in self.hierarchy.levels]
        encodings = self.places(torch.cat(centers))
        if not self.training and not torch.is_grad_enabled():
            self._centers = encodings
        return encodings


def _make_locations(settings: AlignSettings) -> tuple[LocationEncoder, MissingExtraError | None]:
    """Return the location encoder, and the error where its published weights are missing.

    The error is raised at training only: a model folder brings its own weights.
    """
    if settings.locations != GEOCLIP:
        return ENCODERS[settings.locations].encoder(settings.parse_locations()), None
    try:
        return geoclip.location_encoder(), None
    except MissingExtraError as problem:
        return ENCODERS["fourier"].encoder(FourierSettings()), problem
