"""Recognise empty pictures: a picture of one colour, or of noise alone, shows no place."""

from __future__ import annotations

import numpy as np
from PIL import Image

NOTHING = "nothing to see in this picture"
"""The text in an answer for an empty picture."""
EMPTY = "empty"
"""The name of an output of networks: the array (n,) of whether pictures are empty."""
CELLS = 32
"""The coarse picture that is measured has at least this number of cells on each side, or one for each pixel if the
picture is smaller. Each cell is the mean of its own pixels, so neighbouring cells of noise stay independent.
"""
LEAST_SIDE = 8
"""Pixels of the shorter side below which no place can be recognised."""
EVEN_RANGE = 8.0
"""The largest difference, in grey values of 255, between the darkest and the brightest cell of a picture of one
colour.
"""
NOISE_CORRELATION = 0.2
"""Below this correlation, neighbouring cells count as unrelated."""
NOISE_KURTOSIS = 4.5
"""Above this kurtosis, few cells differ from the others, as a moon or lamps in the dark do; noise is everywhere."""


def is_empty(image: Image.Image) -> bool:
    """Return whether an RGB picture of any size shows nothing: it is tiny, of one colour, or noise.

    A picture has one colour where no channel spans more than ``EVEN_RANGE``. In noise, neighbouring cells are not
    alike, neither across nor down. ``docs/results-empty.md`` has the measures of real photos.
    """
    if min(image.size) < LEAST_SIDE:
        return True
    spread, correlation, kurtosis = measures(image)
    return spread <= EVEN_RANGE or (correlation < NOISE_CORRELATION and kurtosis < NOISE_KURTOSIS)


def measures(image: Image.Image) -> tuple[float, float, float]:
    """Return three measures of the coarse picture: range, correlation and kurtosis.

    The range is measured in the channel with the widest range (0 to 255). The correlation compares the brightness of
    neighbouring cells (-1 to 1), across or down, whichever is larger. The kurtosis is measured on the brightness (3 for
    a normal distribution). Correlation and kurtosis are 0 where the brightness is the same everywhere.
    """
    width, height = image.size
    columns, rows = max(1, width // CELLS), max(1, height // CELLS)
    box = (0, 0, width - width % columns, height - height % rows)
    cells = np.asarray(image.convert("RGB").reduce((columns, rows), box), np.float64)  # no cell of fewer pixels
    spread = float((cells.max(axis=(0, 1)) - cells.min(axis=(0, 1))).max())
    grey = cells @ np.array([0.299, 0.587, 0.114])  # the weights of the colours in JPEG and Pillow
    grey -= grey.mean()
    variance = float((grey**2).mean())
    if variance < 1e-9:
        return spread, 0.0, 0.0
    across = float((grey[:, 1:] * grey[:, :-1]).mean())
    down = float((grey[1:] * grey[:-1]).mean())
    return spread, max(across, down) / variance, float((grey**4).mean()) / variance**2
