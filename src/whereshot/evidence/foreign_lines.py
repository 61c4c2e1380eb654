"""Read lines in scripts that RapidOCR does not know, and decide which reading of a line counts.

A reader for such lines is a ``LineReader``. ``readers`` returns the readers that an option of the user names.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.evidence import line_readers, tesseract
from whereshot.evidence.line_scripts import CLASSES, KNOWN_CLASSES, RARE_SCRIPTS, LineScript
from whereshot.evidence.text_segments import script_of
from whereshot.evidence.writing import LONE_JAMO
from whereshot.foundation.errors import InputError, nearest_name

BUILTIN, TESSERACT = READERS = ("builtin", "tesseract")
"""Names of readers: only the recognisers in the package, or tesseract as well for the other scripts."""
LEAST_LIKELY = 0.01
"""Least probability of a script for a line to be read as that script."""
MOST_TRIED = 6
"""The most scripts as which a doubtful line is read."""
MOST_NOTHING = 0.8
"""A crop is not read if the probability that it has no writing is at least this."""
CONFIDENCE_WORTH = 6.0
"""Nats in favour of a script for a confidence of 1 of its reading; a reading of confidence 0 has none.

A reader that knows a line is sure of it. Readers of other scripts are not, so that their confidences tell scripts apart
that look alike. This value and the two below are near those that ``benchmarks/script_choice.py`` fits."""
KNOWN_OFFSET = -0.6
"""Nats in favour of RapidOCR, whose confidences are higher."""
NOTHING_CONFIDENCE = 0.4
"""Neither writing nor a script that is read counts as a reading of this confidence."""
LEAST_SHARE, LEAST_RARE_SHARE, LEAST_SHORT_SHARE = 0.7, 0.8, 0.85
"""Least share of all readings of a line for the likeliest one to count.

The second number is for rare scripts, the third for readings of few letters: parts of other scripts are often misread
as so few letters. ``benchmarks/script_choice.py`` shows what each share costs and avoids."""
LEAST_SHARE_IN_COMPANY = 0.5
"""The same where another line of the picture is read as the script."""
LEAST_CONFIDENCE, LEAST_CONFIDENCE_OF_TWINS = 0.6, 0.7
"""Readings with a lower confidence of the reader are dropped.

The second is for scripts with letters that look like Latin letters, where no other line shows the script: faint Latin
lines are much more frequent than faint lines in these scripts."""
FEW_LETTERS = 3
"""At most this many letters are few."""
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
"""A line of such letters alone is read as a script only if the script has at least this share.

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
    """A line that was read as a script: its text, the confidence of the reader, and its share of all readings."""

    text: str
    confidence: float
    script: str
    share: float


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
    found: list[list[ForeignText]] = [[] for _ in crops]
    for reader in line_readers:
        asked = [(row, script) for row, own in enumerate(scripts) for script in _tried(own, reader.scripts)]
        texts = reader.read([crops[row] for row, _ in asked], [script for _, script in asked]) if asked else []
        for (row, script), (text, confidence) in zip(asked, texts, strict=True):
            found[row].append(ForeignText(text.strip(EDGES), confidence, script, 0.0))
    taken = frozenset(script for reader in line_readers for script in reader.scripts)
    likeliest = [_likeliest(*line, taken) for line in zip(scripts, found, known, strict=True)]
    sure = {one.script for one in likeliest if one is not None and _is_read(one)}
    best = {
        row: one
        for row, one in enumerate(likeliest)
        if one is not None and _is_read(one, in_company=one.script in sure)
    }
    latin = {row for row, (text, score) in enumerate(known) if score >= LATIN_CONFIDENCE and _is_latin(text)}
    doubtful = {row for row, one in best.items() if _can_be_latin(one, is_latin=row in latin)}
    sure = {one.script for row, one in best.items() if row not in doubtful}
    for row in doubtful:
        one, in_company = best[row], best[row].script in sure
        least_share, least_confidence = (
            (LEAST_TWIN_IN_COMPANY, 0.0) if in_company else (LEAST_TWIN, LEAST_TWIN_CONFIDENCE)
        )
        if one.share < least_share or one.confidence < least_confidence:
            del best[row]
    return [best.get(row) for row in range(len(crops))]


def _is_latin(text: str) -> bool:
    """Return whether a text has letters, and all of them are Latin."""
    letters = [char for char in text if char.isalpha()]
    return bool(letters) and all(script_of(char) == "Latin" for char in letters)


def _tried(line: LineScript, scripts: frozenset[str]) -> list[str]:
    """Return the scripts to try on a line: the likeliest of these scripts."""
    if line.none >= MOST_NOTHING:
        return []
    likely = [(line.share({script}), script) for script in scripts]
    return [script for share, script in sorted(likely, reverse=True)[:MOST_TRIED] if share >= LEAST_LIKELY]


def _likeliest(
    line: LineScript, readings: Sequence[ForeignText], known: tuple[str, float], taken: frozenset[str]
) -> ForeignText | None:
    """Return the likeliest reading with its share, None where the known text or no reading at all is likelier.

    ``taken`` are the scripts that the readers read. The share of a script is its probability times what the confidence
    of its reading is worth, among all readings, the known text, and that there is nothing to read.
    """
    text, score = known
    others = line.share(frozenset(CLASSES) - KNOWN_CLASSES - taken)
    against = others * math.exp(CONFIDENCE_WORTH * NOTHING_CONFIDENCE)
    if text.strip():
        against += line.share(KNOWN_CLASSES - taken) * math.exp(CONFIDENCE_WORTH * score + KNOWN_OFFSET)
    readings = [one for one in readings if one.text]
    if not readings:
        return None
    weights = [line.share({one.script}) * math.exp(CONFIDENCE_WORTH * one.confidence) for one in readings]
    best = int(np.argmax(weights))
    return readings[best]._replace(share=weights[best] / (sum(weights) + against))


def _is_read(reading: ForeignText, *, in_company: bool = False) -> bool:
    """Return whether a reading is likely enough, and has enough letters of its script.

    ``in_company`` says whether another line of the picture is read as this script.
    """
    # marks count too, because many vowels are marks
    own = [char for char in reading.text if script_of(char) == reading.script]
    letters = sum(not LONE_JAMO.match(char) for char in own)
    least, few = (1, 1) if reading.script in WHOLE_WORDS else (LEAST_LETTERS, FEW_LETTERS)
    share = LEAST_RARE_SHARE if reading.script in RARE_SCRIPTS else LEAST_SHARE
    confidence = LEAST_CONFIDENCE_OF_TWINS if reading.script in TWINS else LEAST_CONFIDENCE
    if in_company:
        share, confidence = LEAST_SHARE_IN_COMPANY, LEAST_CONFIDENCE
    elif letters <= few:
        share = LEAST_SHORT_SHARE
    return letters >= least and reading.share >= share and reading.confidence >= confidence


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
