"""The scripts of lines of writing, and how a crop of a line is prepared for a network that recognises its script.

``scripts/train_line_scripts.py`` trains the network on rendered lines.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CLASSES = (
    "Latin", "Greek", "Cyrillic", "Han", "Kana", "Hangul", "Arabic", "Hebrew", "Thai", "Lao", "Khmer", "Myanmar",
    "Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Odia", "Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala",
    "Georgian", "Armenian", "Ethiopic", "digits", "none",
)  # fmt: skip
"""The scripts; "digits" is a line of digits and signs alone, "none" a crop without writing.

A line with kana is Kana, also where most of its letters are Han.
"""
READABLE = frozenset({"Latin", "Greek", "Han", "Kana", "digits"})
"""The classes that the recogniser of ``evidence.ocr`` reads."""

HEIGHT = 32
"""Height in pixels of a line as the network sees it."""
LONGEST = 384
"""Largest width in pixels; the middle of a longer line is looked at."""
SHORTEST = 8
LEAST_DEVIATION = 8.0
"""Grey levels that are added to the standard deviation of a line, so that a flat crop stays flat."""


def to_height(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a grey crop (height, width) at the height of lines (32, width), or its middle where it is too long."""
    import cv2

    height, width = grey.shape
    columns = max(SHORTEST, round(width * HEIGHT / height))
    if columns > LONGEST:
        kept = max(1, round(height * LONGEST / HEIGHT))
        start = (width - kept) // 2
        grey, columns = grey[:, start : start + kept], LONGEST
    method = cv2.INTER_AREA if height > HEIGHT else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(grey), (columns, HEIGHT), interpolation=method), np.uint8)


def as_input(lines: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return lines (32, width) as the network takes them, normalised: (n, 1, 32, widest); and their widths (n,)."""
    widths = [line.shape[1] for line in lines]
    batch = np.zeros((len(lines), 1, HEIGHT, max(64, -(-max(widths) // 16) * 16)), np.float32)
    for row, line in enumerate(lines):
        values = line.astype(np.float32)
        batch[row, 0, :, : line.shape[1]] = (values - values.mean()) / (values.std() + LEAST_DEVIATION)
    return batch, np.array(widths, np.float32)
