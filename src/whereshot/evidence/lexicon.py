"""The most frequent words of each language, and how to find a word in them, also where its accents were misread.

``data/words.parquet`` holds the words; ``scripts/build_languages.py`` makes it. Word frequencies come from wordfreq
(Speer 2022, CC BY-SA 4.0).
"""

from __future__ import annotations

import bisect
import functools
import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whereshot.evidence.known_languages import CODES, NUMBER
from whereshot.evidence.text_segments import Segment
from whereshot.evidence.writing import ARABIC_FORMS
from whereshot.foundation.package_data import read_table

LONGEST_WORD = 40
"""Longer words are not looked up."""
LONGEST_HAN_WORD = 4
"""Most characters of a Chinese word that is looked up."""
SHORTEST_LONGER_PART = 4
"""A word is only split into two words where the longer part has at least this many letters."""

ONE_LETTER_WORDS = {
    "a": "ca cs en es ga gl hr hu it pl pt ro sk sl sr",
    "à": "ca fr it pt",
    "e": "gl it pt",
    "é": "pt",
    "è": "it",
    "i": "ca cs cy da hr it no pl sk sr sv",
    "k": "cs sk",
    "o": "cs ca es gl hr it pl pt sk sl sr",
    "s": "cs hr sk sl sr",
    "u": "cs hr sk sr pl",
    "v": "cs sk sl",
    "w": "pl",
    "y": "cy es fr",
    "z": "cs pl sk sl",
    "å": "da no sv",
}
"""Words of one letter, each with the languages that have it. The word list does not contain them.

They are only used to recognise two words that were read without the space between them ("hundi" for "hund i").
"""
ONE_LETTER_LOG_FREQUENCY = -4.3
"""Natural log of the frequency that is assumed for each word of one letter."""

LEAST_WORDS = 2000
"""Least number of words in a full list. A shorter list has only common words, so a missing word means little."""

_UNMARKED = str.maketrans({**dict(zip("øłđðıŋħþ", "olddinht", strict=True)), "ß": "ss"})
_ACCENT = re.compile("[\u0300-\u036f\u0640\u064b-\u065f\u0670\u093c\u09bc\u0a3c]+")
_LATIN_OF_SERBIAN = {
    **dict(zip("абвгдђежзијклмнопрстћуфхцчш", "abvgdđežzijklmnoprstćufhcčš", strict=True)),
    "љ": "lj",
    "њ": "nj",
    "џ": "dž",
}
_SERBIAN = str.maketrans(_LATIN_OF_SERBIAN)


def fold(text: str) -> str:
    """Return a text in lower case without accents and strokes, as OCR often reads it.

    Arabic vowel signs and the dot of Indian letters are dropped; the forms of yeh, kaf and heh are one letter each.
    ``data/words.parquet`` is sorted by this spelling. ``writing.fold_writing`` keeps the accents of Latin letters.

    >>> fold("Çalışma Łódź Straße æøå")
    'calisma lodz strasse æoa'
    """
    plain = _ACCENT.sub("", unicodedata.normalize("NFD", text.lower())).translate(_UNMARKED)
    return plain.translate(ARABIC_FORMS)


class WordEntries(NamedTuple):
    """The entries of one word: each entry is the word in one language. All arrays have shape (k,)."""

    languages: NDArray[np.int64]
    """Number of the language."""
    log_frequency: NDArray[np.float64]
    """Natural log of the frequency of the word in the language."""
    difference: NDArray[np.int64]
    """How the listed word differs from the word that was read.

    0: not at all. 1: the accents are missing. 2: the accents differ. 3: the word that was read is two listed words.
    """


class Lexicon:
    """The most frequent words of each language. A word is found with and without its accents.

    The plain spelling of a word has no accents. The rows of the table are sorted by plain spelling, so all words with
    the same plain spelling form one run.
    """

    is_listed: NDArray[np.bool_]
    """Which languages (n,) have a full word list."""

    def __init__(self, table: pa.Table) -> None:
        """Take the table ``data/words.parquet``: columns plain, accented, languages and decibels."""
        table = table.combine_chunks()
        runs = pc.run_end_encode(table["plain"].chunk(0))
        self._plain = runs.values
        self._ends = np.append(np.asarray(runs.run_ends), 0)  # [-1] is then 0, where the first run starts
        self._accented = table["accented"].chunk(0)
        coded = table["languages"].chunk(0)
        self._group = np.asarray(coded.indices)
        self._groups = [np.array([NUMBER[code] for code in text.split()]) for text in coded.dictionary.to_pylist()]
        self._log_frequency = table["decibels"].to_numpy() * (math.log(10) / 10)
        words = np.zeros(len(CODES), np.int64)
        for group, count in zip(self._groups, np.bincount(self._group), strict=True):
            words[group] += count
        self.is_listed = words >= LEAST_WORDS

    def _run(self, plain: str) -> int:
        """Return the number of the run with a plain spelling, or -1."""
        run = bisect.bisect_left(range(len(self._plain)), plain, key=lambda number: self._plain[number].as_py())
        return run if run < len(self._plain) and self._plain[run].as_py() == plain else -1

    def between(self, first: str, last: str) -> Iterator[tuple[str, list[str]]]:
        """Yield each plain spelling from ``first`` to before ``last``, with the codes of the languages that list it."""
        runs = range(len(self._plain))
        start, stop = (
            bisect.bisect_left(runs, text, key=lambda number: self._plain[number].as_py()) for text in (first, last)
        )
        for run, plain in enumerate(self._plain[start:stop].to_pylist(), start):
            for row in range(self._ends[run - 1], self._ends[run]):
                yield plain, [CODES[number] for number in self._groups[self._group[row]]]

    def find(self, word: str) -> WordEntries | None:
        """Return the entries of a word in lower case, with any accents; None where no list has it."""
        plain, word = fold(word), word.replace("ß", "ss").translate(ARABIC_FORMS)  # the spelling of wordfreq
        run = self._run(plain)
        if run < 0:
            return None
        languages, log_frequency, difference = [], [], []
        for row in range(self._ends[run - 1], self._ends[run]):
            listed = (self._accented[row].as_py() or plain).translate(ARABIC_FORMS)
            group = self._groups[self._group[row]]
            languages.append(group)
            log_frequency += [self._log_frequency[row]] * len(group)
            difference += [0 if listed == word else 1 if plain == word else 2] * len(group)
        return WordEntries(np.concatenate(languages), np.array(log_frequency), np.array(difference))


@functools.cache
def lexicon() -> Lexicon:
    """Return the lexicon of the package. Its file is read once."""
    return Lexicon(read_table("evidence/data/words.parquet"))


def find_words(segment: Segment) -> Iterator[WordEntries | None]:
    """Yield the entries of each word of a segment, None for an unknown word.

    A run of Chinese characters is split into the longest known words. For an unknown word, its parts around apostrophes
    are looked up; a word without an apostrophe is looked up as two words that were read as one.
    """
    script = segment.script
    for word in segment.words:
        if script == "Han":
            start = 0
            while start < len(word):
                stop = min(len(word), start + LONGEST_HAN_WORD)
                while stop > start + 1 and find_word(word[start:stop], script) is None:
                    stop -= 1
                yield find_word(word[start:stop], script)
                start = stop
        elif len(word) <= LONGEST_WORD:
            whole = find_word(word, script)
            parts = [] if whole else [part for part in re.split("['’]", word) if 1 < len(part) < len(word)]
            yield from [find_word(part, script) for part in parts] if parts else [whole or find_two_words(word, script)]


@functools.lru_cache(8192)
def find_word(word: str, script: str) -> WordEntries | None:
    """Return the entries of a word in lower case that is written in a script; None where no list has it.

    Cyrillic words are looked up in the Serbian list too, which is in Latin letters.
    """
    found = lexicon().find(word)
    if script != "Cyrillic":
        return found
    serbian = lexicon().find(word.translate(_SERBIAN))
    if serbian is None:
        return found
    is_serbian = serbian.languages == NUMBER["sr"]
    serbian = WordEntries(*(column[is_serbian] for column in serbian))
    if found is None:
        return serbian
    return WordEntries(*(np.concatenate(pair) for pair in zip(found, serbian, strict=True)))


@functools.lru_cache(8192)
def find_two_words(word: str, script: str) -> WordEntries | None:
    """Return the entries of a word as two words of one language: "hundi" for "hund i", or a compound.

    None where no split gives two words of one language. The frequency is the product of both frequencies.
    """
    best = np.full(len(CODES), -np.inf)
    for stop in range(1, len(word)):
        if max(stop, len(word) - stop) < SHORTEST_LONGER_PART:
            continue
        first, second = _find_part(word[:stop], script), _find_part(word[stop:], script)
        if first is not None and second is not None:
            pair = np.full((2, len(CODES)), -np.inf)
            for row, part in zip(pair, (first, second), strict=True):
                close = part.difference < 2
                np.maximum.at(row, part.languages[close], part.log_frequency[close])
            best = np.maximum(best, pair.sum(axis=0))
    languages = np.flatnonzero(np.isfinite(best))
    return WordEntries(languages, best[languages], np.full(len(languages), 3)) if len(languages) else None


def _find_part(text: str, script: str) -> WordEntries | None:
    if len(text) > 1:
        return find_word(text, script)
    languages = np.array([NUMBER[code] for code in ONE_LETTER_WORDS.get(text, "").split()], dtype=np.int64)
    frequency = np.full(len(languages), ONE_LETTER_LOG_FREQUENCY)
    return WordEntries(languages, frequency, np.zeros(len(languages), np.int64)) if len(languages) else None


def word_zipf(word: str, language: str) -> float:
    """Return how frequent a word is in a language, on the Zipf scale: log10 of its uses in a billion words.

    Returns 0 where the list of the language lacks the word, and for an unknown language code.
    """
    found = lexicon().find(word.lower()) if language in NUMBER else None
    if found is None:
        return 0.0
    own = (found.languages == NUMBER[language]) & (found.difference < 2)
    return float(found.log_frequency[own].max() / math.log(10) + 9) if own.any() else 0.0


def frequencies(word: str) -> dict[str, float]:
    """Return how frequent a word is, on the Zipf scale, by the code of each language that lists it."""
    found = lexicon().find(word.lower())
    if found is None:
        return {}
    exact = found.difference < 2
    zipf = found.log_frequency[exact] / math.log(10) + 9
    return {CODES[number]: float(value) for number, value in zip(found.languages[exact], zipf, strict=True)}


def frequent_in_one_language(words: Sequence[str], least_zipf: float) -> bool:
    """Return whether one language has all words in lower case, each at least that frequent on the Zipf scale.

    >>> frequent_in_one_language(["happy", "day"], 4), frequent_in_one_language(["happy", "jour"], 4)
    (True, False)
    """
    common: set[int] | None = None
    for word in words:
        found = lexicon().find(word)
        if found is None:
            return False
        kept = (found.log_frequency / math.log(10) + 9 >= least_zipf) & (found.difference < 2)
        own = set(found.languages[kept].tolist())
        common = own if common is None else common & own
    return bool(common)
