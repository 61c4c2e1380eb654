"""Split lines of text into segments: the distinct words of a line that are written in one script.

A script is a writing system, for example Latin or Cyrillic. Web addresses, numbers, single letters and words that are
the same in every language carry no information about the language, so they are left out.
"""

from __future__ import annotations

import bisect
import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.evidence.known_languages import LANGUAGES

BLOCKS = (
    (0x0041, "Latin"),
    (0x0250, ""),
    (0x0370, "Greek"),
    (0x0400, "Cyrillic"),
    (0x0530, "Armenian"),
    (0x0590, "Hebrew"),
    (0x0600, "Arabic"),
    (0x0700, ""),
    (0x0750, "Arabic"),
    (0x0780, "Thaana"),
    (0x07C0, ""),
    (0x0900, "Devanagari"),
    (0x0980, "Bengali"),
    (0x0A00, "Gurmukhi"),
    (0x0A80, "Gujarati"),
    (0x0B00, "Odia"),
    (0x0B80, "Tamil"),
    (0x0C00, "Telugu"),
    (0x0C80, "Kannada"),
    (0x0D00, "Malayalam"),
    (0x0D80, "Sinhala"),
    (0x0E00, "Thai"),
    (0x0E80, "Lao"),
    (0x0F00, "Tibetan"),
    (0x1000, "Myanmar"),
    (0x10A0, "Georgian"),
    (0x1100, "Hangul"),
    (0x1200, "Ethiopic"),
    (0x13A0, ""),
    (0x1780, "Khmer"),
    (0x1800, ""),
    (0x1E00, "Latin"),
    (0x1F00, "Greek"),
    (0x2000, ""),
    (0x3040, "Kana"),
    (0x3100, ""),
    (0x3130, "Hangul"),
    (0x3190, ""),
    (0x3400, "Han"),
    (0xA000, ""),
    (0xAC00, "Hangul"),
    (0xD7B0, ""),
    (0xF900, "Han"),
    (0xFB00, ""),
    (0x20000, "Han"),
    (0x323B0, ""),
)
"""Runs of Unicode blocks: the first code point of each run, and its script.

An empty script means that no known language uses these characters.
"""
_BLOCK_STARTS = [start for start, _ in BLOCKS]

USES_SCRIPT: dict[str, NDArray[np.bool_]] = {
    script: np.array([script in language.scripts for language in LANGUAGES.values()])
    for script in {script for _, script in BLOCKS} - {""}
}
"""Which languages (n,) are written in a script, by the name of the script."""

_SCRIPTS_WITH_MARKS = range(0x0300, 0x1940)
MARKS = (
    "".join(chr(code) for code in _SCRIPTS_WITH_MARKS if unicodedata.category(chr(code)) in ("Mn", "Mc"))
    + "\u200c\u200d"
)
"""Combining marks, such as vowel signs, and the joiners of letters, as the inside of a regular expression."""
_LETTER = rf"(?:[^\W\d_]|[{MARKS}])"
WORD = re.compile(rf"{_LETTER}+(?:['’]{_LETTER}+)*")
"""Matches a word: letters with their combining marks, and apostrophes between letters."""
HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
"""Matches a Chinese character."""
_NOT_LANGUAGE = re.compile(
    r"\S+@\S+|\bhttps?\S*|\bwww\S*|\b[\w-]+(?:\.[\w-]+)*\.[a-z]{2,4}\b(?:/\S*)?|\b\w*\d\w*\d\w*\b", re.IGNORECASE
)
"""Matches web and mail addresses, and words with at least two digits: number plates, numbers, sizes."""
_MISREAD_DIGIT = re.compile(r"(?<=[^\W\d_])[01](?=[^\W\d_])")
"""Matches a 0 or 1 between letters, which is usually a misread o or l."""

LONGEST_LINE = 2000
"""Most characters of a line; longer lines are cut, because no sign is longer."""
MOST_LINES = 200
"""Most lines of a text; the rest is left out."""

NATIVE_SCRIPTS = frozenset({script for _, script in BLOCKS} - {"", "Latin", "Han", "Kana", "Tibetan", "Thaana"})
"""Scripts in which names and words are compared with errors of reading allowed, and without regard to case."""
UNSPACED_SCRIPTS = frozenset({"Thai", "Lao", "Khmer", "Myanmar"})
"""The native scripts that are written without spaces between words."""

IDEOGRAPH_LETTERS = 3
"""The letters that a Chinese character counts for."""

_INTERNATIONAL = """
ok stop bar hotel hostel motel taxi exit restaurant pizza pizzeria kebab cafe café pub grill bus metro parking park
wifi wlan atm info tourist bank shop supermarket club disco sport sports fitness spa salon studio center centre
garage auto moto toilet toilets wc open cola coca pepsi fanta euro internet online mobile photo foto video tv vip
sushi burger bistro bbc cnn tel fax
"""
INTERNATIONAL = frozenset(_INTERNATIONAL.split())
"""Words that are the same on signs everywhere. They carry no information about the language and are left out."""


class Segment(NamedTuple):
    """The distinct words of one line in one script."""

    script: str
    words: tuple[str, ...]
    """In lower case, in the order of the line."""
    letters: int
    """Number of letters in all words."""


def script_of(char: str) -> str:
    """Return the script of a letter, or "" where no known language uses it.

    >>> [script_of(char) for char in "aЖ語"]
    ['Latin', 'Cyrillic', 'Han']
    """
    block = bisect.bisect_right(_BLOCK_STARTS, ord(char)) - 1
    return BLOCKS[block][1] if block >= 0 else ""


def script_of_word(letters: Sequence[str]) -> str:
    """Return the script of a word from its letters: Kana, Hangul or Han if any letter has it, else the most frequent.

    Returns "" for no letters.
    """
    scripts = [script_of(letter) for letter in letters]
    for script in ("Kana", "Hangul", "Han"):
        if script in scripts:
            return script
    return max(set(scripts), key=lambda script: (scripts.count(script), script), default="")


def native_script(text: str) -> str:
    """Return the native script of most letters of a text, "" where most letters are of another script.

    >>> native_script("ถนนสุขุมวิท Soi 11"), native_script("Sukhumvit ซอย")
    ('Thai', '')
    """
    if text.isascii():
        return ""
    scripts = [script_of(char) for char in text if char.isalpha()]
    best = max(set(scripts), key=lambda script: (scripts.count(script), script), default="")
    return best if best in NATIVE_SCRIPTS and 2 * scripts.count(best) > len(scripts) else ""


def split_line(line: str) -> list[Segment]:
    """Split a line into one segment per script, without addresses, numbers, single letters and international words."""
    text = unicodedata.normalize("NFKC", line[:LONGEST_LINE])
    text = _NOT_LANGUAGE.sub(" ", text)
    text = _MISREAD_DIGIT.sub(lambda match: "ol"[int(match.group())], text)
    words_by_script: dict[str, list[str]] = {}
    for match in WORD.finditer(text.lower()):
        word = match.group()
        letters = [char for char in word if char.isalpha()]
        script = script_of_word(letters)
        if word not in INTERNATIONAL and script and (len(letters) > 1 or script in ("Han", "Hangul")):
            words_by_script.setdefault(script, []).append(word)
    if "Kana" in words_by_script:  # Chinese characters beside kana are Japanese
        words_by_script["Kana"] += words_by_script.pop("Han", [])
    segments = []
    for script, words in words_by_script.items():
        distinct = tuple(dict.fromkeys(words))
        segments.append(Segment(script, distinct, sum(char.isalpha() for word in distinct for char in word)))
    return segments


def split_text(lines: Sequence[str]) -> list[Segment]:
    """Split a text into distinct segments; repeated lines count once. A single string is taken as one line."""
    lines = [lines] if isinstance(lines, str) else list(lines)
    distinct = dict.fromkeys(line.strip().lower() for line in lines[:MOST_LINES])
    return list(dict.fromkeys(segment for line in distinct for segment in split_line(line)))


def count_letters(lines: Sequence[str]) -> int:
    """Count the letters of a text that can help to recognise its language: the letters of all its segments.

    A Chinese character counts as ``IDEOGRAPH_LETTERS`` letters, because it tells as much as a syllable.

    >>> count_letters(["Åbningstider 10-17", "www.example.com", "A"]), count_letters(["医院"])
    (12, 6)
    """
    return sum(segment.letters * (IDEOGRAPH_LETTERS if segment.script == "Han" else 1) for segment in split_text(lines))
