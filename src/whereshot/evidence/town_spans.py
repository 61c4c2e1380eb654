"""Find runs of words in lines of text that are names of towns, with the towns and the words around each name."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whereshot.earth.towns import gazetteer
from whereshot.evidence.base import Proposal
from whereshot.evidence.worldwide_words import is_worldwide

MOST_TOWNS = 24
"""The largest number of towns of one name that are kept, the largest towns."""
LEAST_LETTERS = 4
"""A shorter name is taken for a town only in Chinese, Japanese or Korean writing."""
LEAST_LETTERS_MISREAD = 6
"""Least letters of a name that can be found although it was misread."""
LEAST_LETTERS_TWO_ERRORS = 12
"""A shorter name with two errors is short."""
MISREAD_POPULATION, MISREAD_POPULATION_SHORT = 5_000, 400_000
"""Least inhabitants of a town that is found by a misread name, and by a short name with two errors.

A misread word is always near the name of some hamlet.
"""
LONGEST_NAME = 5
"""Most words of a name that is searched."""
WORD = re.compile(r"[^\W\d_]+(?:['’.-][^\W\d_]+)*", re.UNICODE)
"""Matches one word of a name."""
_ELIDED = re.compile(r"\b([dlsn]|dell|nell|all|dall|sull)['’](?=[^\W\d_])", re.IGNORECASE)


@dataclass(frozen=True)
class WrittenLine:
    """The text of one line in which names are searched, its number among the lines, and its words."""

    number: int
    text: str
    words: tuple[re.Match[str], ...]
    is_capitals: bool

    @classmethod
    def of(cls, number: int, text: str) -> WrittenLine:
        """Return a line without elisions: "d'Altafulla" is the town after an article."""
        written = _ELIDED.sub(r"\1 ", text)
        return cls(number, written, tuple(WORD.finditer(written)), text.upper() == text)

    def between(self, first: int, last: int) -> str:
        """Return the text from word ``first`` to before word ``last``."""
        return self.text[self.words[first].start() : self.words[last - 1].end()] if last > first else ""

    def before(self, first: int) -> str:
        """Return the text before a word."""
        return self.text[: self.words[first].start()]

    def after(self, last: int) -> str:
        """Return the text after the word before ``last``."""
        return self.text[self.words[last - 1].end() :]


@dataclass(frozen=True)
class TownSpan:
    """Words ``first`` to before ``last`` of a line that are the name of towns."""

    line: WrittenLine
    first: int
    last: int
    towns: NDArray[np.int64]
    errors: int = 0

    @property
    def text(self) -> str:
        """The name as it was read."""
        return self.line.between(self.first, self.last)

    @property
    def before(self) -> str:
        """The text of the line before the name."""
        return self.line.before(self.first)

    @property
    def after(self) -> str:
        """The text of the line after the name."""
        return self.line.after(self.last)


def town_spans(line: WrittenLine) -> Iterator[TownSpan]:
    """Yield the names of towns in a line, the longest first; they do not overlap. Misread names are left out."""
    count = len(line.words)
    used = np.zeros(count, dtype=bool)
    for length in range(min(LONGEST_NAME, count), 0, -1):
        for first in range(count - length + 1):
            span = slice(first, first + length)
            if used[span].any() or not is_written_as_name(line, first, first + length):
                continue
            towns = largest_towns(gazetteer().named(line.between(first, first + length)))
            if len(towns):
                used[span] = True
                yield TownSpan(line, first, first + length, towns)


def is_written_as_name(line: WrittenLine, first: int, last: int) -> bool:
    """Return whether words are written like a name: with a capital, long enough, and not used all over the world."""
    text = line.between(first, last)
    if all(is_worldwide(word.group()) for word in line.words[first:last]):
        return False
    if sum(char.isalpha() for char in text) >= LEAST_LETTERS and (line.is_capitals or text[0].isupper()):
        return True
    return is_ideographic(text)


def is_ideographic(text: str) -> bool:
    """Return whether a text is at least two signs of Chinese, Japanese or Korean writing and nothing else."""
    return len(text) >= 2 and all("\u3040" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7af" for char in text)


@functools.lru_cache(4096)
def misread_towns(text: str) -> tuple[NDArray[np.int64], int]:
    """Return towns of a name that was misread and the number of wrong letters; none for a short name."""
    known, nothing = gazetteer(), np.empty(0, np.int64)
    letters = sum(char.isalpha() for char in text)
    if letters < LEAST_LETTERS_MISREAD or text.count(" ") > 3:
        return nothing, 0
    similar = known.similar(text)
    if not similar:
        return nothing, 0
    least = min(errors for _, errors in similar)
    near = np.array([index for index, errors in similar if errors == least], dtype=np.int64)
    is_short = least > 1 and letters < LEAST_LETTERS_TWO_ERRORS
    return near[known.populations[near] >= (MISREAD_POPULATION_SHORT if is_short else MISREAD_POPULATION)], least


def proposals_of(
    towns: NDArray[np.int64], weights: NDArray[np.float64], spread_km: NDArray[np.float64]
) -> tuple[Proposal, ...]:
    """Return a proposal for each town (n,), with its weight (n,), scaled to a sum of 1, and its spread in km (n,)."""
    known = gazetteer()
    return tuple(
        Proposal(
            name=known.name(int(town)),
            latitude=float(known.points[town, 0]),
            longitude=float(known.points[town, 1]),
            country_code=str(known.country_codes[town]),
            spread_km=float(spread),
            weight=float(share),
        )
        for town, share, spread in zip(towns, weights / weights.sum(), spread_km, strict=True)
    )


def largest_towns(towns: Sequence[int] | NDArray[np.int64] | NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the largest of towns, at most ``MOST_TOWNS``, the largest first."""
    rows = np.asarray(towns, np.int64)
    return rows[np.argsort(-gazetteer().populations[rows].astype(np.int64), kind="stable")[:MOST_TOWNS]]
