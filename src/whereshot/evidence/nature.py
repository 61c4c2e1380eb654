"""Is it a photo at all? A screenshot, a drawing or a page of print says nothing of where it was taken."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from whereshot.evidence.base import Line

LOOK_PIXELS = 512
FLAT_SHARE = 0.60
"""Share of pixels equal to their right and lower neighbour above which no camera's sensor made the picture."""
PAGE_WHITE_SHARE = 0.65
PAGE_TEXT_SHARE = 0.08
PAGE_LINES = 12


def not_a_photo(image: Image.Image, lines: Sequence[Line]) -> str | None:
    """Why a picture is not taken for a photo of a place, or None where it is.

    Cameras leave noise: neighbouring pixels are seldom equal, even after JPEG. Drawn surfaces are flat.
    """
    left, top = max(0, (image.width - LOOK_PIXELS) // 2), max(0, (image.height - LOOK_PIXELS) // 2)
    middle = image.crop((left, top, min(image.width, left + LOOK_PIXELS), min(image.height, top + LOOK_PIXELS)))
    pixels = np.asarray(middle, dtype=np.int16)
    if min(pixels.shape[:2]) < 2:
        return None
    right = np.abs(pixels[:-1, 1:] - pixels[:-1, :-1]).max(axis=2)
    below = np.abs(pixels[1:, :-1] - pixels[:-1, :-1]).max(axis=2)
    flat = float(((right <= 1) & (below <= 1)).mean())
    white = float((np.asarray(image.convert("L").resize((128, 128))) > 200).mean())
    covered = sum((line.box[2] - line.box[0]) * (line.box[3] - line.box[1]) for line in lines)
    if (
        white >= PAGE_WHITE_SHARE
        and len(lines) >= PAGE_LINES
        and covered >= PAGE_TEXT_SHARE * image.width * image.height
    ):
        return "this looks like a document, not a photo of a place"
    if flat >= FLAT_SHARE and _few_colours(pixels):
        return "this looks like a screenshot or a drawing, not a photo"
    return None


def _few_colours(pixels: np.ndarray) -> bool:
    """Whether few colours cover most of the picture, as in drawings, and not in a clear sky."""
    coarse = (pixels >> 2).astype(np.int32)
    _, counts = np.unique((coarse[..., 0] << 12) | (coarse[..., 1] << 6) | coarse[..., 2], return_counts=True)
    return float(np.sort(counts)[::-1][:8].sum() / counts.sum()) >= 0.5
