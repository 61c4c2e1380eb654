"""Losses of a classifier over cells: log probabilities, true cells and distances in; a loss for each photo out.

LOSSES names every one; adding one is one class and one line. All are computed from log probabilities, so that float32
neither overflows nor loses a small probability's digits. Distances are great-circle km (``sphere``).
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
"""Cells of one level beyond which no table of the distances between all of them is made."""
_ROWS = 256
_FARTHEST_EXPONENT = 60.0  # e^60 still leaves room for a sum in float32


class LossSettings(Settings):
    """The cross-entropy of the true cell has none."""


class DistanceSettings(LossSettings):
    """From where to where distances are measured: from cell i's ``centers`` to the true cell's, or to the place.

    ``centers`` "cell" are the cells' own centres, "imagery" the means of their photos.
    """

    to: Literal["cell", "place"] = "cell"
    centers: Literal["cell", "imagery"] = "cell"


class HaversineSettings(DistanceSettings):
    """A cell whose centre is ``temperature_km`` farther from the place than the true cell's counts 1/e of it.

    PIGEON's is 75 km, PIGEOTTO's 65. ``normalized`` divides a photo's targets by their sum; as published they are not,
    and a photo among many small cells weighs more.
    """

    to: Literal["cell", "place"] = "place"
    temperature_km: float = Field(75.0, gt=0)
    normalized: bool = True


class ExpectedDistanceSettings(DistanceSettings):
    """(sum p_i d_i)^``power``, in units of ``unit_km``, plus ``cross_entropy`` times the cross-entropy.

    With 0 the distance is alone.
    """

    power: Literal[1, 2] = 2
    cross_entropy: float = Field(0.0, ge=0)
    unit_km: float = Field(1.0, gt=0)


class LogDistanceSettings(DistanceSettings):
    """sum -log(1 - p_i) d_i, in units of ``unit_km``, plus ``cross_entropy`` times the cross-entropy.

    1 - p_i is at least ``clamp``. Distances are to the true cell only: to the place, the true cell's own probability
    would be driven down as well.
    """

    cross_entropy: float = Field(1.0, ge=0)
    unit_km: float = Field(1.0, gt=0)
    clamp: float = Field(1e-6, gt=0, lt=0.5)

    @model_validator(mode="after")
    def _to_the_cell(self) -> LogDistanceSettings:
        if self.to == "place":
            raise ValueError("to = 'place' would drive the true cell's probability down; leave it at 'cell'")
        return self


class Loss(ABC):
    """Log probabilities (n, k) and true cells (n,) of one level, and distances (n, k) in km -> losses (n,).

    Row i of the distances is measured to photo i's true cell or place; None where ``distances`` says so.
    """

    smoothing: ClassVar[bool] = False
    """Whether label smoothing, ``label_smoothing`` of the targets spread over all cells, means something here."""

    def __init__(self, settings: Any, label_smoothing: float = 0.0) -> None:
        self.settings, self.label_smoothing = settings, label_smoothing

    @property
    def distances(self) -> DistanceSettings | None:
        """How the distances that this loss needs are measured; None where it needs none."""
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


def _given(distance_km: torch.Tensor | None) -> torch.Tensor:
    if distance_km is None:
        raise ValueError("this loss needs distances; pass what its ``distances`` says")
    return distance_km


class Haversine(Loss):
    """Cross-entropy with targets exp(-(d_i - d_true) / temperature) (Haas et al. 2024, PIGEON, eq. 2)."""

    def __call__(
        self, log_probability: torch.Tensor, cell: torch.Tensor, distance_km: torch.Tensor | None
    ) -> torch.Tensor:
        """Return the losses (n,) of photos."""
        nearness = -_given(distance_km) / self.settings.temperature_km
        if self.settings.normalized:
            target = nearness.softmax(dim=1)
        else:  # more than one where another cell's centre is nearer than the true cell's
            target = (nearness - nearness.gather(1, cell[:, None])).clamp(max=_FARTHEST_EXPONENT).exp()
        result: torch.Tensor = -(target * log_probability).sum(dim=1)
        return result


class ExpectedDistance(Loss):
    """The distance to be expected, squared as published, with or without the cross-entropy."""

    smoothing = True

    def __call__(
        self, log_probability: torch.Tensor, cell: torch.Tensor, distance_km: torch.Tensor | None
    ) -> torch.Tensor:
        """Return the losses (n,) of photos."""
        settings = self.settings
        loss = (log_probability.exp() * (_given(distance_km) / settings.unit_km)).sum(dim=1) ** settings.power
        result: torch.Tensor = loss + settings.cross_entropy * self._cross_entropy(log_probability, cell)
        return result


class LogDistance(Loss):
    """-log(1 - p_i), which a sure and wrong answer makes large, weighed by the distance."""

    smoothing = True

    def __call__(
        self, log_probability: torch.Tensor, cell: torch.Tensor, distance_km: torch.Tensor | None
    ) -> torch.Tensor:
        """Return the losses (n,) of photos."""
        settings = self.settings
        wrong = -log_one_minus_exp(log_probability, settings.clamp)
        loss = (wrong * (_given(distance_km) / settings.unit_km)).sum(dim=1)
        result: torch.Tensor = loss + settings.cross_entropy * self._cross_entropy(log_probability, cell)
        return result


class LossKind(NamedTuple):
    """A loss's class, built from its settings and the label smoothing, and these settings."""

    loss: type[Loss]
    settings: type[LossSettings]


LOSSES: dict[str, LossKind] = {
    "cross-entropy": LossKind(CrossEntropy, LossSettings),
    "haversine": LossKind(Haversine, HaversineSettings),
    "expected-distance": LossKind(ExpectedDistance, ExpectedDistanceSettings),
    "log-distance": LossKind(LogDistance, LogDistanceSettings),
}
"""Every loss by name. The published distance losses are "expected-distance", the same with cross_entropy = 1, and
"log-distance"."""


def log_one_minus_exp(log_probability: torch.Tensor, clamp: float) -> torch.Tensor:
    """log(max(1 - p, ``clamp``)) of log p, exact for small p and for p near one (Maechler 2012)."""
    half = -math.log(2)
    small = torch.log1p(-log_probability.clamp(max=half).exp())
    large = (-torch.expm1(log_probability.clamp(min=half))).clamp(min=clamp).log()
    return torch.where(log_probability < half, small, large)


def centers_of(level: Partition, which: str) -> sphere.Points:
    """The cells' own centres or the imagery centroids, (k, 2)."""
    return level.cell_centers if which == "cell" else level.centers


def distances_between(centers: NDArray[np.float64], *, limit: int = MAX_TABLE_CELLS) -> torch.Tensor:
    """Distances (k, k) in km between positions (k, 2), float32, in blocks. Raises ConfigError for too many cells."""
    count = len(centers)
    if count > limit:
        raise ConfigError(
            f"head.settings.loss: a table of the distances between {count:,} cells takes "
            f"{4 * count**2 / 2**30:.1f} GiB; at most {limit:,} cells: take larger ones, or a loss without distances"
        )
    table = np.empty((count, count), np.float32)
    for start in range(0, count, _ROWS):
        rows = slice(start, start + _ROWS)
        table[rows] = sphere.distance_km(centers[rows, None], centers[None])
    np.fill_diagonal(table, 0.0)
    return torch.from_numpy(table)
