"""Look where a picture may have writing, before the text detector takes time on the whole of it.

The detector in whole numbers of 8 bits sees the picture at half its size, and a small network, trained by
``scripts/train_text_look.py``, gives each cell of 16 x 16 pixels a probability of text from the detector's features.
The detector itself misses small text at that size. The weights of the network are in ``data/text_look.onnx``.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.foundation.onnx_session import open_session
from whereshot.foundation.package_data import read_bytes

if TYPE_CHECKING:
    import onnxruntime

INT8_DETECTOR = "evidence/data/text_detector_int8.onnx"
"""RapidOCR's detector in whole numbers of 8 bits, made by scripts/quantise_text_detector.py."""
FEATURES = "features"
"""Its output that the look takes."""
SHRUNK = 2
"""The look sees a picture so many times smaller than the detector sees it."""
CELL_PX = 16
"""Width and height of a cell, in pixels of the detector."""
STEP_PX = 32
"""The detector takes widths and heights that are a multiple of this."""
MOST_ENLARGED = 2.0
"""A picture that is enlarged more than this for the detector is read whole: the look misses faint text in it."""
LEAST_TEXT = 0.4
"""A picture in which no cell has this probability of text is taken to have none."""
SURE_TEXT = 0.9
"""A picture in which a cell has this probability has text for sure. Then more text beside it is likely."""
LEAST_BESIDE, LEAST_DOUBTFUL = 0.03, 0.1
"""Cells of at least this probability are in an area: where a picture has text for sure, and where it may have some."""
MARGIN_PX = 96
"""What is added to each side of a cell that is in an area."""
RUN_PX = 4096
"""Giving an area to the detector costs as much time as so many pixels more. Areas are joined where that is cheaper."""
MOST_SHARE = 0.4
"""The whole picture is given to the detector if its areas are more than this share of it."""


class Area(NamedTuple):
    """A part of a picture in pixels; the right and the lower edge are outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size_px(self) -> int:
        """The number of its pixels."""
        return (self.right - self.left) * (self.bottom - self.top)

    def joined(self, other: Area) -> Area:
        """Return the smallest area that has both."""
        low, high = map(min, self[:2], other[:2]), map(max, self[2:], other[2:])
        return Area(*low, *high)


def shrunk(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture (height, width, 3), as large as the detector sees it, as the look sees it.

    The right and the lower edge are repeated, so that the sides are multiples of STEP_PX.
    """
    import cv2

    height, width = (side // SHRUNK for side in pixels.shape[:2])
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    below, beside = -height % STEP_PX, -width % STEP_PX
    return np.asarray(cv2.copyMakeBorder(small, 0, below, 0, beside, cv2.BORDER_REPLICATE), np.uint8)


def text_map(features: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the probability of text of each cell (rows, columns) from the detector's features of a shrunk picture."""
    (found,) = _session().run(None, {FEATURES: features})
    return np.asarray(found[0], np.float32)


def areas_of(text: NDArray[np.float32]) -> list[Area]:
    """Return the areas of a ``text_map``, joined where that makes the detector faster."""
    import cv2

    most = float(text.max())
    if most < LEAST_TEXT:
        return []
    least = LEAST_BESIDE if most >= SURE_TEXT else LEAST_DOUBTFUL
    reach = MARGIN_PX // CELL_PX
    near = cv2.dilate((text >= least).astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    _, _, boxes, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
    found = []
    for left, top, width, height, _ in boxes[1:].tolist():
        edges = np.array([left, top, left + width, top + height]) * CELL_PX / STEP_PX
        found.append(Area(*(np.append(np.floor(edges[:2]), np.ceil(edges[2:])).astype(int) * STEP_PX).tolist()))
    whole = Area(0, 0, text.shape[1] * CELL_PX, text.shape[0] * CELL_PX)
    found = _joined(found)
    return [whole] if sum(area.size_px for area in found) > MOST_SHARE * whole.size_px else found


def _joined(areas: Sequence[Area]) -> list[Area]:
    """Join two areas as long as one area of both costs less than the two."""
    found = list(areas)
    while len(found) > 1:
        saved, first, second = max(
            (one.size_px + other.size_px + RUN_PX - one.joined(other).size_px, row, later)
            for row, one in enumerate(found)
            for later, other in enumerate(found[row + 1 :], row + 1)
        )
        if saved <= 0:
            break
        found[first] = found[first].joined(found.pop(second))
    return found


@functools.cache
def _session() -> onnxruntime.InferenceSession:
    return open_session(read_bytes("evidence/data/text_look.onnx"))
