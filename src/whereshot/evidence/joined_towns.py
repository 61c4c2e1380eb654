"""Names of towns that stand together: which support each other, and which are parts of a longer name or a person's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.earth.name_index import name_keys
from whereshot.earth.towns import gazetteer
from whereshot.evidence import name_context
from whereshot.evidence.ambiguous_names import is_ordinary, is_person
from whereshot.evidence.qualified_names import area_spans
from whereshot.evidence.town_spans import TownSpan, largest_towns, town_spans

AGREE_KM = 60.0
"""Km. Towns that are named together support each other if they are at most this far apart."""
LARGE_TOWN = 100_000
"""Least inhabitants of a town far away whose name is no part of the name before it."""
_ROAD = re.compile(r"\b(?:[A-Z]{1,2}[- ]?\d{1,4}|[IVX]{1,4}|km|mi|N|S|E|W|NE|NW|SE|SW|exit|[a-z])\b|\d")
"""Matches text that may stand beside the name of a town on a road sign: numbers of roads, distances, directions."""


def is_alone(span: TownSpan) -> bool:
    """Return whether a name stands in its line with nothing but numbers, signs, roads and other towns and areas."""
    rest = list(span.line.text)
    taken = [(own.first, own.last) for own in (*town_spans(span.line), span)]
    for first, last in (*taken, *((own.first, own.last) for own in area_spans(span.line))):
        start, stop = span.line.words[first].start(), span.line.words[last - 1].end()
        rest[start:stop] = " " * (stop - start)
    return not re.search(r"[^\W\d_]", _ROAD.sub(" ", "".join(rest)))


def _beside(span: TownSpan) -> Iterator[TownSpan]:
    """Yield the names of towns right before and right after a name, with nothing but spaces between."""
    words = span.line.words
    for other in town_spans(span.line):
        border = span.first if other.last == span.first else span.last
        if border not in (other.first, other.last) or other.first == span.first:
            continue
        if not span.line.text[words[border - 1].end() : words[border].start()].strip():
            yield other


def is_beside_foreign(span: TownSpan) -> bool:
    """Return whether the name of a town of another country stands beside it, as in a person's name: "Vienna Teng"."""
    codes = gazetteer().country_codes
    return any(not set(codes[span.towns]) & set(codes[other.towns]) for other in _beside(span))


def is_first_part(span: TownSpan) -> bool:
    """Return whether a name is the first part of a longer one: "York" in "York Landing".

    It is not where a town near by, or a large town of its country, follows: "Montreux Vevey".
    """
    after = [other for other in _beside(span) if other.first == span.last]
    return name_context.goes_on(span.after, is_by_town=any(_are_two_towns(span, other) for other in after))


def _are_two_towns(span: TownSpan, other: TownSpan) -> bool:
    """Return whether two names side by side are two towns, and the second is not a part of the first."""
    is_certain, known = _is_certain(other), gazetteer()
    if (is_certain or _is_certain(span)) and _near(span, other).any():
        return True
    large = other.towns[known.populations[other.towns] >= LARGE_TOWN]
    return is_certain and bool(np.isin(known.country_codes[large], known.country_codes[span.towns]).any())


def _is_certain(span: TownSpan) -> bool:
    return not (is_ordinary(span.text, span.towns) or is_person(span.text, span.towns))


def _near(span: TownSpan, other: TownSpan) -> NDArray[np.bool_]:
    """Return which towns of a name lie near towns of another name (n,)."""
    points = gazetteer().points
    near = sphere.distance_km(points[span.towns][:, None], points[other.towns]) <= AGREE_KM
    return np.asarray(near.any(axis=1))


class Agreement(NamedTuple):
    """The towns that a name means beside another name, and whether both are names of the same towns."""

    towns: NDArray[np.int64]
    is_same: bool


def agreeing(spans: Sequence[TownSpan]) -> dict[tuple[int, int], Agreement]:
    """Return the towns of names that support each other, by line and word of each such name.

    Two names support each other if they are names of the same town, as on signs in two languages, or if towns so called
    lie near each other; ``towns_together`` finds out which of them are meant. Both names stand alone in their lines,
    they differ, and at most one of them is an ordinary word or a person's name.
    """
    alone = [span for span in spans if span.errors == 0 and is_alone(span)]
    found: dict[tuple[int, int], Agreement] = {}
    certain = [_is_certain(span) for span in alone]
    keys = name_keys([span.text for span in alone])
    for number, span in enumerate(alone):
        for other, partner in enumerate(alone):
            if keys[number] == keys[other] or not (certain[number] or certain[other]):
                continue
            shared = np.intersect1d(span.towns, partner.towns)
            if len(shared):
                found[span.line.number, span.first] = Agreement(largest_towns(shared), True)
            elif _near(span, partner).any():
                found.setdefault((span.line.number, span.first), Agreement(span.towns, False))
    return found
