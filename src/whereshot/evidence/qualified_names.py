"""Names with their state, province or country: "London, Ontario", "PARIS TX", "Milano (MI)", "Naples / Florida".

The area decides which of the towns of a name is meant. It may stand after the name or before it, in the same line or
in the next.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whereshot.earth.divisions import NamedArea, find_areas
from whereshot.earth.name_index import name_keys
from whereshot.earth.towns import gazetteer
from whereshot.evidence.ambiguous_names import other_meanings
from whereshot.evidence.name_context import goes_on, is_direction, is_town_by_context, is_welcome
from whereshot.evidence.town_spans import (
    LONGEST_NAME,
    TownSpan,
    WrittenLine,
    is_ideographic,
    largest_towns,
    misread_towns,
    town_spans,
)

LONGEST_AREA = 4
"""Most words of the name of an area that is searched."""
LEAST_AREA_LETTERS = 4
"""Least letters of a name of an area that is not a code."""
LEAST_LETTERS = 3
"""Least letters of the name of a town beside an area."""
LEAST_BESIDE_CODE = 5
"""Least letters of the name of a town above the code of its area."""
LARGE_CITY = 500_000
"""Least inhabitants of a city that has its own line in a list of cities, so that it is not the area of other lines."""
_JOINED = re.compile(r"^\s*(?:[,(/|·–—-]\s*)?(?:(?:in|en|de|of|à|im|i)\s+)?$", re.IGNORECASE)
"""Matches text that may stand between a town and its area."""
_PARTED = re.compile(r"^\s*[,(/|·–—:-]\s*$")
"""Matches text that may stand between an area and a town after it."""
_CODE_ENDS = re.compile(r"^(?:\s*[)\].,]?\s*$|\s*[)\],]|\s+[\d(])")
"""Matches text that may stand after the code of an area: nothing, a bracket, a comma, a postcode."""
_CODE_JOINED = re.compile(r"^(?:\s*[,(/]\s*|\s+(?:[–—-]\s+)?)$")


@dataclass(frozen=True)
class AreaSpan:
    """Words ``first`` to before ``last`` of a line that name areas, likeliest first."""

    line: WrittenLine
    first: int
    last: int
    areas: tuple[NamedArea, ...]

    @property
    def is_code(self) -> bool:
        """Whether the words are a code or an abbreviation."""
        return self.areas[0].is_code

    @property
    def text(self) -> str:
        """The area as it was read."""
        return self.line.between(self.first, self.last)


@dataclass(frozen=True)
class Qualified:
    """A name of a town, and the area that says which of the towns is meant."""

    town: TownSpan
    area: AreaSpan

    @property
    def text(self) -> str:
        """Both names, in the order in which they stand."""
        pair = (
            ((self.town.line.number, self.town.first), self.town.text),
            (
                (self.area.line.number, self.area.first),
                self.area.text,
            ),
        )
        return ", ".join(text for _, text in sorted(pair))


def area_spans(line: WrittenLine) -> list[AreaSpan]:
    """Return the names of areas in a line, from the left, the longest at each place; they do not overlap."""
    found: list[AreaSpan] = []
    first = 0
    while first < len(line.words):
        step = 1
        for last in range(min(first + LONGEST_AREA, len(line.words)), first, -1):
            areas = _areas(line, first, last)
            if areas:
                found.append(AreaSpan(line, first, last, areas))
                step = last - first
                break
        first += step
    return found


def _areas(line: WrittenLine, first: int, last: int) -> tuple[NamedArea, ...]:
    text = line.between(first, last)
    if not (text[0].isupper() or not text.isascii()):
        return ()
    areas = _found_areas(text)
    letters = sum(char.isalpha() for char in text)
    named = tuple(area for area in areas if not area.is_code)
    if named and (letters >= LEAST_AREA_LETTERS or not text.isascii() or text.isupper()):
        return named
    # a code that is not in capitals is mostly an ordinary word ("Or", "me", "In")
    is_abbreviation = line.words[last - 1].group().isupper() or line.after(last).startswith(".")
    return tuple(area for area in areas if area.is_code) if is_abbreviation else ()


@functools.lru_cache(8192)
def _found_areas(text: str) -> tuple[NamedArea, ...]:
    return find_areas(text)


def qualified_names(lines: Sequence[WrittenLine]) -> Iterator[Qualified]:
    """Yield each name of a town that stands beside an area that has such a town."""
    areas = [area_spans(line) for line in lines]
    for number, own in enumerate(areas):
        for span in own:
            found = next(_towns_beside(lines, number, span), None)
            if found is not None:
                yield found


def _towns_beside(lines: Sequence[WrittenLine], number: int, span: AreaSpan) -> Iterator[Qualified]:
    """Yield the towns that an area qualifies, the likeliest first: before it, above it, after it, below it."""
    line = lines[number]
    if span.is_code and not _CODE_ENDS.match(line.after(span.last)):
        return
    yield from _ending_at(line, span.first, span)
    if number > 0 and span.first == 0:
        above = lines[number - 1]
        fills = span.last == len(line.words)
        if not span.is_code or (above.text.rstrip().endswith(",") and fills):
            yield from _ending_at(above, len(above.words), span)
        elif fills:
            named = _ending_at(above, len(above.words), span)
            yield from (pair for pair in named if _is_only_a_town(pair.town.text))
    if span.is_code:
        return
    yield from _starting_at(line, span.last, span)
    if number + 1 < len(lines) and span.last == len(line.words):
        yield from _starting_at(lines[number + 1], 0, span)


def _is_only_a_town(name: str) -> bool:
    """Return whether a name is long enough, and no ordinary word, to be a town beside a code in the next line."""
    return sum(map(str.isalpha, name)) >= LEAST_BESIDE_CODE and other_meanings(name).word_zipf == 0


def _ending_at(line: WrittenLine, last: int, area: AreaSpan) -> Iterator[Qualified]:
    """Yield the town whose name ends before a word of a line, where only a comma or the like follows it."""
    if last == 0:
        return
    if line is area.line:
        between = line.text[line.words[last - 1].end() : line.words[area.first].start()]
        if not (_CODE_JOINED if area.is_code else _JOINED).match(between):
            return
    elif not re.fullmatch(r"[\s,;.\d–-]*", line.after(last)):
        return
    for first in range(max(0, last - LONGEST_NAME), last):
        yield from _qualified(line, first, last, area)


def _starting_at(line: WrittenLine, first: int, area: AreaSpan) -> Iterator[Qualified]:
    """Yield the town whose name starts at a word of a line, where only a comma or the like stands before it."""
    if first >= len(line.words):
        return
    if line is area.line:
        between = line.text[line.words[first - 1].end() : line.words[first].start()]
        if not _PARTED.match(between):
            return
    elif area.first > 0 or line.before(first).strip(" \t-–•") or len(line.words) > LONGEST_NAME:
        return
    for last in range(min(len(line.words), first + LONGEST_NAME), first, -1):
        if line is area.line or last == len(line.words):
            yield from _qualified(line, first, last, area)


def _qualified(line: WrittenLine, first: int, last: int, area: AreaSpan) -> Iterator[Qualified]:
    text = line.between(first, last)
    if sum(char.isalpha() for char in text) < LEAST_LETTERS or not (text[0].isupper() or is_ideographic(text)):
        return
    towns, errors = gazetteer().named(text), 0
    inside = _inside(towns, area, name_keys([text])[0])
    is_list = line is not area.line and _names_large_city(text) and _names_large_city(area.text)
    if is_list and len(inside) and inside[0] != towns[0]:
        return  # large cities below each other: "PARIS / NEW YORK"
    if len(inside) == 0 and not area.is_code and not _found_areas(text):
        misread, errors = misread_towns(text)
        inside = _inside(misread, area)
    if len(inside):
        yield Qualified(TownSpan(line, first, last, largest_towns(inside), errors), area)


def _inside(towns: NDArray[np.int64], area: AreaSpan, key: str = "") -> NDArray[np.int64]:
    """Return the towns in the likeliest area that has any of them; an area in brackets may be a part of a division.

    Towns with this usual name come before towns that have it as another name: "Greenfield, Indiana".
    """
    is_bracketed = area.line.before(area.first).rstrip().endswith("(")
    order = sorted(area.areas, key=lambda one: one.is_part != is_bracketed) if area.is_code else area.areas
    found = next((towns[kept] for kept in (one.holds(towns) for one in order) if kept.any()), np.empty(0, np.int64))
    usual = found[[key == own for own in name_keys([gazetteer().name(town) for town in found])]]
    return usual if len(usual) else found


def _names_large_city(text: str) -> bool:
    populations = gazetteer().populations[gazetteer().named(text)]
    return bool(len(populations) and populations.max() >= LARGE_CITY)


Greeted = tuple[WrittenLine, AreaSpan, tuple[NamedArea, ...]]
"""The line that welcomes visitors, the name of an area in it or in the next line, and the areas that may be meant."""


def greeted_area(lines: Sequence[WrittenLine]) -> Greeted | None:
    """Return the area that a line welcomes visitors to, or names with its country; None for no such area.

    "Welcome to Ontario", "Province of Ontario", "Ontario, Canada". The area is not a part of a longer name.
    """
    for line in lines:
        spans = area_spans(line)
        for number, span in enumerate(spans):
            if span.is_code or span.areas[0].is_part or is_direction(span.text) or _is_in_longer_name(span):
                continue
            if any(is_welcome(line.before(word)) for word in range(span.first, span.last)):
                return line, span, span.areas[:1]
            after = spans[number + 1] if number + 1 < len(spans) else None
            if after is None or after.is_code or after.first != span.last:
                continue
            between = line.text[line.words[span.last - 1].end() : line.words[after.first].start()]
            for area in span.areas if _JOINED.match(between) else ():
                if any(area.division is not None and area.country_code == one.country_code for one in after.areas):
                    return line, span, (area,)
    return None


def _is_in_longer_name(span: AreaSpan) -> bool:
    """Return whether an area is a part of a longer name: "San José" in "San José de Chiquitos"."""
    longer = (
        town
        for town in town_spans(span.line)
        if town.first <= span.first and town.last >= span.last and town.last - town.first > span.last - span.first
    )
    return goes_on(span.line.after(span.last)) or next(longer, None) is not None


def area_below(lines: Sequence[WrittenLine]) -> Greeted | None:
    """Return the area that fills the line below a line that welcomes to a place.

    "Welcome to Paradise Cove / Manitoba": the area says where the place is, although no table has it. None where no
    line welcomes, or the next line is not an area, only a direction, or a large city too: "Stadt Köln / Berlin".
    """
    for line, below in itertools.pairwise(lines):
        if not any(
            word.group()[0].isupper() and is_town_by_context(line.before(number), "")
            for number, word in enumerate(line.words)
        ):
            continue
        for span in area_spans(below):
            areas = tuple(area for area in span.areas if not area.is_code and not area.is_part)
            is_whole = (span.first, span.last) == (0, len(below.words))
            if areas and is_whole and not is_direction(span.text) and not _names_large_city(span.text):
                return line, span, areas
    return None
