"""Heat by occlusion: how far the log odds of a place fall when a part of the picture is hidden.

Source: Zeiler and Fergus 2014. For an unlikely place the log odds nearly equal the log mass. For a very likely place
they still change, while the log mass stays near 0. The method does not need the inside of the network, so it works with
every model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from whereshot.foundation.progress import Track, silent
from whereshot.locate.explain.base import HeatMap, grid_of

SHORTER_PARTS = 7
"""Parts along the shorter side of a picture."""
AT_ONCE = 16

LogOdds = Callable[[Sequence[Image.Image]], NDArray[np.float64]]
"""A function that returns the log odds (n,) of the explained place for n pictures."""


def occlude(
    picture: Image.Image, log_odds: LogOdds, *, shorter_parts: int = SHORTER_PARTS, track: Track = silent
) -> HeatMap:
    """Hide each part of a picture behind the picture's mean colour, alone and together with three neighbours.

    Returns the heat in nats: positive where hiding a part makes the place less likely. Where four parts are hidden
    together, each gets a quarter of the effect.
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
    return HeatMap(_shared_out(lost, windows, (rows, columns)), "nats of its odds lost when hidden", is_odds=True)


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
    """Return for each part the mean of its effect alone and its share of the effects together with neighbours."""
    alone, together, counts = np.zeros(grid), np.zeros(grid), np.zeros(grid)
    for (row, column, side), nats in zip(windows, lost, strict=True):
        if side == 1:
            alone[row, column] = nats
        else:
            part = slice(row, row + side), slice(column, column + side)
            together[part] += nats / side**2
            counts[part] += 1
    return np.where(counts > 0, (alone + together / np.maximum(counts, 1)) / 2, alone)
