"""Which photos an epoch is made of, and in which order: all once by default, or cells evened out, or epochs that grow.

Cells of the training photos in; the draws of an epoch out. A photo may be drawn several times: its k-th draw, from 0,
is row + k * photos, so that every draw has a random crop of its own.
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
    """By default every photo once an epoch."""

    balance: float = Field(0.0, ge=0, le=1)
    """Share of the first epoch's draws that are made cell by cell, each cell as likely; the rest photo by photo."""
    anneal_epochs: int | None = Field(None, ge=1)
    """Epochs in which the balance falls to zero, in a straight line; without it, it stays."""
    per_cell: int | None = Field(None, ge=1)
    """Draws of the first epoch for each cell that has photos; without it, as many as there are photos."""
    growth: float = Field(0.0, ge=0, le=1)
    """Share by which an epoch is longer than the one before."""
    level: int = -1
    """Whose cells: 0 is the coarsest level of the partition, -1 the finest."""

    @model_validator(mode="after")
    def _makes_sense(self) -> SamplingSettings:
        if self.anneal_epochs is not None and self.balance == 0:
            raise ValueError("anneal_epochs needs a balance above 0 that is to fall")
        if self.growth and self.per_cell is None:
            raise ValueError("growth needs per_cell, the draws for each cell from which epochs grow")
        return self

    @property
    def plain(self) -> bool:
        """Whether every photo comes once an epoch."""
        return self.balance == 0 and self.per_cell is None


@dataclass
class Sampler:
    """The draws of each epoch, by (seed, epoch) alone, from training ``rows`` (t,) of ``photos`` photos.

    ``cells`` (t,) are numbers from 0, or -1 for photos outside of all cells, which are drawn photo by photo only.
    """

    settings: SamplingSettings
    rows: NDArray[np.int64]
    photos: int
    seed: int
    cells: NDArray[np.int64] | None = None

    def count(self, epoch: int) -> int:
        """Draws of an epoch."""
        if self.settings.per_cell is None:
            return len(self.rows)
        growth: float = (1 + self.settings.growth) ** epoch
        return max(1, round(self.settings.per_cell * self._occupied * growth))

    @property
    def _cells(self) -> NDArray[np.int64]:
        """``cells``, without which only photos can be drawn."""
        if self.cells is None:
            raise ValueError("drawing by cells needs the number of each photo's cell")
        return self.cells

    @functools.cached_property
    def _occupied(self) -> int:
        return len(np.unique(self._cells[self._cells >= 0]))

    def balance(self, epoch: int) -> float:
        """Share of an epoch's draws that is made cell by cell."""
        if self.settings.anneal_epochs is None:
            return self.settings.balance
        return self.settings.balance * max(0.0, 1 - epoch / self.settings.anneal_epochs)

    def draws(self, epoch: int) -> NDArray[np.int64]:
        """The draws (n,) of an epoch in order; row and repetition are draw % photos and draw // photos."""
        rng = np.random.default_rng([self.seed, epoch])
        if self.settings.plain:
            return self.rows[rng.permutation(len(self.rows))]
        order = rng.permutation(len(self.rows))
        order = order[np.argsort(self._cells[order], kind="stable")]
        expected = self._probability(epoch)[order] * self.count(epoch)
        # systematic: every photo and every cell comes as often as is to be expected, rounded up or down
        edges = np.floor(np.concatenate([[0.0], np.cumsum(expected)]) + rng.random())
        edges = np.minimum(edges, self.count(epoch))
        edges[-1] = self.count(epoch)  # which rounding errors may miss
        times = np.diff(edges).astype(np.int64)
        repeat = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
        drawn = np.repeat(self.rows[order], times) + repeat * self.photos
        result: NDArray[np.int64] = drawn[rng.permutation(len(drawn))]
        return result

    def _probability(self, epoch: int) -> NDArray[np.float64]:
        """How likely a draw of an epoch is each row's, (t,)."""
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
    """The sources of photos by draw, without end: draw % photos is the row."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources

    def __len__(self) -> int:
        return len(self._sources)

    def __getitem__(self, draw: int) -> Source:  # type: ignore[override]  # by draws alone, not by slices
        return self._sources[int(draw) % len(self._sources)]
