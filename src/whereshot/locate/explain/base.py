"""What every way of explaining shares: heat over a picture, and how the squares a network saw lie in that picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whereshot.photos.preprocess import View

NEAR_KM = 25.0
"""The answer is explained by the mass within this distance of it."""
SHORTER_CELLS = 14
"""Cells along the shorter side of a picture, of heat that a network's own grid is laid upon."""
LONGEST = 3
"""Cells along the longer side, of those along the shorter, at most."""


@dataclass(frozen=True)
class HeatMap:
    """Heat (rows, columns) over the whole upright picture, NaN where the network did not look.

    ``unit`` says what the numbers are; ``specific`` whether they are about the place or about the picture alone.
    """

    values: NDArray[np.float64]
    unit: str
    specific: bool = True

    @property
    def strongest(self) -> float:
        """The largest heat, whatever its sign; 0 where there is none."""
        return float(np.nanmax(np.abs(self.values), initial=0.0))

    def where(self) -> str:
        """In words, where in the picture the most heat is: the middle of what is warmer than half the warmest."""
        warm = np.nan_to_num(np.maximum(self.values, 0.0))
        warm = np.where(warm >= warm.max() / 2, warm, 0.0)
        if warm.sum() <= 0:
            return "nowhere"
        rows, columns = ((np.arange(length) + 0.5) / length for length in warm.shape)
        down, across = (warm.sum(axis=1) @ rows) / warm.sum(), (warm.sum(axis=0) @ columns) / warm.sum()
        vertical = "top" if down < 0.36 else "bottom" if down > 0.64 else ""
        sideways = "left" if across < 0.36 else "right" if across > 0.64 else ""
        return (
            f"at the {' '.join(part for part in (vertical, sideways) if part)}"
            if vertical or sideways
            else ("in the middle")
        )


def grid_of(size: tuple[int, int], shorter: int = SHORTER_CELLS) -> tuple[int, int]:
    """Rows and columns of cells over a picture of (width, height) pixels, nearly square unless it is very long."""
    side, most = min(size) / shorter, LONGEST * shorter
    return min(most, round(size[1] / side)), min(most, round(size[0] / side))


def on_picture(
    crops: NDArray[np.floating], view: View, size: tuple[int, int], grid: tuple[int, int]
) -> NDArray[np.float64]:
    """Heat (c, h, w) of the crops of a view, laid on a picture of (width, height) pixels as (rows, columns).

    Crops that overlap are averaged; what no crop shows is NaN.
    """
    rows, columns = grid
    left, top, right, bottom = view.box
    across = ((np.arange(columns) + 0.5) * size[0] / columns - left) * view.size[0] / (right - left)
    down = ((np.arange(rows) + 0.5) * size[1] / rows - top) * view.size[1] / (bottom - top)
    total, seen = np.zeros(grid), np.zeros(grid)
    for heat, (x, y) in zip(crops, view.corners, strict=True):
        width, height = view.size if view.crop is None else (view.crop, view.crop)
        column = np.floor((across - x) / width * heat.shape[1]).astype(int)
        row = np.floor((down - y) / height * heat.shape[0]).astype(int)
        inside = ((row >= 0) & (row < heat.shape[0]))[:, None] & ((column >= 0) & (column < heat.shape[1]))[None]
        found = heat[np.clip(row, 0, heat.shape[0] - 1)][:, np.clip(column, 0, heat.shape[1] - 1)]
        total += np.where(inside, found, 0.0)
        seen += inside
    return np.where(seen > 0, total / np.maximum(seen, 1), np.nan)
