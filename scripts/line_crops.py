"""Lines that the text detector finds in photos: real Latin, Chinese and Japanese lines, digits, and crops without text.

The class of a line is that of the text that the recogniser read, if it is nearly certain. If it read almost nothing,
the crop counts as a crop without text. The crops are kept only in the work folder.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from line_training import write_shard
from numpy.typing import NDArray
from rapidocr.main import RapidOCRError

from whereshot.evidence.line_scripts import CLASSES, to_height
from whereshot.evidence.ocr import Reader
from whereshot.evidence.text_segments import script_of_word
from whereshot.photos import images

LARGEST = 1200
MOST_SECONDS = 600.0
CERTAIN, UNREADABLE = 0.93, 0.45
"""Score of the recogniser from which a line counts as read, and up to which it counts as no text."""
SAVED_EVERY = 100


def class_of(text: str, score: float) -> str | None:
    """Return the class of a line from what was read, or None where that is not certain enough."""
    letters = [char for char in text if char.isalpha()]
    if score < UNREADABLE:
        return "none" if len(letters) < 8 else None
    if score < CERTAIN or len(text.strip()) < 2:
        return None
    if not letters:
        return "digits" if any(char.isdigit() for char in text) else None
    script = script_of_word(letters)
    if script == "Greek" or script not in ("Latin", "Han", "Kana"):
        return None  # parts of other scripts; Latin is sometimes read as Greek
    if script == "Latin" and len(letters) < 3:
        return None
    return script


def _write(work: Path, lines: list[NDArray[np.uint8]], labels: list[int]) -> None:
    mirrored = np.zeros(len(lines), bool)
    write_shard(work / "crops.npz", lines, labels=np.array(labels, np.int8), mirrored=mirrored)


def collect(work: Path, folder: Path, names: list[str]) -> None:
    """Write crops of photos, as shards, to crops.npz in the work folder; stops after ``MOST_SECONDS``."""
    engine = Reader(threads=1)._engine
    lines: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    began, counts = time.perf_counter(), Counter[str]()
    for number, name in enumerate(names):
        if time.perf_counter() - began > MOST_SECONDS:
            break
        image = images.open_rgb(folder / name)
        image.thumbnail((LARGEST, LARGEST))
        try:
            crops, _ = engine.detect_and_crop(np.ascontiguousarray(np.asarray(image)[:, :, ::-1]), {})
        except RapidOCRError:  # no text was found
            continue
        turned = engine.cls_and_rotate(crops)[0]
        read = engine.recognize_txt(turned)
        for crop, text, score in zip(turned, read.txts, read.scores, strict=True):
            label = class_of(text, score)
            if label is not None and counts[label] < 3000:
                counts[label] += 1
                lines.append(to_height(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)))
                labels.append(CLASSES.index(label))
        if number % SAVED_EVERY == SAVED_EVERY - 1:
            print(number + 1, dict(counts), flush=True)
            _write(work, lines, labels)
    _write(work, lines, labels)
    print(number + 1, dict(counts), flush=True)
