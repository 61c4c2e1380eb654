"""Towns whose names are also ordinary words, or first names and surnames of people.

``data/ambiguous_names.parquet`` holds them for the whole gazetteer; ``scripts/build_ambiguous_names.py`` makes it from
dictionaries, lists of word frequencies and lists of people's names.
"""

from __future__ import annotations

import bisect
import functools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.earth.name_index import name_keys
from whereshot.earth.towns import gazetteer
from whereshot.evidence.country_languages import languages_of
from whereshot.evidence.lexicon import frequencies, frequent_in_one_language
from whereshot.foundation.package_data import read_table

RARE_SURNAME, SURNAME, FIRST_NAME = 1, 2, 3
"""How usual a name is as the name of a person; 0 for a name that no person has."""
LARGEST_NAMESAKE = {0: 0, RARE_SURNAME: 30_000, SURNAME: 300_000, FIRST_NAME: 1_200_000}
"""Inhabitants up to which a town is less known than the people of its name."""
LEAST_POPULATION = 500
"""Inhabitants of a town for which the gazetteer has fewer or none."""
FREQUENT_ZIPF, FREQUENT_POPULATION = 4.5, 50_000
"""A name of several words of at least this frequency (Zipf scale) is not a town below this population."""


class OtherMeanings(NamedTuple):
    """Other meanings of the name of a town."""

    word_zipf: float = 0.0
    """How frequent the word is, on the Zipf scale: log10 of its uses in a billion words. 0 where it is not a word."""
    person: int = 0
    """0, ``RARE_SURNAME``, ``SURNAME`` or ``FIRST_NAME``."""


def expected_zipf(population: float) -> float:
    """Return how frequent the name of a town is in texts, on the Zipf scale, by its inhabitants.

    >>> round(expected_zipf(1_000_000), 1)
    4.4
    """
    return math.log10(max(population, LEAST_POPULATION)) - 1.6


@functools.cache
def _table() -> tuple[list[str], list[int], list[int]]:
    table = read_table("evidence/data/ambiguous_names.parquet").to_pydict()
    return table["key"], table["word"], table["person"]


def other_meanings(name: str) -> OtherMeanings:
    """Return the other meanings of a town's name, with any case and accents; zeros for a name that is not listed.

    >>> other_meanings("Datteln").word_zipf > 2, other_meanings("Altafulla").word_zipf
    (True, 0.0)
    """
    keys, words, persons = _table()
    key = name_keys([name])[0]
    row = bisect.bisect_left(keys, key)
    if row == len(keys) or keys[row] != key:
        return OtherMeanings()
    return OtherMeanings(words[row] / 10, persons[row])


def is_foreign_word(text: str, towns: NDArray[np.int64]) -> bool:
    """Return whether a word is another name of towns, and as frequent as they are in a language of other countries.

    Such a word stands where its language is read: "Apotheke" is a Greek name of a town in Egypt, and "Mailand" is
    written where German is spoken. English names of towns stand on signs all over the world.
    """
    known, (key,) = gazetteer(), name_keys([text])
    if key in name_keys([known.name(int(town)) for town in towns]):
        return False
    least, listed = expected_zipf(int(known.populations[towns].max())), frequencies(text)
    own = languages_of(tuple(sorted(set(known.country_codes[towns].tolist())))) or frozenset()
    return own.isdisjoint(listed) and any(zipf >= least and code != "en" for code, zipf in listed.items())


def is_ordinary(text: str, towns: NDArray[np.int64]) -> bool:
    """Return whether a name is rather an ordinary word, in any language, than towns of their size."""
    if " " in text:
        is_small = int(gazetteer().populations[towns].max()) < FREQUENT_POPULATION
        return is_small and frequent_in_one_language(text.lower().split(), FREQUENT_ZIPF)
    return other_meanings(text).word_zipf > 0 or is_foreign_word(text, towns)


def is_person(text: str, towns: NDArray[np.int64]) -> bool:
    """Return whether a name is rather a person's than towns of their size."""
    return int(gazetteer().populations[towns].max()) < LARGEST_NAMESAKE[other_meanings(text).person]
