"""Losses of a classifier over cells. They turn log probabilities, true cells and distances into one loss per photo.

LOSSES lists all losses; a new loss is one class and one line. All losses use log probabilities, so that float32 does
not overflow and small probabilities keep their digits. Distances are great-circle distances in km (``sphere``).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator

from whereshot.earth import sphere
from whereshot.earth.partition import Partition
from whereshot.foundation.errors import ConfigError
from whereshot.foundation.settings_file import Settings

MAX_TABLE_CELLS = 20_000
"""Largest number of cells of a level for which a table of all distances is made."""
_ROWS = 256
_FARTHEST_EXPONENT = 60.0  # sums of e^60 do not overflow in float32


class LossSettings(Settings):
    """Settings of a loss. The cross-entropy has no settings."""


class DistanceSettings(LossSettings):
    """How distances are measured: from the centre of each cell to the centre of the true cell, or to the true place.

    ``centers`` are "cell", the centres of the cells, or "imagery", the mean positions of their photos.
    """

    to: Literal["cell", "place"] = "cell"
    centers: Literal["cell", "imagery"] = "cell"


class HaversineSettings(DistanceSettings):
    """Settings of "haversine". A cell that is ``temperature_km`` farther than the true cell has 1/e of its target.

    PIGEON uses 75 km, PIGEOTTO 65 km. ``normalized`` divides the targets of a photo by their sum. As published they are
    not divided, and a photo among many small cells has more weight.
    """

    to: Literal["cell", "place"] = "place"
    temperature_km: float = Field(75.0, gt=0)
    normalized: bool = True


class ExpectedDistanceSettings(DistanceSettings):
    """Settings of "expected-distance": (sum p_i d_i)^``power``, plus ``cross_entropy`` times the cross-entropy.

    Distances are in units of ``unit_km``.
    """

    power: Literal[1, 2] = 2
    cross_entropy: float = Field(0.0, ge=0)
    unit_km: float = Field(1.0, gt=0)


class LogDistanceSettings(DistanceSettings):
    """Settings of "log-distance": sum -log(1 - p_i) d_i, plus ``cross_entropy`` times the cross-entropy.

    Distances are in units of ``unit_km``; 1 - p_i is at least ``clamp``. Distances are measured to the centre of the
    true cell: measured to the place, the loss would also lower the probability of the true cell.
    """

    cross_entropy: float = Field(1.0, ge=0)
    unit_km: float = Field(1.0, gt=0)
    clamp: float = Field(1e-6, gt=0, lt=0.5)

    @model_validator(mode="after")
    def _to_the_cell(self) -> LogDistanceSettings:
        if self.to == "place":
            raise ValueError("to = 'place' would lower the probability of the true cell; set to = 'cell'")
        return self


class Loss(ABC):
    """A loss (n,) from log probabilities (n, k), true cells (n,) of one level, and distances (n, k) in km.

    Row i of the distances is measured to the true cell or place of photo i. The distances are None where the property
    ``distances`` is None.
    """

    smoothing: ClassVar[bool] = False
    """Whether the loss allows label smoothing, which spreads a share of the target over all cells."""

    def __init__(self, settings: Any, label_smoothing: float = 0.0) -> None:
        self.settings, self.label_smoothing = settings, label_smoothing

    @property
    def distances(self) -> DistanceSettings | None:
        """How the distances of this loss are measured; None where it needs no distances."""
        return self.settings if isinstance(self.settings, DistanceSettings) else None

    @abstractmethod
    def __call__(
        self, log_probability: torch.Tensor, cell: torch.Tensor, distance_km: torch.Tensor | None
    ) -> torch.Tensor:
        """Return the losses (n,) of photos."""

    def _cross_entropy(self, log_probability: torch.Tensor, cell: torch.Tensor) -> torch.Tensor:
        exact = -log_probability.gather(1, cell[:, None])[:, 0]
        if not self.label_smoothing:
            return exact
        share = self.label_smoothing / log_probability.shape[1]
        return (1 - self.label_smoothing) * exact - share * log_probability.sum(dim=1)


class CrossEntropy(Loss):
    """-log p of the true cell (Weyand et al. 2016)."""

    smoothing = True

    def __call__(
        self, log_probability: torch.Tensor, cell: torch.Tensor, distance_km: torch.Tensor | None
    ) -> torch.Tensor:
        """Return the losses (n,) of photos."""
        return self._cross_entropy(log_probability, cell)


def _required(distance_km: torch.Tensor | None) -> torch.Tensor:
    if distance_km is None:
        raise ValueError("this loss needs distances, measured as its property ``distances`` states")
    return distance_km


class Haversine(Loss):
    """Cross-entropy with targets exp(-(d_i - d_true) / temperature) (Haas et al. 2024, PIGEON, eq. 2)."""

    def __call__(
        self, log_probability: torch.Tensor, cell: torch.Tensor, distance_km: torch.Tensor | None
    ) -> torch.Tensor:
        """Return the losses (n,) of photos."""
        nearness = -_required(distance_km) / self.settings.temperature_km
        if self.settings.normalized:
            target = nearness.softmax(dim=1)
        else:  # above 1 where the centre of another cell is nearer than the centre of the true cell
            target = (nearness - nearness.gather(1, cell[:, None])).clamp(max=_FARTHEST_EXPONENT).exp()
        result: torch.Tensor = -(target * log_probability).sum(dim=1)
        return result


class ExpectedDistance(Loss):
    """The expected distance, squared as published, with or without the cross-entropy."""

    smoothing = True

    def __call__(
        self, log_probability: torch.Tensor, cell: torch.Tensor, distance_km: torch.Tensor | None
    ) -> torch.Tensor:
        """Return the losses (n,) of photos."""
        settings = self.settings
        loss = (log_probability.exp() * (_required(distance_km) / settings.unit_km)).sum(dim=1) ** settings.power
        result: torch.Tensor = loss + settings.cross_entropy * self._cross_entropy(log_probability, cell)
        return result


class LogDistance(Loss):
    """-log(1 - p_i), which is large for sure and wrong answers, weighted by the distance."""

    smoothing = True

    def __call__(
        self, log_probability: torch.Tensor, cell: torch.Tensor, distance_km: torch.Tensor | None
    ) -> torch.Tensor:
        """Return the losses (n,) of photos."""
        settings = self.settings
        wrong = -log_one_minus_exp(log_probability, settings.clamp)
        loss = (wrong * (_required(distance_km) / settings.unit_km)).sum(dim=1)
        result: torch.Tensor = loss + settings.cross_entropy * self._cross_entropy(log_probability, cell)
        return result


class LossKind(NamedTuple):
    """The class of a loss, and the class of its settings."""

    loss: type[Loss]
    settings: type[LossSettings]


LOSSES: dict[str, LossKind] = {
    "cross-entropy": LossKind(CrossEntropy, LossSettings),
    "haversine": LossKind(Haversine, HaversineSettings),
    "expected-distance": LossKind(ExpectedDistance, ExpectedDistanceSettings),
    "log-distance": LossKind(LogDistance, LogDistanceSettings),
}
"""All losses by name. The published distance losses are "expected-distance" (with and without cross_entropy = 1) and
"log-distance"."""


def log_one_minus_exp(log_probability: torch.Tensor, clamp: float) -> torch.Tensor:
    """Return log(max(1 - p, ``clamp``)) from log p, exact for small p and for p near 1 (Maechler 2012)."""
    half = -math.log(2)
    small = torch.log1p(-log_probability.clamp(max=half).exp())
    large = (-torch.expm1(log_probability.clamp(min=half))).clamp(min=clamp).log()
    return torch.where(log_probability < half, small, large)


def centers_of(level: Partition, which: str) -> sphere.Points:
    """Return the centres (k, 2) of the cells, or their imagery centroids."""
    return level.cell_centers if which == "cell" else level.centers


def distances_between(centers: NDArray[np.float64], *, limit: int = MAX_TABLE_CELLS) -> torch.Tensor:
    """Return the distances (k, k) in km between positions (k, 2), float32. Raises ConfigError for too many cells."""
    count = len(centers)
    if count > limit:
        raise ConfigError(
            f"head.settings.loss: a table of the distances between {count:,} cells takes "
            f"{4 * count**2 / 2**30:.1f} GiB; the limit is {limit:,} cells: use larger cells or another loss"
        )
    table = np.empty((count, count), np.float32)
    for start in range(0, count, _ROWS):
        rows = slice(start, start + _ROWS)
        table[rows] = sphere.distance_km(centers[rows, None], centers[None])
    np.fill_diagonal(table, 0.0)
    return torch.from_numpy(table)
