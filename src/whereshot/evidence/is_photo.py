"""Is it a photo at all? A screenshot, a drawing or a page of print says nothing of where it was taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from whereshot.evidence.base import Line

LOOK_PIXELS = 512
FLAT_SHARE = 0.60
"""Share of pixels equal to their right and lower neighbour above which no camera's sensor made the picture."""
PAGE_WHITE_SHARE = 0.65
PAGE_TEXT_SHARE = 0.08
PAGE_LINES = 12
MARGIN = 4
"""Width of a page's margin, of the 128 pixels to which the picture is shrunk."""
MARGIN_WHITE_SHARE = 0.95
MARGIN_UNEVENNESS = 24
"""How far apart the 5th and the 95th of 100 grey values of a page's margin are at most; daylight is less even."""


class Surface(NamedTuple):
    """What a picture's surface is like; the picture itself need not be kept."""

    size: tuple[int, int]
    flat: bool
    """Whether hardly any neighbouring pixels differ, and few colours cover most of it."""
    grey: np.ndarray
    """The whole picture shrunk to (128, 128), 0 to 255."""


def surface_of(image: Image.Image) -> Surface:
    """The surface of an RGB picture.

    Cameras leave noise: neighbouring pixels are seldom equal, even after JPEG. Drawn surfaces are flat.
    """
    grey = np.asarray(image.resize((128, 128), Image.Resampling.BOX, reducing_gap=2.0).convert("L"))
    left, top = max(0, (image.width - LOOK_PIXELS) // 2), max(0, (image.height - LOOK_PIXELS) // 2)
    middle = image.crop((left, top, min(image.width, left + LOOK_PIXELS), min(image.height, top + LOOK_PIXELS)))
    pixels = np.asarray(middle, dtype=np.int16)
    if min(pixels.shape[:2]) < 2:
        return Surface(image.size, False, grey)
    right = np.abs(pixels[:-1, 1:] - pixels[:-1, :-1]).max(axis=2)
    below = np.abs(pixels[1:, :-1] - pixels[:-1, :-1]).max(axis=2)
    flat = float(((right <= 1) & (below <= 1)).mean())
    return Surface(image.size, flat >= FLAT_SHARE and _few_colours(pixels), grey)


def not_a_photo(surface: Surface, lines: Sequence[Line]) -> str | None:
    """Why a picture of this surface and with these lines is not taken for a photo of a place, or None where it is."""
    white = float((surface.grey > 200).mean())
    covered = sum((line.box[2] - line.box[0]) * (line.box[3] - line.box[1]) for line in lines)
    if (
        white >= PAGE_WHITE_SHARE
        and len(lines) >= PAGE_LINES
        and covered >= PAGE_TEXT_SHARE * surface.size[0] * surface.size[1]
        and _has_a_pages_margin(surface.grey)
    ):
        return "this looks like a document, not a photo of a place"
    if surface.flat:
        return "this looks like a screenshot or a drawing, not a photo"
    return None


def _has_a_pages_margin(grey: np.ndarray) -> bool:
    """Whether all of a picture's edge is evenly white: a notice board in the street has a street around it."""
    inner = np.zeros(grey.shape, dtype=bool)
    inner[MARGIN:-MARGIN, MARGIN:-MARGIN] = True
    margin = grey[~inner]
    low, high = np.percentile(margin, (5, 95))
    return float((margin > 200).mean()) >= MARGIN_WHITE_SHARE and high - low <= MARGIN_UNEVENNESS


def _few_colours(pixels: np.ndarray) -> bool:
    """Whether few colours cover most of the picture, as in drawings, and not in a clear sky."""
    coarse = (pixels >> 2).astype(np.int32)
    _, counts = np.unique((coarse[..., 0] << 12) | (coarse[..., 1] << 6) | coarse[..., 2], return_counts=True)
    return float(np.sort(counts)[::-1][:8].sum() / counts.sum()) >= 0.5
