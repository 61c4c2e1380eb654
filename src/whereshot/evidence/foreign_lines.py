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
from whereshot.evidence.line_scripts import CLASSES, RARE_SCRIPTS, READABLE, LineScript
from whereshot.evidence.text_segments import script_of
from whereshot.evidence.writing import LONE_JAMO
from whereshot.foundation.errors import InputError, nearest_name

BUILTIN, TESSERACT = READERS = ("builtin", "tesseract")
"""Names of readers: only the recognisers in the package, or tesseract as well for the other scripts."""
LEAST_LIKELY = 0.05
"""Least probability of a script for a line to be read as that script."""
MOST_TRIED = 4
"""The most scripts as which a doubtful line is read."""
MOST_NOTHING = 0.5
"""A crop is not read if the probability that it has no writing is at least this."""
LEAST_CONFIDENCE, LEAST_SHORT_CONFIDENCE = 0.7, 0.85
"""Readings with a lower confidence of the reader are dropped; the second number is for readings of few letters."""
FEW_LETTERS = 3
"""At most this many letters are few. Parts of other scripts are often misread as so few letters."""
LEAST_WEIGHT, LEAST_RARE_WEIGHT, LEAST_SHORT_WEIGHT = 0.15, 0.25, 0.35
"""Readings with a lower product of confidence and probability of the script are dropped.

The second number is for rare scripts, the third for readings of few letters.
"""
LEAST_LETTERS = 2
"""Readings with fewer letters are dropped, except of ``WHOLE_WORDS``."""
WHOLE_WORDS = frozenset({"Hangul"})
"""Scripts in which one character can be a word. In these scripts two letters are not few."""
TWINS = {"Cyrillic": frozenset("авекмнорстухіјѕғһқұүӏ"), "Greek": frozenset("αβγεζηικμνορστυχω")}
"""Letters, in lower case, that look like Latin letters."""
MORE_TWINS: dict[str, frozenset[str]] = {"Cyrillic": frozenset("ьгһипш"), "Greek": frozenset()}
"""The same for lines that the reader of Latin is sure of: with small letters that look like Latin letters."""
LATIN_CONFIDENCE = 0.95
"""Confidence of the reader of Latin from which it is sure of a line."""
LEAST_AGAINST_LATIN = 0.85
"""A reading in a script of ``TWINS`` with a lower confidence is doubtful where the reader of Latin is sure."""
LEAST_TWIN, LEAST_TWIN_IN_COMPANY = 0.95, 0.7
"""A line of such letters alone is read as a script only if the script has at least this probability.

The second is for a picture in which another line shows the script."""
LEAST_TWIN_CONFIDENCE = 0.85
"""Without such another line, the confidence of the reading must be at least this too."""

EDGES = " -.,:;'\""
"""Signs that are dropped at both ends of a reading: mostly dirt and frames beside the line."""

Crops = Sequence[NDArray[np.uint8]]


class LineReader(NamedTuple):
    """A reader of lines in other scripts: the scripts, and a function.

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
    own = LineReader(line_readers.SCRIPTS_READ, line_readers.read_line_crops)
    if name == BUILTIN:
        return (own,)
    others = frozenset(tesseract.installed().data) - own.scripts
    return own, LineReader(others, tesseract.read_lines)


def read_foreign(
    crops: Crops,
    scripts: Sequence[LineScript],
    line_readers: Sequence[LineReader],
    known: Sequence[tuple[str, float]] | None = None,
) -> list[ForeignText | None]:
    """Return the best reading of each line by the readers, None for a line that none of them reads well enough.

    ``known`` is what RapidOCR reads on each line, and its confidence; ("", 0.0) where it reads nothing. A line is None
    as well where this known text is more likely right.
    """
    known = [("", 0.0)] * len(crops) if known is None else known
    taken = frozenset(script for reader in line_readers for script in reader.scripts)
    least = [line.share(READABLE - taken) * score for line, (_, score) in zip(scripts, known, strict=True)]
    best: dict[int, ForeignText] = {}
    for reader in line_readers:
        asked = [(row, script) for row, own in enumerate(scripts) for script in _tried(own, reader.scripts, least[row])]
        if not asked:
            continue
        found = reader.read([crops[row] for row, _ in asked], [script for _, script in asked])
        for (row, script), (text, confidence) in zip(asked, found, strict=True):
            probability = float(scripts[row].probabilities[CLASSES.index(script)])
            reading = ForeignText(text.strip(EDGES), confidence, script, probability)
            if _is_read(reading) and reading.weight > (best[row].weight if row in best else least[row]):
                best[row] = reading
    latin = {row for row, (text, score) in enumerate(known) if score >= LATIN_CONFIDENCE and _is_latin(text)}
    doubtful = {row for row, one in best.items() if _can_be_latin(one, is_latin=row in latin)}
    sure = {one.script for row, one in best.items() if row not in doubtful}
    for row in doubtful:
        one, in_company = best[row], best[row].script in sure
        least_share, least_confidence = (
            (LEAST_TWIN_IN_COMPANY, 0.0) if in_company else (LEAST_TWIN, LEAST_TWIN_CONFIDENCE)
        )
        if one.probability < least_share or one.confidence < least_confidence:
            del best[row]
    return [best.get(row) for row in range(len(crops))]


def _is_latin(text: str) -> bool:
    """Return whether a text has letters, and all of them are Latin."""
    letters = [char for char in text if char.isalpha()]
    return bool(letters) and all(script_of(char) == "Latin" for char in letters)


def _tried(line: LineScript, scripts: frozenset[str], least: float) -> list[str]:
    """Return the scripts to try on a line: the likeliest of these scripts, with a probability of at least ``least``."""
    if line.none >= MOST_NOTHING:
        return []
    likely = [(float(line.probabilities[CLASSES.index(script)]), script) for script in scripts]
    return [script for share, script in sorted(likely, reverse=True)[:MOST_TRIED] if share > max(LEAST_LIKELY, least)]


def _is_read(reading: ForeignText) -> bool:
    """Return whether a reading is good enough, and has enough letters of its script."""
    # marks count too, because many vowels are marks
    own = [char for char in reading.text if script_of(char) == reading.script]
    letters = sum(not LONE_JAMO.match(char) for char in own)
    least, few = (1, 1) if reading.script in WHOLE_WORDS else (LEAST_LETTERS, FEW_LETTERS)
    weight = LEAST_RARE_WEIGHT if reading.script in RARE_SCRIPTS else LEAST_WEIGHT
    confidence = LEAST_CONFIDENCE
    if letters <= few:
        confidence, weight = LEAST_SHORT_CONFIDENCE, LEAST_SHORT_WEIGHT
    return letters >= least and reading.confidence >= confidence and reading.weight >= weight


def _can_be_latin(reading: ForeignText, *, is_latin: bool) -> bool:
    """Return whether a line can be Latin: every letter has a Latin look-alike, or the reading is weak.

    If the reader of Latin is sure of the line (``is_latin``), more letters count as look-alikes.
    """
    if reading.script not in TWINS:
        return False
    twins = TWINS[reading.script]
    if is_latin:
        if reading.confidence < LEAST_AGAINST_LATIN:
            return True
        twins |= MORE_TWINS[reading.script]
    return all(char in twins for char in reading.text.lower() if char.isalpha())
