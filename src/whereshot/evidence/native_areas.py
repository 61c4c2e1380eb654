"""Countries, states and provinces named in native scripts, in text that was read with errors."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

from whereshot.earth.divisions import NamedArea, find_areas
from whereshot.earth.name_index import name_keys
from whereshot.earth.spelling_index import SpellingIndex, spelled
from whereshot.evidence.base import Line
from whereshot.evidence.lexicon import lexicon
from whereshot.evidence.native_towns import countries_writing, errors_allowed
from whereshot.evidence.text_segments import MARKS, UNSPACED_SCRIPTS, native_script
from whereshot.foundation.package_data import read_table

LONGEST_NAME = 4
"""Most words of a name that is searched."""
LEAST_LETTERS = 4
"""Least letters of the name of an area."""
LEAST_LETTERS_MISREAD = 7
"""Least letters of the name of an area that is found with errors."""
_WORD = re.compile(rf"(?:[^\W\d_]|[{MARKS}])+")


class FoundArea(NamedTuple):
    """An area that is named in a line, as it was read."""

    text: str
    area: NamedArea


class _Areas(NamedTuple):
    """The areas of one script by the keys of their names, and the index of the keys."""

    areas: tuple[NamedArea, ...]
    spellings: SpellingIndex


@functools.cache
def _areas(script: str) -> _Areas:
    """Return the countries that write a script, and their divisions, by their names in it."""
    codes = countries_writing(script)
    names: dict[str, str] = {}
    for table in ("earth/data/country_names.parquet", "earth/data/regions.parquet"):
        columns = read_table(table, ["country_code", "names"]).to_pydict()
        for code, own in zip(columns["country_code"], columns["names"], strict=True):
            if code in codes:
                names.update({name: code for name in own if native_script(name) == script})
    found: dict[str, NamedArea] = {}
    for name, code in names.items():
        (key,), areas = name_keys([name]), find_areas(name, code)
        if len(spelled(key)) >= LEAST_LETTERS and areas and not areas[0].is_code and not areas[0].is_part:
            found.setdefault(key, areas[0])
    return _Areas(tuple(found.values()), SpellingIndex(list(found)))


def native_areas(line: Line) -> Iterator[FoundArea]:
    """Yield the countries, states and provinces that a line in a native script names, the longest first."""
    script = native_script(line.text)
    if not script:
        return
    if script in UNSPACED_SCRIPTS:
        yield from _unspaced_areas(line.text, script)
        return
    words = list(_WORD.finditer(line.text))
    keys = name_keys([word.group() for word in words])
    used = [False] * len(words)
    for length in range(min(LONGEST_NAME, len(words)), 0, -1):
        for first in range(len(words) - length + 1):
            span = slice(first, first + length)
            area = None if any(used[span]) else _area_of("".join(keys[span]), script)
            if area is not None:
                used[span] = [True] * length
                yield FoundArea(line.text[words[first].start() : words[first + length - 1].end()], area)


def _area_of(key: str, script: str) -> NamedArea | None:
    """Return the area of a key, also a misread one; None for a word of a language that is not exactly a name."""
    areas, index = _areas(script)
    rows = index.exact(key)
    if rows:
        return areas[rows[0]]
    letters = len(spelled(key))
    if letters < LEAST_LETTERS_MISREAD or lexicon().find(key) is not None:
        return None
    near = index.whole(key, errors_allowed(letters, script) - 1 + 0.5 * (letters < 2 * LEAST_LETTERS))
    return areas[near[0].row] if near else None


def _unspaced_areas(text: str, script: str) -> Iterator[FoundArea]:
    areas, index = _areas(script)
    pieces = name_keys(text)
    places = [place for place, piece in enumerate(pieces) for _ in piece]
    key = "".join(pieces)
    taken: list[tuple[int, int]] = []
    for found in sorted(
        index.inside(key, lambda letters: 0.5 * (letters >= LEAST_LETTERS_MISREAD)),
        key=lambda each: (each.errors, each.start - each.stop),
    ):
        if all(found.stop <= start or stop <= found.start for start, stop in taken):
            taken.append((found.start, found.stop))
            yield FoundArea(text[places[found.start] : places[found.stop - 1] + 1], areas[found.row])
