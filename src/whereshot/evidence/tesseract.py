"""Read lines of writing with the program tesseract, where it and its data for the script are installed.

``--reader tesseract`` uses it for the scripts that the package does not read itself. The program runs as a process of
its own, once for all lines of a script in a picture.
"""

from __future__ import annotations

import csv
import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.evidence.line_scripts import to_grey
from whereshot.evidence.text_segments import UNSPACED_SCRIPTS, script_of
from whereshot.evidence.writing import fold_writing
from whereshot.foundation.errors import MissingExtraError, ModelError, one_line

PROGRAM = "tesseract"
DATA = {
    "Arabic": ("arab", "ara"),
    "Armenian": ("armn", "hye"),
    "Bengali": ("beng", "ben"),
    "Cyrillic": ("cyrl", "rus"),
    "Devanagari": ("deva", "hin"),
    "Ethiopic": ("ethi", "amh"),
    "Georgian": ("geor", "kat"),
    "Gujarati": ("gujr", "guj"),
    "Gurmukhi": ("guru", "pan"),
    "Hangul": ("hang", "kor"),
    "Hebrew": ("hebr", "heb"),
    "Kannada": ("knda", "kan"),
    "Khmer": ("khmr", "khm"),
    "Lao": ("laoo", "lao"),
    "Malayalam": ("mlym", "mal"),
    "Myanmar": ("mymr", "mya"),
    "Odia": ("orya", "ori"),
    "Sinhala": ("sinh", "sin"),
    "Tamil": ("taml", "tam"),
    "Telugu": ("telu", "tel"),
    "Thai": ("thai", "tha"),
}
"""Scripts by their names in ``line_scripts.CLASSES``: the end of Debian's package, and the data of one language.

The data of the language is used where the data of the script is missing."""
OTHERWISE_CALLED = {"Odia": "Oriya"}
"""Scripts whose data has another name."""
PACKAGE = "tesseract-ocr-script-{}"
"""The name of Debian's package with the data of a script."""
LEAST_HEIGHT = 48
"""Height in pixels to which a line is enlarged if it is lower."""
BORDER = 12
"""Pixels that are added around a line, in the colour of its edge; tesseract misses letters at the edge."""
LEAST_OF_SCRIPT = 0.6
"""Share of the letters of a line that must be of its script; else the line counts as not read."""
START_SECONDS, LINE_SECONDS = 30.0, 5.0
"""Seconds for the start of the program, and for each further line; after that, the lines count as not read."""
MOST_QUOTED = 200
"""Most letters that are quoted from an error of tesseract."""
LONGEST = 30_000
"""Width in pixels to which a longer line is squeezed; tesseract refuses pictures wider than 32,767 pixels."""


class Installed(NamedTuple):
    """The path of the program, and its name of the data for each script that it can read."""

    program: str
    data: Mapping[str, str]


@functools.cache
def installed() -> Installed:
    """Return the program and the scripts that it can read.

    Raises MissingExtraError where the program, or all data for scripts, is missing, and where the program does not run.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise MissingExtraError(
            "--reader tesseract: the program tesseract is missing; install it with the data of the scripts to "
            "read, as with: apt install tesseract-ocr tesseract-ocr-script-thai"
        )
    try:
        listed = subprocess.run([program, "--list-langs"], capture_output=True, check=False, timeout=START_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingExtraError(
            f"--reader tesseract: {program} does not run ({one_line(error)}); install tesseract again"
        ) from error
    names = {line.strip() for line in listed.stdout.decode("utf-8", "replace").splitlines()}
    data = {}
    for script, (_, language) in DATA.items():
        called = OTHERWISE_CALLED.get(script, script)
        found = next((name for name in (called, f"script/{called}", language) if name in names), None)
        if found is not None:
            data[script] = found
    if not data:
        raise MissingExtraError(
            "--reader tesseract: tesseract has no data for any script that it is used for; install the data of the "
            "scripts to read, as with: apt install tesseract-ocr-script-thai"
        )
    return Installed(program, data)


def install_hint(scripts: Sequence[str]) -> str | None:
    """Return one line on how to install the data of scripts, None where there is data for all of them.

    Scripts that tesseract is not used for are left out.
    """
    missing = sorted(script for script in set(scripts) & set(DATA) if script not in installed().data)
    if not missing:
        return None
    packages = " ".join(PACKAGE.format(DATA[script][0]) for script in missing)
    return f"tesseract has no data for {', '.join(missing)}; install it, as with: apt install {packages}"


def read_lines(crops: Sequence[NDArray[np.uint8]], scripts: Sequence[str]) -> list[tuple[str, float]]:
    """Return the text of each crop of a line, and the confidence (0 to 1); ("", 0.0) where nothing was read.

    A crop is (height, width, 3) in BGR or RGB, or (height, width) in grey. ``scripts`` are their scripts, each in
    ``installed().data``. Raises MissingExtraError where tesseract is not installed, and ModelError where it fails.
    """
    found: dict[int, tuple[str, float]] = {}
    for script in dict.fromkeys(scripts):
        rows = [row for row, own in enumerate(scripts) if own == script]
        found |= zip(rows, _read_script([crops[row] for row in rows], script), strict=True)
    return [found[row] for row in range(len(crops))]


def _read_script(crops: Sequence[NDArray[np.uint8]], script: str) -> list[tuple[str, float]]:
    """Return the text and the confidence of lines of one script. One process reads all of them."""
    with tempfile.TemporaryDirectory(prefix="whereshot-") as folder:
        names = []
        for number, crop in enumerate(crops):
            path = Path(folder, f"{number}.png")
            _prepared(crop, path)
            names.append(str(path))
        listed = Path(folder, "lines.txt")
        listed.write_text("\n".join(names) + "\n", "utf-8")
        program, data = installed()
        try:
            done = subprocess.run(
                [program, str(listed), "stdout", "-l", data[script], "--psm", "7", "tsv"],
                capture_output=True,
                check=False,
                stdin=subprocess.DEVNULL,
                timeout=START_SECONDS + LINE_SECONDS * len(crops),
                env={**os.environ, "OMP_THREAD_LIMIT": "1"},
            )
        except subprocess.TimeoutExpired:
            return [("", 0.0)] * len(crops)
    if done.returncode != 0:
        reason = " ".join(done.stderr.decode("utf-8", "replace").split())[:MOST_QUOTED]
        raise ModelError(f"tesseract cannot read with its data {data[script]!r}; install that again ({reason})")
    return parse_words(done.stdout.decode("utf-8", "replace"), script, len(crops))


def _prepared(crop: NDArray[np.uint8], path: Path) -> None:
    """Write a crop as a grey picture, large enough and with a border."""
    import cv2

    grey: NDArray[Any] = to_grey(crop)
    height, width = grey.shape
    if height < LEAST_HEIGHT:
        columns = min(max(1, round(width * LEAST_HEIGHT / height)), LONGEST)
        grey = cv2.resize(grey, (columns, LEAST_HEIGHT), interpolation=cv2.INTER_CUBIC)
    grey = cv2.copyMakeBorder(grey, BORDER, BORDER, BORDER, BORDER, cv2.BORDER_REPLICATE)
    path.write_bytes(cv2.imencode(".png", grey)[1].tobytes())


def parse_words(table: str, script: str, count: int) -> list[tuple[str, float]]:
    """Return the text and the confidence of ``count`` lines from the words that tesseract lists as TSV.

    The page of a word is the number of its line, from 1. The confidence of a line is the mean over its characters.

    >>> rows = ["level page_num word_num conf text", "5 2 1 91.5 თბილისი"]
    >>> parse_words("\\n".join(row.replace(" ", "\\t") for row in rows), "Georgian", 2)
    [('', 0.0), ('თბილისი', 0.915)]
    """
    words: list[list[tuple[str, float]]] = [[] for _ in range(count)]
    for row in csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        text, page = (row.get("text") or "").strip(), int(row["page_num"])
        if row["level"] == "5" and text and 1 <= page <= count:
            words[page - 1].append((text, float(row["conf"]) / 100))
    return [_joined(own, script) for own in words]


def _joined(words: Sequence[tuple[str, float]], script: str) -> tuple[str, float]:
    """Return the words of a line as one folded text with its confidence; ("", 0.0) for a line in another script."""
    text = ""
    for word, _ in words:
        is_next = script in UNSPACED_SCRIPTS and text and script_of(text[-1]) == script == script_of(word[0])
        text += word if is_next or not text else f" {word}"
    text = fold_writing(text)
    letters = [char for char in text if char.isalpha()]
    if not letters or sum(script_of(char) == script for char in letters) < LEAST_OF_SCRIPT * len(letters):
        return "", 0.0
    length = sum(len(word) for word, _ in words)
    return text, round(sum(len(word) * max(score, 0.0) for word, score in words) / length, 4)
