"""Tesseract as the peer of our line readers: it reads the same crops, many in one process, with its model of a script.

The program and the models are Debian's packages ``tesseract-ocr`` and ``tesseract-ocr-script-*``. A folder of unpacked
models does too.
"""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

MODELS = {"Odia": "Oriya"}
"""Tesseract's names of scripts that it calls otherwise."""
SEGMENTATION = 13
"""Tesseract's mode: a raw line. On 80 lines of streets in four scripts it reads 54 % of the characters right; mode 7, a
line, reads 47 %. On clean lines both read 80 %."""
LEAST_HEIGHT = 40
"""A crop below this height in pixels is enlarged to it: tesseract reads small writing badly. A border does not help."""


class PeerRead(NamedTuple):
    """What was read in each crop, and the processor seconds of all, without the start of the process."""

    texts: list[str]
    seconds: float


def model_file(script: str, folder: Path) -> Path | None:
    """Return the model of a script in a folder of models, None where it is not installed."""
    name = f"{MODELS.get(script, script)}.traineddata"
    return next((path for path in (folder / name, folder / "script" / name) if path.is_file()), None)


def prepared(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a grey crop as a careful user gives it to tesseract: not too small."""
    if crop.shape[0] >= LEAST_HEIGHT:
        return crop
    size = (max(1, round(crop.shape[1] * LEAST_HEIGHT / crop.shape[0])), LEAST_HEIGHT)
    return np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def read_lines(crops: Sequence[NDArray[np.uint8]], script: str, folder: Path, mode: int = SEGMENTATION) -> PeerRead:
    """Read grey crops (height, width) of lines in a script. Raises FileNotFoundError without the script's model."""
    model = model_file(script, folder)
    if model is None:
        raise FileNotFoundError(f"{folder}: has no model of tesseract for {script}; install tesseract-ocr-script-*")
    with tempfile.TemporaryDirectory() as name:
        files = []
        for row, crop in enumerate(crops):
            files.append(Path(name) / f"{row:05}.png")
            cv2.imwrite(str(files[-1]), prepared(crop))
        _, start = _run(files[:1], model, mode)
        pages, seconds = _run(files, model, mode)
    if len(pages) != len(crops):
        raise RuntimeError(f"tesseract gave {len(pages)} pages for {len(crops)} lines in {script}")
    return PeerRead([" ".join(page.split()) for page in pages], (seconds - start) * len(crops) / max(1, len(crops) - 1))


def _run(files: Sequence[Path], model: Path, mode: int) -> tuple[list[str], float]:
    """Return the text of each picture, and the processor seconds."""
    names = files[0].with_suffix(".txt")
    names.write_text("".join(f"{file}\n" for file in files))
    command = ["tesseract", str(names), "-", "--psm", str(mode), "--tessdata-dir", str(model.parent)]
    command += ["-l", model.stem]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "OMP_THREAD_LIMIT": "1"}
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout.split("\f"), seconds  # the separator stands between pages
