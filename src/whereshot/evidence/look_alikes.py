"""Turn Latin look-alikes back into the Greek or Cyrillic letters that stand there.

Recognisers write the A of "ΑΘΗΝΑ" as a Latin A: capitals of the three scripts look alike. A letter that only one script
has decides: "AΘHNA" is Greek, "CAДOBAЯ" is Cyrillic.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from whereshot.evidence.base import Line

GREEK = str.maketrans("ABEZHIKMNOPTYXaioukvxnptyw", "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαιουκνχηρτγω")
"""Latin letters and the Greek letters that look like them."""
CYRILLIC = str.maketrans("ABEKMHOPCTXYIJSaeopcxyijsk", "АВЕКМНОРСТХУІЈЅаеорсхуіјѕк")
"""Latin letters and the Cyrillic letters that look like them."""
TABLES = {"Greek": GREEK, "Cyrillic": CYRILLIC}
NOT_TELLING = {"Greek": "ιυνοκαικμΙΟΝΑΒΕΖΗΚΜΡΤΥΧ", "Cyrillic": "АВЕКМНОРСТХУІЈЅаеорсхуіјѕк"}
"""Letters that do not show a script: readers give them for Latin letters, and μ stands for "micro"."""
LEAST_CONFIDENCE = 0.8
"""Least confidence of the reader for a line of look-alikes to be turned."""
LEAST_TELLING = 1
"""Least number of telling letters of a script in a text for its look-alikes to be turned into the script."""
BLOCKS = {"Greek": "\u0370-\u03ff\u1f00-\u1fff", "Cyrillic": "\u0400-\u052f"}
"""The letters of each script, as the inside of a regular expression."""
DIGITS = str.maketrans("оОзЗοΟ", "003300")
"""Cyrillic and Greek letters, and the digits that look like them."""
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"(?<![^\W_])(?=[^\W\d_]*\d)[\dоОзЗοΟ]{2,}(?![^\W_])")
"""Matches a number of which some digits were read as letters: "7оо"."""
_TELLING = {script: re.compile(f"(?![{NOT_TELLING[script]}])[{block}]") for script, block in BLOCKS.items()}
_POSSIBLE = {
    script: re.compile(f"[{block}{re.escape(''.join(map(chr, TABLES[script])))}]+") for script, block in BLOCKS.items()
}


def fold_look_alikes(lines: Sequence[str]) -> list[str]:
    """Return the lines with look-alikes turned into the letters of the script that stands there.

    In a word with a telling letter all letters are turned, where each can be. In a text with such a word, other words
    in capitals of look-alikes alone are turned as well, unless the text has as many words that can only be Latin.

    >>> fold_look_alikes(["EEOΔOΣ", "KENTPO"])
    ['ΕΕΟΔΟΣ', 'ΚΕΝΤΡΟ']
    >>> fold_look_alikes(["WELCOME TO", "KENT"])
    ['WELCOME TO', 'KENT']
    """
    script = telling_script(lines)
    if script is None:
        return list(lines)
    words = [word for line in lines for word in _WORD.findall(line)]
    native = sum(_is_telling(word, script) for word in words)
    only_latin = sum(len(word) > 1 and not _can_be(word, script) for word in words)
    return [fold_line(line, script, every_word=native > only_latin) for line in lines]


def fold_numbers(text: str) -> str:
    """Return a text in which letters that stand among digits are the digits that they look like.

    >>> fold_numbers("Пермь 7оо, з5о"), fold_numbers("Зоо 5б")
    ('Пермь 700, 350', 'Зоо 5б')
    """
    return _NUMBER.sub(lambda match: match[0].translate(DIGITS), text)


def fold_lines(lines: Sequence[Line]) -> list[Line]:
    """Return the lines of one picture with look-alikes turned.

    Every word in capitals is turned in a line that looks Greek or Cyrillic as a whole, as ``line_scripts`` found. A
    line does not change if the reader is not sure of it, or if a word of it can only be Latin.
    """
    texts = fold_look_alikes([fold_numbers(line.text) for line in lines])
    return [replace(line, text=_folded(line, text)) for line, text in zip(lines, texts, strict=True)]


def _folded(line: Line, text: str) -> str:
    """Return the text of a line with its words in capitals turned where the line looks Greek or Cyrillic."""
    if line.script not in TABLES or line.confidence < LEAST_CONFIDENCE:
        return text
    is_latin = any(len(word) > 1 and not _can_be(word, line.script) for word in _WORD.findall(text))
    return text if is_latin else fold_line(text, line.script, every_word=True)


def telling_script(lines: Sequence[str]) -> str | None:
    """Return Greek or Cyrillic where a word has a letter of it that no Latin letter looks like, else None."""
    counts = {}
    for script, telling in _TELLING.items():
        likely = [line for line in lines if telling.search(line)]  # most texts have no telling letter, so this is fast
        counts[script] = sum(_is_telling(word, script) for line in likely for word in _WORD.findall(line))
    best = max(counts, key=lambda script: counts[script])
    return best if counts[best] >= LEAST_TELLING else None


def fold_line(line: str, script: str, *, every_word: bool) -> str:
    """Return a line with the words turned that have a telling letter, or every word in capitals that can be turned."""
    table = TABLES[script]

    def fold(match: re.Match[str]) -> str:
        word = match.group()
        is_native = _is_telling(word, script) or (every_word and word.isupper())
        return word.translate(table) if is_native and _can_be(word, script) else word

    return _WORD.sub(fold, line)


def _is_telling(word: str, script: str) -> bool:
    """Return whether a word of two letters or more has a telling letter, and can be of the script as a whole."""
    return len(word) > 1 and _TELLING[script].search(word) is not None and _can_be(word, script)


def _can_be(word: str, script: str) -> bool:
    """Return whether each letter is of the script or looks like a letter of it."""
    return _POSSIBLE[script].fullmatch(word) is not None
