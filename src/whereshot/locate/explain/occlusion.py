"""A picture and any model in, heat out: how far the log odds of an answer fall when a part of the picture is hidden.

Zeiler and Fergus 2014. The log odds of an unlikely place are its log mass; those of a sure one still tell what makes
it sure, where its log mass would not move. No look into the network is needed, so ONNX models and learned libraries
are served as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from whereshot.foundation.progress import Track, silent
from whereshot.locate.explain.base import HeatMap, grid_of

SHORTER_PARTS = 7
"""Parts along the shorter side: what lies between two cells of most networks' last layer."""
AT_ONCE = 16

LogOdds = Callable[[Sequence[Image.Image]], NDArray[np.float64]]
"""The log odds (n,) of the explained place, of n pictures."""


def occlude(
    picture: Image.Image, log_odds: LogOdds, *, shorter_parts: int = SHORTER_PARTS, track: Track = silent
) -> HeatMap:
    """Heat of hiding each part of a picture behind its mean colour, alone and together with three neighbours.

    Heat is in nats: positive where hiding makes the place less likely. Of four hidden together each counts a quarter.
    """
    rows, columns = grid_of(picture.size, shorter_parts)
    windows = [(row, column, 1) for row in range(rows) for column in range(columns)]
    windows += [(row, column, 2) for row in range(rows - 1) for column in range(columns - 1)]
    full = log_odds([picture])[0]
    colour = tuple(int(value) for value in np.asarray(picture).reshape(-1, 3).mean(axis=0))
    lost = np.empty(len(windows))

    def blocks() -> Iterator[None]:
        for start in range(0, len(windows), AT_ONCE):
            block = windows[start : start + AT_ONCE]
            lost[start : start + len(block)] = full - log_odds(
                [_hidden(picture, *one, rows, columns, colour) for one in block]
            )
            yield from [None] * len(block)

    for _ in track(blocks(), total=len(windows), what="hiding parts of the picture"):
        pass
    return HeatMap(_shared_out(lost, windows, (rows, columns)), "nats of its odds lost when hidden")


def _hidden(
    picture: Image.Image, row: int, column: int, side: int, rows: int, columns: int, colour: tuple[int, ...]
) -> Image.Image:
    hidden = picture.copy()
    width, height = picture.size
    left, top = round(width * column / columns), round(height * row / rows)
    right, bottom = round(width * (column + side) / columns), round(height * (row + side) / rows)
    hidden.paste(colour, (left, top, right, bottom))
    return hidden


def _shared_out(
    lost: NDArray[np.floating], windows: list[tuple[int, int, int]], grid: tuple[int, int]
) -> NDArray[np.float64]:
    """For each part the mean of what it lost alone and of its share of what it lost with neighbours."""
    alone, together, counts = np.zeros(grid), np.zeros(grid), np.zeros(grid)
    for (row, column, side), nats in zip(windows, lost, strict=True):
        if side == 1:
            alone[row, column] = nats
        else:
            part = slice(row, row + side), slice(column, column + side)
            together[part] += nats / side**2
            counts[part] += 1
    return np.where(counts > 0, (alone + together / np.maximum(counts, 1)) / 2, alone)
