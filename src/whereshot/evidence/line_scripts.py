"""Tell the script of a line of writing from its picture, before a recogniser reads it.

A small network, trained by ``scripts/train_line_scripts.py`` on rendered lines, gives the probability of each of
``CLASSES`` for a line, and of the line being mirrored. Its weights are in ``data/line_scripts.onnx``.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.foundation.onnx_session import open_session
from whereshot.foundation.package_data import read_bytes

if TYPE_CHECKING:
    import onnxruntime

CLASSES = (
    "Latin", "Greek", "Cyrillic", "Han", "Kana", "Hangul", "Arabic", "Hebrew", "Thai", "Lao", "Khmer", "Myanmar",
    "Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Odia", "Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala",
    "Georgian", "Armenian", "Ethiopic", "digits", "none",
)  # fmt: skip
"""The scripts. "digits" is a line of only digits and signs, "none" a crop without writing."""
KNOWN_CLASSES = frozenset({"Latin", "Greek", "Han", "Kana", "digits"})
"""The classes that RapidOCR's recogniser reads (``known_lines``). Other scripts are foreign (``foreign_lines``)."""

HEIGHT = 32
"""Height in pixels of a line as the network sees it."""
LONGEST = 384
"""Largest width in pixels; only the middle of a longer line is used."""
SHORTEST = 8
"""Least width in pixels; a narrower line is enlarged."""
BATCH = 16
"""Most lines of similar length that the network takes together."""
LEAST_DEVIATION = 8.0
"""Grey levels that are added to the standard deviation of a line, so that a flat crop stays flat."""


RARE_SCRIPTS = frozenset(
    {
        "Armenian", "Ethiopic", "Georgian", "Gujarati", "Gurmukhi", "Kannada", "Khmer", "Lao", "Malayalam", "Myanmar",
        "Odia", "Sinhala",
    }
)  # fmt: skip
"""Scripts that few photos show, so that most weak signs of them are mistakes."""
RARE_WEIGHT = 0.5
"""Weight of a rare script against the others, where a line can be in several scripts."""
SHARE_ALONE = 0.15
"""Weight of a script that no other line shows, against the mean share of a script over the other lines."""


class LineScript(NamedTuple):
    """The probability of each of ``CLASSES`` for a line, and of the line being mirrored."""

    probabilities: NDArray[np.float32]
    mirrored: float

    @property
    def best(self) -> str:
        """The likeliest class."""
        return CLASSES[int(self.probabilities.argmax())]

    def share(self, scripts: Iterable[str]) -> float:
        """Return the probability that the line is in one of these scripts."""
        return float(sum(self.probabilities[CLASSES.index(name)] for name in scripts))

    @property
    def known(self) -> float:
        """The probability that RapidOCR's recogniser knows the script."""
        return self.share(KNOWN_CLASSES)

    @property
    def foreign(self) -> tuple[str, float]:
        """The likeliest script that RapidOCR's recogniser does not know, and its probability."""
        rows = [row for row, name in enumerate(CLASSES) if name not in KNOWN_CLASSES and name != "none"]
        best = max(rows, key=lambda row: float(self.probabilities[row]))
        return CLASSES[best], float(self.probabilities[best])

    @property
    def none(self) -> float:
        """The probability that the crop has no writing."""
        return float(self.probabilities[CLASSES.index("none")])


def to_grey(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a crop (height, width, 3) in BGR, or (height, width) in grey, as (height, width) in grey."""
    import cv2

    return np.asarray(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), np.uint8) if crop.ndim == 3 else crop


def to_height(grey: NDArray[np.uint8], height_px: int = HEIGHT, longest_px: int = LONGEST) -> NDArray[np.uint8]:
    """Return a grey crop (height, width) enlarged or shrunk to a height, or its middle where it is too long."""
    import cv2

    height, width = grey.shape
    columns = max(SHORTEST, round(width * height_px / height))
    if columns > longest_px:
        kept = max(1, round(height * longest_px / height_px))
        start = (width - kept) // 2
        grey, columns = grey[:, start : start + kept], longest_px
    method = cv2.INTER_AREA if height > height_px else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(grey), (columns, height_px), interpolation=method), np.uint8)


def as_input(lines: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return lines (height, width) as a network takes them, normalised: (n, 1, height, widest); and widths (n,)."""
    widths = [line.shape[1] for line in lines]
    batch = np.zeros((len(lines), 1, lines[0].shape[0], max(64, -(-max(widths) // 16) * 16)), np.float32)
    for row, line in enumerate(lines):
        values = line.astype(np.float32)
        batch[row, 0, :, : line.shape[1]] = (values - values.mean()) / (values.std() + LEAST_DEVIATION)
    return batch, np.array(widths, np.float32)


@functools.cache
def _session() -> onnxruntime.InferenceSession:
    return open_session(read_bytes("evidence/data/line_scripts.onnx"))


def line_scripts(crops: Sequence[NDArray[np.uint8]]) -> list[LineScript]:
    """Return the script of each crop of a line: (height, width, 3) in BGR or RGB, or (height, width) in grey."""
    lines = [to_height(to_grey(crop)) for crop in crops]
    order = sorted(range(len(lines)), key=lambda row: lines[row].shape[1])
    found: dict[int, LineScript] = {}
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        pixels, widths = as_input([lines[row] for row in rows])
        (logits,) = _session().run(None, {"lines": pixels, "widths": widths})
        for row, own in zip(rows, logits.astype(np.float64), strict=True):
            share = np.exp(own[:-1] - own[:-1].max())
            found[row] = LineScript((share / share.sum()).astype(np.float32), float(1 / (1 + np.exp(-own[-1]))))
    return [found[row] for row in range(len(lines))]


def in_company(scripts: Sequence[LineScript]) -> list[LineScript]:
    """Return the scripts of the lines of one picture, where scripts that other lines or many photos show are likelier.

    Only Greek and the scripts that RapidOCR does not know divide their probability again. This separates similar
    scripts, such as Devanagari and Gurmukhi.
    """
    if not scripts:
        return []
    foreign = np.array([name not in KNOWN_CLASSES - {"Greek"} and name != "none" for name in CLASSES])
    shares = np.array([line.probabilities for line in scripts])[:, foreign].astype(np.float64)
    frequent = np.array([RARE_WEIGHT if name in RARE_SCRIPTS else 1.0 for name in CLASSES])[foreign]
    others = (shares.sum(axis=0) - shares) / max(1, len(scripts) - 1)
    weighed = shares * frequent * (SHARE_ALONE + others) ** 2
    weighed *= (shares.sum(axis=1) / np.maximum(weighed.sum(axis=1), 1e-12))[:, None]
    found = []
    for line, own in zip(scripts, weighed, strict=True):
        values = line.probabilities.copy()
        values[foreign] = own
        found.append(line._replace(probabilities=values))
    return found
