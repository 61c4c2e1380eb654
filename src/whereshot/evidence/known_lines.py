"""Read crops of lines in the scripts that RapidOCR knows, with its networks but without its padding.

RapidOCR pads each line to at least 320 pixels and to the longest line of its batch, and it first asks another network
whether a line is upside down. Here the lines of a batch have nearly the same length, and a line is turned only where it
cannot be read as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEIGHT_PX = 48
"""Height of a line as the network sees it."""
LEAST_WIDTH_PX = 192
"""Narrower lines are padded to this width."""
STEP_PX = 16
"""Widths are rounded up to a multiple of this."""
MOST_SPREAD = 1.3
"""The widest line of a batch is at most so many times as wide as the narrowest."""
BATCH = 8
"""Most lines of a batch."""
GOOD_ENOUGH = 0.9
"""A line that is read with this confidence is not tried upside down."""

Crop = NDArray[np.uint8]
"""A line (height, width, 3) in BGR."""
ReadText = tuple[str, float]
"""The text of a line, and the confidence of the network from 0 to 1."""


class KnownLines:
    """Reads Latin, Greek, Chinese and Japanese with the networks of a ``rapidocr.RapidOCR``."""

    def __init__(self, engine: Any) -> None:
        self._recogniser = engine._load_rec_model()
        self._turner = engine._load_cls_model()

    def read(self, crops: Sequence[Crop]) -> list[ReadText]:
        """Return the text and the confidence of each crop.

        A line that is hard to read and seems upside down is also read turned; the more confident reading counts.
        """
        found = self._read_as_they_are(crops)
        doubtful = [row for row, (_, confidence) in enumerate(found) if confidence < GOOD_ENOUGH]
        if not doubtful:
            return found
        ends = self._turner([crops[row] for row in doubtful]).cls_res
        turned = [
            row
            for row, (label, confidence) in zip(doubtful, ends, strict=True)
            if "180" in label and confidence > self._turner.cls_thresh
        ]
        again = self._read_as_they_are([np.ascontiguousarray(crops[row][::-1, ::-1]) for row in turned])
        for row, own in zip(turned, again, strict=True):
            found[row] = max(found[row], own, key=lambda read: read[1])
        return found

    def _read_as_they_are(self, crops: Sequence[Crop]) -> list[ReadText]:
        widths = [width_px(crop) for crop in crops]
        found: list[ReadText] = [("", 0.0)] * len(crops)
        for rows in batches(widths):
            values = np.zeros((len(rows), 3, HEIGHT_PX, max(widths[row] for row in rows)), np.float32)
            for place, row in enumerate(rows):
                own = _prepared(crops[row], widths[row])
                values[place, :, :, : own.shape[2]] = own
            read, _ = self._recogniser.postprocess_op(self._recogniser.session(values))
            for row, (text, confidence) in zip(rows, read, strict=True):
                found[row] = text, float(confidence)
        return found


def width_px(crop: Crop) -> int:
    """Return the width at which the network sees a crop."""
    height, width = int(crop.shape[0]), int(crop.shape[1])
    return max(LEAST_WIDTH_PX, -(-HEIGHT_PX * width // height // STEP_PX) * STEP_PX)


def batches(widths: Sequence[int]) -> list[list[int]]:
    """Return the numbers of lines in batches of nearly the same width in pixels."""
    found: list[list[int]] = []
    for row in sorted(range(len(widths)), key=lambda row: widths[row]):
        if found and len(found[-1]) < BATCH and widths[row] <= MOST_SPREAD * widths[found[-1][0]]:
            found[-1].append(row)
        else:
            found.append([row])
    return found


def _prepared(crop: Crop, most_px: int) -> NDArray[np.float32]:
    """Return a crop as the network takes it (3, HEIGHT_PX, width), with values from -1 to 1."""
    import cv2

    height, width = crop.shape[:2]
    columns = min(-(-HEIGHT_PX * width // height), most_px)
    resized = cv2.resize(crop, (columns, HEIGHT_PX))
    return np.asarray(resized.transpose(2, 0, 1).astype(np.float32) / 127.5 - 1, np.float32)
