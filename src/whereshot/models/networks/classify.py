"""The head "classify": classification over the cells of each level, with one linear layer per level.

The loss is one of LOSSES, averaged over the levels. With ``offset`` a second layer predicts the position inside the
chosen cell (the hybrid of classification and regression of OSV-5M).
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import nn

from whereshot.earth import sphere
from whereshot.earth.partition import Hierarchy
from whereshot.foundation import settings_file
from whereshot.foundation.errors import ConfigError, nearest_name
from whereshot.foundation.settings_file import Settings
from whereshot.models.networks.base import Head, weighted_mean
from whereshot.models.networks.losses import LOSSES, Loss, centers_of, distances_between

REACH = 2.0
"""Largest offset, as a multiple of the cell's spread. The corners of an evenly filled square are at 1.7."""
LEAST_REACH_KM = 1.0


class ClassifySettings(Settings):
    """Settings of the head. ``scale`` multiplies the unit features; ``loss`` is one of LOSSES."""

    dropout: float = Field(0.0, ge=0, lt=1)
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    scale: float = Field(20.0, gt=0)
    loss: str = "cross-entropy"
    loss_settings: dict[str, Any] = Field(default_factory=dict)
    offset: bool = False
    """Whether a position inside the finest cell is learned too. calibration.position = "offset" then uses it."""
    offset_weight: float = Field(1.0, gt=0)
    """Weight of the mean squared error of the offset, which is measured in units of the largest offset."""

    @model_validator(mode="after")
    def _check(self) -> ClassifySettings:
        if self.loss not in LOSSES:
            raise ValueError(f"no loss {self.loss!r}; {nearest_name(self.loss, LOSSES)}")
        if self.label_smoothing and not LOSSES[self.loss].loss.smoothing:
            raise ValueError(f"the loss {self.loss!r} does not allow label_smoothing; set label_smoothing = 0")
        try:
            self.make_loss()
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return self

    def make_loss(self) -> Loss:
        """Return the loss with its settings. Raises ConfigError."""
        kind = LOSSES[self.loss]
        parsed = settings_file.parse(self.loss_settings, kind.settings, name="loss_settings")
        return kind.loss(parsed, self.label_smoothing)


class Classify(Head):
    """Linear classification of cells (Weyand et al. 2016 with one level; Mueller-Budack et al. 2018 with several)."""

    kind = "classify"
    reach_km: torch.Tensor
    parents: torch.Tensor

    def __init__(self, dim: int, hierarchy: Hierarchy, settings: ClassifySettings) -> None:
        super().__init__()
        self.hierarchy, self.settings = hierarchy, settings
        self._loss = settings.make_loss()
        self._distances: list[torch.Tensor] | None = None
        self.dropout = nn.Dropout(settings.dropout)
        self.linear = nn.Linear(dim, sum(hierarchy.sizes))
        nn.init.zeros_(self.linear.weight)  # all cells are equally probable at the start
        nn.init.zeros_(self.linear.bias)
        if settings.offset:
            finest = hierarchy.finest
            self.within = nn.Linear(dim, 2 * len(finest))
            nn.init.zeros_(self.within.weight)
            nn.init.zeros_(self.within.bias)
            reach = np.maximum(REACH * finest.spread_km, LEAST_REACH_KM)
            self.register_buffer("reach_km", torch.tensor(reach, dtype=torch.float32), persistent=False)
            self.register_buffer("parents", torch.from_numpy(hierarchy.parents()), persistent=False)

    @property
    def _needs_places(self) -> bool:
        distances = self._loss.distances
        return self.settings.offset or (distances is not None and distances.to == "place")

    def target(self, points: NDArray[np.float64]) -> torch.Tensor:
        """Return the cell numbers (n, levels) of positions (n, 2); -1 outside of all cells.

        Where the loss or the offset needs positions, the result is float64 and has four more columns: latitude,
        longitude, and km east and north of the imagery centroid of the finest cell. Raises ConfigError where there are
        too many cells for a table of distances.
        """
        cells = self.hierarchy.assign(points)
        self._measure()
        if not self._needs_places:
            return torch.from_numpy(cells)
        finest = cells[:, -1]
        from_center = east_north_km(self.hierarchy.finest.centers[np.maximum(finest, 0)], points)
        return torch.from_numpy(np.concatenate([cells, points, from_center], axis=1))

    def _measure(self) -> list[torch.Tensor]:
        """Return what the loss needs for each level: the distances between all its cells, or the cell centres."""
        measured = self._loss.distances
        if self._distances is not None:
            return self._distances
        if measured is None:
            return []
        centers = [centers_of(level, measured.centers) for level in self.hierarchy.levels]
        if measured.to == "cell":
            self._distances = [distances_between(of_level) for of_level in centers]
        else:
            self._distances = [torch.from_numpy(np.ascontiguousarray(of_level)) for of_level in centers]
        return self._distances

    def _distance_km(self, level: int, cells: torch.Tensor, target: torch.Tensor) -> torch.Tensor | None:
        """Return the distances (n, cells of the level) to the centres of the true cells, or to the true places."""
        measured = self._loss.distances
        if measured is None:
            return None
        distances = self._measure()
        known = distances[level] = distances[level].to(target.device)
        if measured.to == "cell":
            return known[cells]
        places = target[:, len(self.hierarchy.sizes) :][:, :2]
        result: torch.Tensor = sphere.distance_km(known[None], places[:, None])
        return result

    def _logits(self, features: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.linear(self.dropout(features * self.settings.scale))
        return result

    def loss(self, features: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return the mean loss of all levels, a scalar, weighted by (n,). Photos outside all cells do not count."""
        levels = torch.split(self._logits(features).float(), list(self.hierarchy.sizes), dim=1)
        losses = []
        for level, logits in enumerate(levels):
            cells = target[:, level].long()
            inside = weight * (cells >= 0)
            cells = cells.clamp(min=0)
            distances = self._distance_km(level, cells, target)
            each = self._loss(logits.log_softmax(dim=1), cells, None if distances is None else distances.to(logits))
            losses.append(weighted_mean(each, inside))
        total = torch.stack(losses).mean()
        if self.settings.offset:
            total = total + self.settings.offset_weight * self._offset_loss(features, target, weight)
        return total

    def _within(self, features: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
        """Return the offset (n, 2) east and north in the cells (n,), as shares of the largest offset: -1 to 1."""
        raw = self.within(self.dropout(features * self.settings.scale)).float()
        result: torch.Tensor = (
            raw.unflatten(1, (-1, 2)).gather(1, cells[:, None, None].expand(-1, 1, 2)).squeeze(1).tanh()
        )
        return result

    def _offset_loss(self, features: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        cells = target[:, len(self.hierarchy.sizes) - 1].long()
        inside, cells = weight * (cells >= 0), cells.clamp(min=0)
        within = self._within(features, cells)
        wanted = (target[:, -2:].to(within) / self.reach_km[cells, None]).clamp(-1, 1)
        return weighted_mean((within - wanted).square().sum(dim=1), inside)

    def _choice(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the finest cell (n,) with the largest product of the probabilities of all levels."""
        parts = []
        for level, own in enumerate(torch.split(logits.double(), list(self.hierarchy.sizes), dim=1)):
            log_probability, parent = own.log_softmax(dim=1), self.parents[:, level]
            average = torch.full_like(log_probability[:, :1], -np.log(own.shape[1]))
            parts.append(torch.where(parent >= 0, log_probability[:, parent.clamp(min=0)], average))
        return functools.reduce(torch.add, parts).argmax(dim=1)

    def outputs(self, features: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return "logits" of the cells of all levels.

        With ``offset`` also "offset_cell" (n, 1), the chosen finest cell, and "offset" (n, 2), the km east and north of
        its imagery centroid.
        """
        logits = self._logits(features)
        if not self.settings.offset:
            return {"logits": logits}
        cells = self._choice(logits)
        offset = self._within(features, cells) * self.reach_km[cells, None]
        return {"logits": logits, "offset": offset, "offset_cell": cells[:, None].to(offset)}


def east_north_km(origins: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many km east and north (n, 2) of origins (n, 2) positions (n, 2) lie, along the great circle."""
    p, q = np.radians(np.asarray(origins, np.float64)), np.radians(np.asarray(points, np.float64))
    turn = q[:, 1] - p[:, 1]
    east = np.sin(turn) * np.cos(q[:, 0])
    north = np.cos(p[:, 0]) * np.sin(q[:, 0]) - np.sin(p[:, 0]) * np.cos(q[:, 0]) * np.cos(turn)
    direction = np.stack([east, north], axis=1)
    length = np.linalg.norm(direction, axis=1, keepdims=True)
    distance = sphere.distance_km(origins, points)[:, None]
    result: NDArray[np.float64] = np.divide(
        direction * distance, length, out=np.zeros_like(direction), where=length > 0
    )
    return result
