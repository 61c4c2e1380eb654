"""Words that are written the same everywhere, and lines that only name a large city: they do not show a language."""

from __future__ import annotations

import functools
import re

from whereshot.earth.towns import gazetteer
from whereshot.foundation.package_data import read_toml

BIG_CITY = 100_000
"""Inhabitants of a city whose name is known all over the world."""
_WORD = re.compile(r"[^\s,;:!?()\"/&+|]+")


@functools.cache
def worldwide_words() -> frozenset[str]:
    """Return the dishes, brands and words of signs in ``worldwide.toml``, in lower case."""
    return frozenset(word for words in read_toml("evidence/data/worldwide.toml").values() for word in words.split())


def is_worldwide(word: str) -> bool:
    """Return whether a word is written the same all over the world."""
    return word.strip(".'’-®™").casefold() in worldwide_words()


def without_worldwide(line: str) -> str:
    """Return a line without its worldwide words; "" where the rest is only the name of a large city."""
    rest = " ".join(word for word in _WORD.findall(line) if not is_worldwide(word))
    if not rest:
        return ""
    known = gazetteer()
    towns = known.named(rest)
    return "" if len(towns) and known.populations[towns].max() >= BIG_CITY else rest
