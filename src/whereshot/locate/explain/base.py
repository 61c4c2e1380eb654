"""The heat map that all methods return, and the mapping from a network's crops back to the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whereshot.photos.preprocess import View

NEAR_KM = 25.0
"""Methods explain the mass within this distance of the place."""
SHORTER_CELLS = 14
"""Cells of a heat map along the shorter side of the picture."""
LONGEST = 3
"""The longer side has at most this many times the cells of the shorter side."""


@dataclass(frozen=True)
class HeatMap:
    """Heat (rows, columns) over the whole upright picture; NaN where the network did not see the picture.

    ``unit`` names the unit of the values. ``specific`` is whether they depend on the place. ``is_odds`` is whether a
    value is the logarithm of how many times less likely the place becomes when that part is hidden.
    """

    values: NDArray[np.float64]
    unit: str
    specific: bool = True
    is_odds: bool = False

    @property
    def strongest(self) -> float:
        """The largest absolute value; 0 where there is no heat."""
        return float(np.nanmax(np.abs(self.values), initial=0.0))

    @property
    def seen_share(self) -> float:
        """The share of the picture that the network saw, 0 to 1."""
        return float(np.isfinite(self.values).mean())

    def where(self) -> str:
        """Return in words where the heat is: the mean position of all values above half the largest value."""
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
    """Return the numbers of rows and columns for a picture of (width, height) pixels.

    The cells are nearly square, except in very long pictures.
    """
    side, most = min(size) / shorter, LONGEST * shorter
    return min(most, round(size[1] / side)), min(most, round(size[0] / side))


def on_picture(
    crops: NDArray[np.floating], view: View, size: tuple[int, int], grid: tuple[int, int]
) -> NDArray[np.float64]:
    """Map the heat (c, h, w) of a view's crops to a picture of (width, height) pixels; return it as (rows, columns).

    Overlapping crops are averaged. Cells that no crop shows are NaN.
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
