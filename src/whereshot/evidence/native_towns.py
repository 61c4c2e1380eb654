"""Towns by their names in one native script, where the script is written: found in text that was read with errors.

Names come from the gazetteer. Kinds of places that are a part of many names ("city", "village", the 시 of Korean
cities) are left out too, and a kind beside a name says that a place is meant. ``data/native_places.toml`` holds them.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.earth.name_index import name_keys
from whereshot.earth.spelling_index import SpellingIndex, spelled
from whereshot.earth.towns import gazetteer
from whereshot.evidence.country_languages import share_of_script
from whereshot.evidence.text_segments import BLOCKS, UNSPACED_SCRIPTS
from whereshot.foundation.package_data import read_toml

LEAST_SHARE = 0.004
"""A script is written in a country if languages in it have this share of its public text."""
LEAST_LETTERS = 2
"""Least letters of the name of a town."""
NATS_A_LETTER, NATS_A_LETTER_OF = 2.1, {"Hangul": 1.4, "Arabic": 1.9, "Hebrew": 1.9}
"""Nats for a name from each letter that fits, in most scripts, and in those where a letter separates fewer names."""
NATS_AN_ERROR = 4.0
"""Nats against a name from each error, in a line that is read with ``TYPICAL_CONFIDENCE``."""
TYPICAL_CONFIDENCE = 0.9
FEWEST_ERRORS = 0.03
"""Share of letters that are wrong in lines that the reader is sure of. On drawn clean signs and streets that are read
with a confidence c, 1 - c + 0.01 of the letters are wrong, and never fewer than this."""
NATS_A_SPACE = 2.0
"""Nats against a misread name from each space that it has too many or too few."""
PEOPLE_POWER, MIDDLE_TOWN = 0.5, 3_000
"""The weight of a town grows with this power of its inhabitants; it is 1 for a town of the middle size."""
_SPACE = re.compile(r"[\s-]+")


class FoundTown(NamedTuple):
    """Towns that a text names: their numbers, the errors, where the name stands, and the nats that speak for it."""

    towns: NDArray[np.int64]
    errors: float
    start: int
    stop: int
    nats: float


class PlaceKinds(NamedTuple):
    """The keys of words for kinds of places in a script: those that stand before a name, and those after it."""

    before: frozenset[str]
    after: frozenset[str]


@functools.cache
def place_kinds(script: str) -> PlaceKinds:
    """Return the words for kinds of places in a script."""
    row = read_toml("evidence/data/native_places.toml").get(script, {})
    return PlaceKinds(*(frozenset(name_keys(row.get(side, "").split())) for side in ("before", "after")))


def without_kinds(key: str, script: str) -> Iterator[str]:
    """Yield a key, and the key without a kind of place that is written together with it.

    >>> list(without_kinds("수원시", "Hangul"))
    ['수원시', '수원']
    """
    yield key
    if script not in UNSPACED_SCRIPTS and script != "Hangul":
        return
    kinds = place_kinds(script)
    for kind in kinds.before:
        if key.startswith(kind) and len(key) - len(kind) >= LEAST_LETTERS:
            yield key[len(kind) :]
    for kind in kinds.after:
        if key.endswith(kind) and len(key) - len(kind) >= LEAST_LETTERS:
            yield key[: -len(kind)]


def nats_an_error(confidence: float) -> float:
    """Return the nats against a name from each error, by the confidence (0 to 1) with which its line is read.

    A reader that is sure of a line seldom makes errors in it.

    >>> round(nats_an_error(0.9), 2), round(nats_an_error(0.99), 2), round(nats_an_error(0.7), 2)
    (4.0, 5.3, 2.96)
    """
    expected, typical = (max(1.01 - c, FEWEST_ERRORS) for c in (confidence, TYPICAL_CONFIDENCE))
    return NATS_AN_ERROR - math.log(expected / typical)


def errors_allowed(letters: int, script: str) -> float:
    """Return how many letters of a name may be misread, by their number as ``spelled`` counts them."""
    steps = ((13, 3.0), (9, 2.0), (6, 1.0)) if script == "Hangul" else ((11, 3.0), (8, 2.0), (5, 1.0))
    return next((errors for least, errors in steps if letters >= least), 0.5 if letters >= 4 else 0.0)


class NativeTowns:
    """The towns of the world that are named in one script, where the script is written."""

    def __init__(self, script: str) -> None:
        """Collect the names in a script, for example "Thai"."""
        self.script = script
        known, codes = gazetteer(), countries_writing(script)
        by_key: dict[str, dict[int, None]] = {}
        spaces: dict[str, set[int]] = {}
        named = [
            (town, name)
            for town, name in known.names_matching(_letters_of(script))
            if known.country_codes[town] in codes
        ]
        for (town, name), key in zip(named, name_keys([name for _, name in named]), strict=True):
            for own in without_kinds(key, script):
                if len(own) >= LEAST_LETTERS:
                    by_key.setdefault(own, {})[town] = None
                    spaces.setdefault(own, set()).add(len(_SPACE.findall(name)))
        self._keys = list(by_key)
        self._spaces = list(spaces.values())
        self._towns = [np.array(list(towns), np.int64) for towns in by_key.values()]
        self._index = SpellingIndex(self._keys)
        self._log_names = math.log(max(2, len(self._keys)))

    def exact(self, key: str) -> FoundTown | None:
        """Return the towns of a key, with or without the kind of place in it; None for no town."""
        for own in without_kinds(key, self.script):
            rows = self._index.exact(own)
            if rows:
                return self._found(rows, 0.0, 0, len(spelled(key)), own)
        return None

    def misread(self, key: str, spaces: int = 0, confidence: float = TYPICAL_CONFIDENCE) -> FoundTown | None:
        """Return the towns whose name a key most likely is, read with errors; None where no name is near.

        ``spaces`` is the number of spaces in what was read, and ``confidence`` the reader's.
        """
        best: FoundTown | None = None
        for own in without_kinds(key, self.script):
            near = self._index.whole(own, errors_allowed(_telling_letters(own, self.script), self.script))
            for errors in sorted({each.errors for each in near})[:2]:
                rows = [each.row for each in near if each.errors == errors]
                found = self._found(rows, errors, 0, len(spelled(key)), own, confidence=confidence)
                if errors:
                    apart = min(abs(spaces - known) for row in rows for known in self._spaces[row])
                    found = found._replace(nats=found.nats - NATS_A_SPACE * apart)
                best = found if best is None or found.nats > best.nats else best
        return best

    def inside(self, text: str, confidence: float = TYPICAL_CONFIDENCE) -> list[FoundTown]:
        """Return the towns named in a text without spaces, the likeliest first; they do not overlap.

        The text is a key, read with a ``confidence``. Places are counted in it.
        """
        found = [
            self._found([each.row], each.errors, each.start, each.stop, self._keys[each.row], len(text), confidence)
            for each in self._index.inside(text, lambda letters: errors_allowed(letters, self.script))
            if len(self._keys[each.row]) > LEAST_LETTERS
        ]
        kept: list[FoundTown] = []
        for each in sorted(found, key=lambda one: -one.nats):
            if all(each.stop <= other.start or each.start >= other.stop for other in kept):
                kept.append(each)
        return kept

    def _found(
        self,
        rows: list[int],
        errors: float,
        start: int,
        stop: int,
        key: str,
        places: int = 1,
        confidence: float = TYPICAL_CONFIDENCE,
    ) -> FoundTown:
        towns = np.unique(np.concatenate([self._towns[row] for row in rows]))
        people = max(500.0, float(gazetteer().populations[towns].max()))
        letters = _telling_letters(key, self.script)
        nats = NATS_A_LETTER_OF.get(self.script, NATS_A_LETTER) * letters - nats_an_error(confidence) * errors
        nats += PEOPLE_POWER * math.log(people / MIDDLE_TOWN) - self._log_names - math.log(places)
        return FoundTown(towns, errors, start, stop, nats)


def _telling_letters(key: str, script: str) -> int:
    """Return the number of letters of a key that separate names, without the letters of the Arabic article."""
    return len(spelled(key)) - 2 * (script == "Arabic" and key.startswith("ال"))


@functools.cache
def native_towns(script: str) -> NativeTowns:
    """Return the towns that are named in a script; they are collected when they are first needed."""
    return NativeTowns(script)


@functools.cache
def countries_writing(script: str) -> frozenset[str]:
    """Return the codes of the countries whose public text is partly in a script."""
    return frozenset(code for code, share in share_of_script(script).items() if share >= LEAST_SHARE)


def _letters_of(script: str) -> str:
    """Return a regular expression of RE2 for a letter of a script."""
    stops = [start for start, _ in BLOCKS[1:]]
    runs = zip(BLOCKS, stops, strict=False)
    ranges = [rf"\x{{{start:x}}}-\x{{{stop - 1:x}}}" for (start, name), stop in runs if name == script]
    return f"[{''.join(ranges)}]"
