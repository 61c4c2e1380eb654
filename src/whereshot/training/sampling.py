"""Choose the photos of an epoch and their order.

By default every photo comes once. Settings can balance the cells, and make epochs longer. A photo may be drawn several
times: its k-th draw, from 0, has the number row + k * photos, so that every draw has its own random crop.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from whereshot.foundation.settings_file import Settings

Source = TypeVar("Source")


class SamplingSettings(Settings):
    """Settings of the draws. By default every photo comes once in an epoch."""

    balance: float = Field(0.0, ge=0, le=1)
    """Share of the draws of the first epoch in which all cells are equally likely; in the others, all photos are."""
    anneal_epochs: int | None = Field(None, ge=1)
    """Number of epochs in which the balance falls linearly to zero; None for a constant balance."""
    per_cell: int | None = Field(None, ge=1)
    """Number of draws in the first epoch for each cell with photos; None for as many draws as photos."""
    growth: float = Field(0.0, ge=0, le=1)
    """Share by which an epoch is longer than the epoch before."""
    level: int = -1
    """Level of the cells: 0 is the coarsest level of the partition, -1 the finest."""

    @model_validator(mode="after")
    def _makes_sense(self) -> SamplingSettings:
        if self.anneal_epochs is not None and self.balance == 0:
            raise ValueError("anneal_epochs needs a balance above 0, which falls to 0")
        if self.growth and self.per_cell is None:
            raise ValueError("growth needs per_cell, the draws for each cell in the first epoch")
        return self

    @property
    def plain(self) -> bool:
        """Whether every photo comes once in an epoch."""
        return self.balance == 0 and self.per_cell is None


@dataclass
class Sampler:
    """Draws photos for each epoch from the training ``rows`` (t,) of ``photos`` photos.

    The draws depend on the seed and the epoch only. ``cells`` (t,) are the cell numbers from 0, or -1 for photos
    outside of all cells, which take no part in draws by cell.
    """

    settings: SamplingSettings
    rows: NDArray[np.int64]
    photos: int
    seed: int
    cells: NDArray[np.int64] | None = None

    def count(self, epoch: int) -> int:
        """Return the number of draws of an epoch."""
        if self.settings.per_cell is None:
            return len(self.rows)
        growth: float = (1 + self.settings.growth) ** epoch
        return max(1, round(self.settings.per_cell * self._occupied * growth))

    @property
    def _cells(self) -> NDArray[np.int64]:
        """Return ``cells``. Raises ValueError without them."""
        if self.cells is None:
            raise ValueError("drawing by cells needs the number of each photo's cell")
        return self.cells

    @functools.cached_property
    def _occupied(self) -> int:
        return len(np.unique(self._cells[self._cells >= 0]))

    def balance(self, epoch: int) -> float:
        """Return the share of draws by cell in an epoch."""
        if self.settings.anneal_epochs is None:
            return self.settings.balance
        return self.settings.balance * max(0.0, 1 - epoch / self.settings.anneal_epochs)

    def draws(self, epoch: int) -> NDArray[np.int64]:
        """Return the draws (n,) of an epoch in order. The row is draw % photos, the repetition draw // photos."""
        rng = np.random.default_rng([self.seed, epoch])
        if self.settings.plain:
            return self.rows[rng.permutation(len(self.rows))]
        order = rng.permutation(len(self.rows))
        order = order[np.argsort(self._cells[order], kind="stable")]
        expected = self._probability(epoch)[order] * self.count(epoch)
        # systematic sampling: each photo and each cell comes as often as expected, rounded up or down
        edges = np.floor(np.concatenate([[0.0], np.cumsum(expected)]) + rng.random())
        edges = np.minimum(edges, self.count(epoch))
        edges[-1] = self.count(epoch)  # the sum may have a rounding error
        times = np.diff(edges).astype(np.int64)
        repeat = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
        drawn = np.repeat(self.rows[order], times) + repeat * self.photos
        result: NDArray[np.int64] = drawn[rng.permutation(len(drawn))]
        return result

    def _probability(self, epoch: int) -> NDArray[np.float64]:
        """Return the probability (t,) of each row in a draw of an epoch."""
        even = np.full(len(self.rows), 1 / len(self.rows))
        balance = self.balance(epoch)
        inside = self._cells >= 0
        if balance == 0 or not inside.any():
            return even
        counts = np.bincount(self._cells[inside])
        by_cell = np.zeros(len(self.rows))
        by_cell[inside] = 1 / counts[self._cells[inside]] / (counts > 0).sum()
        return balance * by_cell + (1 - balance) * even


class Repeated(Sequence[Source]):
    """The sources of photos by the number of a draw: draw % photos is the row."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources

    def __len__(self) -> int:
        return len(self._sources)

    def __getitem__(self, draw: int) -> Source:  # type: ignore[override]  # by draws alone, not by slices
        return self._sources[int(draw) % len(self._sources)]
