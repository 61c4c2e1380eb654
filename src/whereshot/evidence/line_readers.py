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

from whereshot.evidence.line_scripts import as_input, to_grey, to_height
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
BLANK = 0
"""The class of a step without a new sign."""


class SignHead(NamedTuple):
    """The signs of a script and the weights (signs + 1, features) and biases (signs + 1,) that choose among them."""

    signs: tuple[str, ...]
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]


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

    Crops are (height, width, 3) in BGR or RGB, or (height, width) in grey. The confidence is the mean probability of
    the signs; it is 0 where nothing is read.
    """
    lines = [to_height(to_grey(crop), HEIGHT_PX, LONGEST_PX) for crop in crops]
    read: list[tuple[str, float]] = [("", 0.0)] * len(lines)
    for group in GROUPS:
        own = [row for row, script in enumerate(scripts) if script in GROUPS[group]]
        own.sort(key=lambda row: lines[row].shape[1])
        for start in range(0, len(own), BATCH):
            rows = own[start : start + BATCH]
            pixels, widths = as_input([lines[row] for row in rows])
            (features,) = _session(group).run(None, {"lines": pixels})
            for row, steps, width in zip(rows, features, widths, strict=True):
                head = _heads(group)[scripts[row]]
                read[row] = decode(steps[: steps_of(int(width))] @ head.weight.T + head.bias, head, scripts[row])
    return read


def steps_of(width_px: int) -> int:
    """Return how many steps of the network a line covers: two for each four pixels."""
    return 2 * -(-width_px // 4)


def decode(logits: NDArray[np.float32], head: SignHead, script: str) -> tuple[str, float]:
    """Return the likeliest sign of each step (steps, signs + 1) as a text, without repeats, and its confidence."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    best = logits.argmax(axis=1)
    probability = 1 / shifted.sum(axis=1)
    is_new = (best != BLANK) & (best != np.concatenate([[BLANK], best[:-1]]))
    if not is_new.any():
        return "", 0.0
    text = from_signs([head.signs[number - 1] for number in best[is_new]], script)
    return text, float(probability[is_new].mean()) if text else 0.0
