"""Read lines of writing in the scripts that RapidOCR's recogniser does not know, with small networks of our own.

Each network reads a group of scripts: a crop of a line becomes a row of features, and the head of a script turns each
step of it into the probabilities of the signs of that script. ``scripts/train_line_readers.py`` trains them on rendered
lines. Texts come back in the spelling of ``writing.fold_writing``.

Source: connectionist temporal classification (Graves et al., ICML 2006).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.evidence.line_scripts import SHORTEST, as_input, to_grey, to_height
from whereshot.evidence.writing import from_signs
from whereshot.foundation.onnx_session import open_session
from whereshot.foundation.package_data import read_bytes

if TYPE_CHECKING:
    import onnxruntime

GROUPS = {
    "alphabets": (
        "Arabic", "Cyrillic", "Hangul", "Thai", "Lao", "Greek", "Hebrew", "Georgian", "Armenian", "Ethiopic",
    ),
    "abugidas": (
        "Devanagari", "Bengali", "Tamil", "Telugu", "Gujarati", "Gurmukhi", "Odia", "Kannada", "Malayalam", "Sinhala",
        "Khmer", "Myanmar",
    ),
}  # fmt: skip
"""The scripts that each network is trained to read."""
NOT_GOOD_ENOUGH = frozenset({"Khmer"})
"""Scripts whose head is not used, because it makes too many errors (docs/results-writing.md): they are seen, not read.
"""
SCRIPTS_READ = frozenset(script for scripts in GROUPS.values() for script in scripts) - NOT_GOOD_ENOUGH
"""The scripts that ``read_line_crops`` reads."""

HEIGHT_PX = 40
"""Height of a line as the networks see it."""
LONGEST_PX = 1200
"""Largest width of a line; the middle of a longer line is read."""
BATCH = 8
"""Most lines of similar length that are read together."""
SURE_LOG_PROBABILITY = -0.1
"""A line whose ``ReadText.log_probability`` is lower is read again, ``WIDER`` times as wide; the likelier text counts.
"""
WIDER = 1.25
"""How many times as wide a doubtful line is for its second look."""
BLANK = 0
"""The class of a step without a new sign."""


class SignHead(NamedTuple):
    """The signs of a script and the weights (signs + 1, features) and biases (signs + 1,) that choose among them."""

    signs: tuple[str, ...]
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]


class ReadText(NamedTuple):
    """What is read on a line: the text, the mean probability of its signs, and how likely all steps are together.

    ``log_probability`` is the log probability of the likeliest sign of every step, blanks too, for each sign of the
    text. It compares readings of one line. It is minus infinity where nothing is read.
    """

    text: str
    confidence: float
    log_probability: float


@functools.cache
def _session(group: str) -> onnxruntime.InferenceSession:
    return open_session(read_bytes(f"evidence/data/line_reader_{group}.onnx"))


@functools.cache
def _heads(group: str) -> dict[str, SignHead]:
    from safetensors.numpy import load

    content = read_bytes(f"evidence/data/line_reader_{group}.safetensors")
    signs = json.loads(json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]["signs"])
    arrays = {name: array.astype(np.float32) for name, array in load(content).items()}
    return {
        script: SignHead(tuple(own), arrays[f"{script}.weight"], arrays[f"{script}.bias"])
        for script, own in signs.items()
    }


def read_line_crops(crops: Sequence[NDArray[np.uint8]], scripts: Sequence[str]) -> list[tuple[str, float]]:
    """Return the text of each crop of a line in a script of ``SCRIPTS_READ``, and the confidence from 0 to 1.

    Crops are (height, width, 3) in BGR or RGB, or (height, width) in grey. A crop that is given several times, with
    several scripts, goes through each network once. The confidence is the mean probability of the signs; it is 0 where
    nothing is read. A line that is not read for sure is read again, wider, where its ends would not be cut off: that
    separates narrow letters.
    """
    greys = {id(crop): to_grey(crop) for crop in crops}
    texts = _read([greys[id(crop)] for crop in crops], scripts)
    doubtful = [
        row
        for row, text in enumerate(texts)
        if text.log_probability < SURE_LOG_PROBABILITY and _fits_wider(greys[id(crops[row])])
    ]
    wider = {id(crops[row]): _wider(greys[id(crops[row])]) for row in doubtful}
    again = _read([wider[id(crops[row])] for row in doubtful], [scripts[row] for row in doubtful])
    for row, text in zip(doubtful, again, strict=True):
        texts[row] = max(texts[row], text, key=lambda one: one.log_probability)
    return [(text.text, text.confidence) for text in texts]


def _fits_wider(grey: NDArray[np.uint8]) -> bool:
    """Return whether the network still sees the whole of a line (height, width) that is ``WIDER`` times as wide."""
    height, width = grey.shape
    return bool(WIDER * width * HEIGHT_PX <= LONGEST_PX * height)


def _wider(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import cv2

    columns = max(SHORTEST, round(grey.shape[1] * WIDER))
    return np.asarray(cv2.resize(grey, (columns, grey.shape[0]), interpolation=cv2.INTER_LINEAR), np.uint8)


def _read(greys: Sequence[NDArray[np.uint8]], scripts: Sequence[str]) -> list[ReadText]:
    """Return what is read on each grey crop as its script."""
    read = [ReadText("", 0.0, -np.inf)] * len(greys)
    for group, members in GROUPS.items():
        rows_by_crop: dict[int, list[int]] = {}
        for row, script in enumerate(scripts):
            if script in members:
                rows_by_crop.setdefault(id(greys[row]), []).append(row)
        rows = list(rows_by_crop.values())
        features = _features(group, [to_height(greys[own[0]], HEIGHT_PX, LONGEST_PX) for own in rows])
        for own, steps in zip(rows, features, strict=True):
            for row in own:
                head = _heads(group)[scripts[row]]
                read[row] = decode(steps @ head.weight.T + head.bias, head, scripts[row])
    return read


def _features(group: str, lines: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
    """Return the features (steps, n) that the network of a group finds on each line (``HEIGHT_PX``, width)."""
    features: list[NDArray[np.float32]] = [np.empty((0, 0), np.float32)] * len(lines)
    order = sorted(range(len(lines)), key=lambda row: lines[row].shape[1])
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        pixels, widths = as_input([lines[row] for row in rows])
        (found,) = _session(group).run(None, {"lines": pixels})
        for row, steps, width in zip(rows, found, widths, strict=True):
            features[row] = steps[: steps_of(int(width))]
    return features


def steps_of(width_px: int) -> int:
    """Return how many steps of the network a line covers: two for each four pixels."""
    return 2 * -(-width_px // 4)


def decode(logits: NDArray[np.float32], head: SignHead, script: str) -> ReadText:
    """Return what the likeliest sign of each step (steps, signs + 1) gives, without repeats."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    best = logits.argmax(axis=1)
    probability = 1 / shifted.sum(axis=1)
    is_new = (best != BLANK) & (best != np.concatenate([[BLANK], best[:-1]]))
    text = from_signs([head.signs[number - 1] for number in best[is_new]], script) if is_new.any() else ""
    if not text:
        return ReadText("", 0.0, -np.inf)
    log_probability = float(np.log(probability).sum() / is_new.sum())
    return ReadText(text, float(probability[is_new].mean()), log_probability)
