"""Recognise empty pictures: a single colour, or noise alone, shows no place."""

from __future__ import annotations

import numpy as np
from PIL import Image

NOTHING = "nothing to see in this picture"
"""The text in an answer for an empty picture."""
EMPTY = "empty"
"""The name, among the outputs of a network, of the array (n,) of whether pictures are empty."""
CELLS = 32
"""Cells along each side of the coarse picture that is measured, at least; fewer only where the picture has fewer
pixels. Each is the mean of its own pixels, so noise stays noise and no cell knows of its neighbour."""
LEAST_SIDE = 8
"""Pixels of the shorter side below which no place can be recognised."""
EVEN_RANGE = 8.0
"""Grey values, of 255, between the darkest and the brightest cell of a picture of one colour, at most."""
NOISE_CORRELATION = 0.2
"""Correlation of neighbouring cells below which they count as unrelated."""
NOISE_KURTOSIS = 4.5
"""Above this, few cells differ from the others: a moon or lamps in the dark, and no noise, which is everywhere."""


def is_empty(image: Image.Image) -> bool:
    """Whether an RGB picture of any size shows nothing: it is tiny, of one colour, or noise.

    A colour counts as one where no channel spans more than ``EVEN_RANGE``. Noise has no neighbours that are alike,
    across or down. ``docs/results-empty.md`` has the measures of real photos.
    """
    if min(image.size) < LEAST_SIDE:
        return True
    spread, correlation, kurtosis = measures(image)
    return spread <= EVEN_RANGE or (correlation < NOISE_CORRELATION and kurtosis < NOISE_KURTOSIS)


def measures(image: Image.Image) -> tuple[float, float, float]:
    """Of the coarse picture: the widest channel's range (0 to 255), the larger correlation of neighbouring cells,
    across or down, in brightness (-1 to 1), and the brightness' kurtosis (3 for a normal distribution).

    Correlation and kurtosis are 0 where the brightness is the same everywhere.
    """
    width, height = image.size
    columns, rows = max(1, width // CELLS), max(1, height // CELLS)
    box = (0, 0, width - width % columns, height - height % rows)
    cells = np.asarray(image.convert("RGB").reduce((columns, rows), box), np.float64)  # no cell of fewer pixels
    spread = float((cells.max(axis=(0, 1)) - cells.min(axis=(0, 1))).max())
    grey = cells @ np.array([0.299, 0.587, 0.114])  # as JPEG and Pillow weigh colours
    grey -= grey.mean()
    variance = float((grey**2).mean())
    if variance < 1e-9:
        return spread, 0.0, 0.0
    across = float((grey[:, 1:] * grey[:, :-1]).mean())
    down = float((grey[1:] * grey[:-1]).mean())
    return spread, max(across, down) / variance, float((grey**4).mean()) / variance**2
