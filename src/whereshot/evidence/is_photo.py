"""Decide whether a picture is a photo. A screenshot, a drawing or a printed page carries no information on a place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from whereshot.evidence.base import Line

LOOK_PIXELS = 512
"""Side in pixels of the middle part that is tested for flat surfaces."""
FLAT_SHARE = 0.60
"""Share of pixels that differ from their right and lower neighbours by 1 at most.

With more, the picture does not come from a camera."""
PAGE_WHITE_SHARE = 0.65
"""Least share of white pixels on a printed page."""
WHITE = 200
"""Grey values above this are white."""
MOST_COLOURS, COLOURED_SHARE = 8, 0.5
"""In a drawing, at most so many colours cover at least this share of the pixels."""
PAGE_TEXT_SHARE = 0.08
"""Least share of a printed page that lines of text cover."""
PAGE_LINES = 12
"""Least number of lines on a printed page."""
MARGIN = 4
"""Width of a page's margin in pixels, after the picture is shrunk to 128 x 128 pixels."""
MARGIN_WHITE_SHARE = 0.95
"""Least share of white pixels in a page's margin."""
MARGIN_UNEVENNESS = 24
"""Largest difference between the 5th and the 95th percentile of the grey values in a page's margin.

Light outdoors is less even.
"""


class Surface(NamedTuple):
    """The properties of a picture's surface that the decision needs, so that the picture itself can be released."""

    size: tuple[int, int]
    flat: bool
    """Whether most neighbouring pixels are equal, and few colours cover most of the picture."""
    grey: NDArray[np.uint8]
    """The whole picture in grey, shrunk to (128, 128); 0 to 255."""


def surface_of(image: Image.Image) -> Surface:
    """Measure the surface of an RGB picture.

    A camera adds noise, so neighbouring pixels are seldom equal, even after JPEG compression. Drawn surfaces are flat.
    """
    grey = np.asarray(image.resize((128, 128), Image.Resampling.BOX, reducing_gap=2.0).convert("L"))
    left, top = max(0, (image.width - LOOK_PIXELS) // 2), max(0, (image.height - LOOK_PIXELS) // 2)
    middle = image.crop((left, top, min(image.width, left + LOOK_PIXELS), min(image.height, top + LOOK_PIXELS)))
    pixels = np.asarray(middle)
    if min(pixels.shape[:2]) < 2:
        return Surface(image.size, False, grey)
    here = pixels[:-1, :-1]
    even = _at_most_1_apart(here, pixels[:-1, 1:]) & _at_most_1_apart(here, pixels[1:, :-1])
    flat = float(even.all(axis=2).mean())
    return Surface(image.size, flat >= FLAT_SHARE and _few_colours(pixels), grey)


def _at_most_1_apart(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where two arrays of unsigned bytes differ by no more than 1."""
    return np.asarray(np.maximum(a, b) - np.minimum(a, b) <= 1)


def not_a_photo(surface: Surface, lines: Sequence[Line]) -> str | None:
    """Return why a picture with this surface and these lines is not a photo of a place; None where it is a photo."""
    white = float((surface.grey > WHITE).mean())
    covered = sum((line.box[2] - line.box[0]) * (line.box[3] - line.box[1]) for line in lines)
    if (
        white >= PAGE_WHITE_SHARE
        and len(lines) >= PAGE_LINES
        and covered >= PAGE_TEXT_SHARE * surface.size[0] * surface.size[1]
        and _has_page_margin(surface.grey)
    ):
        return "this looks like a document, not a photo of a place"
    if surface.flat:
        return "this looks like a screenshot or a drawing, not a photo"
    return None


def _has_page_margin(grey: NDArray[np.uint8]) -> bool:
    """Return whether the whole edge of a picture is evenly white. A notice board has a street around it instead."""
    inner = np.zeros(grey.shape, dtype=bool)
    inner[MARGIN:-MARGIN, MARGIN:-MARGIN] = True
    margin = grey[~inner]
    low, high = np.percentile(margin, (5, 95))
    return float((margin > WHITE).mean()) >= MARGIN_WHITE_SHARE and high - low <= MARGIN_UNEVENNESS


def _few_colours(pixels: NDArray[np.uint8]) -> bool:
    """Return whether few colours cover most of the pixels (height, width, 3), as in a drawing. A clear sky has more."""
    coarse = (pixels >> 2).astype(np.int32)
    _, counts = np.unique((coarse[..., 0] << 12) | (coarse[..., 1] << 6) | coarse[..., 2], return_counts=True)
    return float(np.sort(counts)[::-1][:MOST_COLOURS].sum() / counts.sum()) >= COLOURED_SHARE
