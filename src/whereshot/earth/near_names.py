"""Names of places that are spelled nearly like a text: what an error suggests."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import NamedTuple

from whereshot.earth import country_names, divisions, wide_regions
from whereshot.earth.name_index import name_keys
from whereshot.earth.towns import gazetteer

LEAST_LIKENESS = 0.7
"""Least similarity of names, as ``difflib`` measures it, for their errors to be counted."""

LETTERS_PER_ERROR = 4
"""A name of this number of letters may have one error, a name of twice as many two errors."""

CLOSEST = 8
"""Names whose errors are counted, of countries and of divisions."""


class _Near(NamedTuple):
    errors: int
    name: str


def near_name(text: str, with_towns: bool = False) -> str | None:
    """Return the name of a place that is spelled most like a text; None where none is near.

    Among names with equally few errors, countries come first, then wide regions, then first-order divisions, then
    (``with_towns``) the largest town. An error is a wrong, a missing or an additional letter, or two letters that
    changed places.

    >>> near_name("Germny"), near_name("Bayren"), near_name("Altafula", with_towns=True)
    ('Germany', 'Bayern', 'Altafulla, Catalonia')
    """
    (key,) = name_keys([text])
    listed = (country_names.spellings(), wide_regions.wide_region_names(), divisions.division_names())
    found = [_nearest(key, names) for names in listed]
    if with_towns:
        found.append(_nearest_town(text))
    near = [each for each in found if each is not None]
    return min(near, key=lambda each: each.errors).name if near else None


def hint(text: str, with_towns: bool = False) -> str:
    """Return "; did you mean 'Germany'?" for a text like "Germny", "" where no name is near."""
    found = near_name(text, with_towns)
    return "" if found is None else f"; did you mean {found!r}?"


def _nearest(key: str, names: Iterable[str]) -> _Near | None:
    spelled = [name for name in names if len(name) > 2]
    by_key = dict(zip(reversed(name_keys(spelled)), reversed(spelled), strict=True))
    close = difflib.get_close_matches(key, by_key, n=CLOSEST, cutoff=LEAST_LIKENESS)
    near = [_Near(_errors(key, other), by_key[other]) for other in close]
    near = [each for each in near if each.errors <= len(key) // LETTERS_PER_ERROR]
    return min(near, key=lambda each: each.errors) if near else None


def _nearest_town(text: str) -> _Near | None:
    towns = gazetteer()
    near = towns.similar(text)
    if not near:
        return None
    index, errors = near[0]
    return _Near(errors, f"{towns.name(index)}, {towns.regions[index] or towns.country_codes[index]}")


def _errors(first: str, second: str) -> int:
    """Return the number of errors between two keys: wrong, missing, additional and exchanged letters."""
    before: list[int] = []
    row = list(range(len(second) + 1))
    for i, letter in enumerate(first, start=1):
        before, last, row = row, before, [i]
        for j, other in enumerate(second, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == second[j - 2] and first[i - 2] == other:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
