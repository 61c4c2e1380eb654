"""S2 partitions: adaptive (PlaNet) and of one level. Ids are sorted once along the Hilbert curve, then split by
prefix, so a cell is a run of the sorted ids and counting it takes two binary searches.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from whereshot.earth import great_circles, s2, sphere
from whereshot.earth.partition import base
from whereshot.foundation.errors import InputError

FINEST_LEVEL = 22
"""The finest level whose cells all have at least a square metre: 2.9 to 6.1 m²; cells of level 23 have 0.7 m² and more.
"""


class AdaptiveSettings(base.PartitionSettings):
    """Weyand et al. 2016 (PlaNet): split a cell with more than ``max`` photos; drop a cell with ``min`` or fewer."""

    max: int = Field(ge=1, description="photos in a cell")
    min_level: int = Field(0, ge=0, le=FINEST_LEVEL)
    max_level: int = Field(s2.MAX_LEVEL, ge=0, le=s2.MAX_LEVEL)

    @model_validator(mode="after")
    def _ordered(self) -> AdaptiveSettings:
        if self.min_level > self.max_level:
            raise ValueError(f"min_level {self.min_level} is above max_level {self.max_level}")
        base.check_limits(self.min, self.max)
        return self


class FixedSettings(base.PartitionSettings):
    """All cells of one level that hold more than ``min`` photos."""

    level: int = Field(ge=0, le=FINEST_LEVEL, description=f"of S2, 0 to {FINEST_LEVEL}")


class S2Cells(base.Partition):
    """Disjoint S2 cells of any levels, in the order of their ids."""

    kind = "s2"

    def __init__(
        self,
        ids: s2.CellIds,
        centers: sphere.Points,
        counts: NDArray[np.int64],
        spread_km: NDArray[np.float64],
    ) -> None:
        self.ids = s2.check(ids)
        self._first, self._last = s2.range_min(self.ids), s2.range_max(self.ids)
        if (self._first[1:] <= self._last[:-1]).any():
            raise InputError("S2 cells of a partition must be disjoint and sorted by id")
        self.centers, self.counts, self.spread_km = centers, counts, spread_km
        self.cell_centers = s2.center(self.ids)
        self.area_sr = s2.area_sr(self.ids)

    def assign(self, points: ArrayLike) -> NDArray[np.int64]:
        """Return cell numbers (n,) of positions (n, 2); -1 outside every cell."""
        return base.find_runs(self._first, self._last, s2.encode(sphere.one_spelling(sphere.points(points))))

    def boundary(self, cell: int) -> list[sphere.Points]:
        """Return the closed rings (m, 2) in degrees around one cell."""
        return [great_circles.densify(s2.vertices(self.ids[cell : cell + 1])[0])]

    def own_columns(self) -> dict[str, pa.Array]:
        """Return the columns of the saved table that only this kind has."""
        return {"s2_id": pa.array(self.ids), "s2_token": pa.array(s2.token(self.ids))}

    @classmethod
    def from_table(cls, table: pa.Table) -> Self:
        """Return the partition of a saved table."""
        common = base.common_columns(table)
        return cls(table["s2_id"].to_numpy(), common["centers"], common["counts"], common["spread_km"])


def build_adaptive(points: ArrayLike, settings: AdaptiveSettings, populate_with: ArrayLike | None = None) -> S2Cells:
    """Split a cell while it holds more than ``max`` photos and is above ``max_level``; drop it at ``min`` or fewer.

    No cell is split below ``FINEST_LEVEL``, however many photos of one spot it holds.

    The published algorithm drops cells twice, at the start level and at the end; ``min`` is below ``max``, so dropping
    once gives the same. With ``populate_with`` (m, 2), cells are split by ``points`` and dropped by ``populate_with``,
    which may lie where no ``points`` are.
    """
    p = sphere.points(points)
    leaves = s2.encode(sphere.one_spelling(p))
    ordered = np.sort(leaves)
    counted, counted_leaves, counted_ordered = p, leaves, ordered
    if populate_with is not None:
        counted = sphere.points(populate_with)
        counted_leaves = s2.encode(sphere.one_spelling(counted))
        counted_ordered = np.sort(counted_leaves)
    cells = np.unique(s2.parent(counted_ordered, settings.min_level))  # others have no photo that counts
    finished: list[s2.CellIds] = []
    finest = min(settings.max_level, FINEST_LEVEL)
    for level in range(settings.min_level, finest + 1):
        split = (_count(ordered, cells) > settings.max) & (level < finest)
        finished.append(cells[~split & settings.kept(_count(counted_ordered, cells))])
        cells = s2.children(cells[split]).ravel()
        if len(cells) == 0:
            break
    return _with_statistics(counted, counted_leaves, np.sort(np.concatenate(finished)))


def build_fixed(points: ArrayLike, settings: FixedSettings, populate_with: ArrayLike | None = None) -> S2Cells:
    """Return all cells of one level that hold more than ``min`` photos, counted on ``populate_with`` (m, 2) where it is
    given.
    """
    p = sphere.points(points)
    p = p if populate_with is None else sphere.points(populate_with)
    leaves = s2.encode(sphere.one_spelling(p))
    cells, counts = np.unique(s2.parent(leaves, settings.level), return_counts=True)
    return _with_statistics(p, leaves, cells[settings.kept(counts)])


def _count(ordered: NDArray[np.uint64], cells: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return how many of the sorted leaf ids each cell holds."""
    first = np.searchsorted(ordered, s2.range_min(cells), side="left")
    return np.searchsorted(ordered, s2.range_max(cells), side="right") - first


def _with_statistics(p: NDArray[np.float64], leaves: NDArray[np.uint64], cells: NDArray[np.uint64]) -> S2Cells:
    """Return the cells, sorted by id, with the count, mean and spread of the points (n, 2) with these leaf ids."""
    labels = base.find_runs(s2.range_min(cells), s2.range_max(cells), leaves)
    centers, spread_km = base.centroids(p, labels, len(cells), s2.center(cells))
    return S2Cells(cells, centers, np.bincount(labels + 1, minlength=len(cells) + 1)[1:], spread_km)
