"""Read lines in scripts that RapidOCR does not know, and decide which reading of a line counts.

A reader for such lines is a ``LineReader``. ``readers`` returns the readers that an option of the user names.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.evidence import line_readers, tesseract
from whereshot.evidence.line_scripts import CLASSES, LineScript
from whereshot.evidence.text_segments import script_of
from whereshot.foundation.errors import InputError, nearest_name

BUILTIN, TESSERACT = READERS = ("builtin", "tesseract")
"""What can read lines: the recognisers in the package alone, or tesseract as well for the other scripts."""
LEAST_LIKELY = 0.15
"""A line is read as a script if the script has at least this probability."""
MOST_TRIED = 2
"""The most scripts as which a doubtful line is read."""
MOST_NOTHING = 0.5
"""A crop is not read if it has no writing with at least this probability."""
LEAST_CONFIDENCE, LEAST_SHORT_CONFIDENCE = 0.7, 0.85
"""Readings with a lower confidence of the reader are dropped; the second is for few letters."""
FEW_LETTERS = 3
"""This many letters and fewer are few: scraps of other scripts are read as them."""
LEAST_WEIGHT, LEAST_RARE_WEIGHT = 0.3, 0.5
"""Readings with a lower product of confidence and probability of the script are dropped.

The second is for rare scripts."""
RARE_SCRIPTS = frozenset(
    {
        "Armenian", "Ethiopic", "Georgian", "Gujarati", "Gurmukhi", "Kannada", "Khmer", "Lao", "Malayalam", "Myanmar",
        "Odia", "Sinhala",
    }
)  # fmt: skip
"""Scripts that few photos show, so that most weak signs of them are mistakes."""
LEAST_LETTERS = 2
"""Readings with fewer letters are dropped, except of ``WHOLE_WORDS``."""
WHOLE_WORDS = frozenset({"Hangul"})
"""Scripts in which one character can be a word."""
TWINS = {"Cyrillic": frozenset("авекмнорстухіјѕ"), "Greek": frozenset("αβγεζηικμνορστυχω")}
"""Letters, in lower case, for which Latin letters are taken."""
LEAST_TWIN, LEAST_TWIN_IN_COMPANY = 0.95, 0.7
"""A line of such letters alone is read as a script only if the script has at least this probability.

The second is for a picture in which another line shows the script."""

Crops = Sequence[NDArray[np.uint8]]


class LineReader(NamedTuple):
    """What reads lines of other scripts: the scripts, and a function.

    The function takes crops of lines and the script of each. It returns the text and the confidence (0 to 1) of each.
    """

    scripts: frozenset[str]
    read: Callable[[Crops, Sequence[str]], list[tuple[str, float]]]


class ForeignText(NamedTuple):
    """A line that was read as a script: its text, the confidence of the reader, and the probability of the script."""

    text: str
    confidence: float
    script: str
    probability: float

    @property
    def weight(self) -> float:
        """The probability that the script is right and was read right."""
        return self.confidence * self.probability


def check_reader(name: str) -> None:
    """Check the name of a reader, and that it is installed. Raises InputError and MissingExtraError."""
    if name not in READERS:
        raise InputError(f"no reader {name!r}; {nearest_name(name, READERS)}")
    if name == TESSERACT:
        tesseract.installed()


@functools.cache
def readers(name: str = BUILTIN) -> tuple[LineReader, ...]:
    """Return the readers of a name of ``READERS``. No two of them read the same script.

    Raises InputError for another name, and MissingExtraError where tesseract is not installed.
    """
    check_reader(name)
    own = LineReader(line_readers.scripts_present(), line_readers.read_line_crops)
    if name == BUILTIN:
        return (own,)
    others = frozenset(tesseract.installed().data) - own.scripts
    return own, LineReader(others, tesseract.read_lines)


def read_foreign(
    crops: Crops, scripts: Sequence[LineScript], line_readers: Sequence[LineReader]
) -> list[ForeignText | None]:
    """Return the best reading of each line by the readers, None for a line that none of them reads well enough."""
    best: dict[int, ForeignText] = {}
    for reader in line_readers:
        asked = [(row, script) for row, own in enumerate(scripts) for script in _tried(own, reader.scripts)]
        if not asked:
            continue
        found = reader.read([crops[row] for row, _ in asked], [script for _, script in asked])
        for (row, script), (text, confidence) in zip(asked, found, strict=True):
            probability = float(scripts[row].probabilities[CLASSES.index(script)])
            reading = ForeignText(text.strip(), confidence, script, probability)
            if _is_read(reading) and (row not in best or reading.weight > best[row].weight):
                best[row] = reading
    least = (LEAST_TWIN, LEAST_TWIN_IN_COMPANY)
    sure = {one.script for one in best.values() if not _only_twins(one)}
    return [
        None if one is None or (_only_twins(one) and one.probability < least[one.script in sure]) else one
        for one in map(best.get, range(len(crops)))
    ]


def _tried(line: LineScript, known: frozenset[str]) -> list[str]:
    """Return the scripts as which a line is read: the likeliest of the known scripts."""
    if line.none >= MOST_NOTHING:
        return []
    likely = [(float(line.probabilities[CLASSES.index(script)]), script) for script in known]
    return [script for share, script in sorted(likely, reverse=True)[:MOST_TRIED] if share >= LEAST_LIKELY]


def _is_read(reading: ForeignText) -> bool:
    """Return whether a reading is good enough, and has enough letters of its script."""
    letters = sum(script_of(char) == reading.script for char in reading.text)  # with vowel signs
    least = 1 if reading.script in WHOLE_WORDS else LEAST_LETTERS
    confidence = LEAST_SHORT_CONFIDENCE if letters <= FEW_LETTERS else LEAST_CONFIDENCE
    weight = LEAST_RARE_WEIGHT if reading.script in RARE_SCRIPTS else LEAST_WEIGHT
    return letters >= least and reading.confidence >= confidence and reading.weight >= weight


def _only_twins(reading: ForeignText) -> bool:
    """Return whether every letter of a reading has a Latin look-alike, so that the line can be Latin."""
    twins = TWINS.get(reading.script, frozenset())
    return all(char in twins for char in reading.text.lower() if char.isalpha())
