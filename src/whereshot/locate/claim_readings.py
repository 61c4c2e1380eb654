"""Which place a claimed name means, and what else it may mean.

* A country comes first, but not where the name is a foreign one of a country and a large town has it too: Granada.
* Then come wide regions, of continents to counties, and first-order divisions.
* A town is meant before a division of its name where it is large and the division is named after it, or has fewer
  inhabitants. A hamlet never is.
* "(country)", "(state)" and "(city)" after a name say which of them is meant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from whereshot.earth import coordinates, country_names, near_names
from whereshot.earth.countries import Country, countries
from whereshot.earth.divisions import CODES_IN_USE, NamedArea, find_divisions
from whereshot.earth.name_index import name_keys
from whereshot.earth.named_towns import Town, find_place
from whereshot.earth.towns import gazetteer
from whereshot.earth.wide_regions import DISPUTED, FORMER, WideRegion, find_wide_region
from whereshot.foundation.errors import InputError

MOST_OTHERS = 2
"""Other places of a name that a remark names; it counts the rest."""
TOWN_BEFORE_REGION = 100_000
"""Inhabitants from which a name may mean a town and not a region of the same name."""
REMARKED_TOWN = 50_000
"""Inhabitants from which a town is named in a remark on a region of the same name."""

_KIND = re.compile(
    r"\s*\((?:the )?(?:(?P<land>[^()]*?)\s+)?"
    r"(?:(?P<country>country|nation)|(?P<town>city|town|village)|(?P<division>state|province|region|territory|canton|"
    r"department|county))\)\s*$",
    re.IGNORECASE,
)
_COUNTRY, _DIVISION, _TOWN = "country", "division", "town"


class ReadName(NamedTuple):
    """What a claimed name means: one of a country, a wide region, a division, and the position of a town."""

    name: str
    """The name of the place, with a remark on what else the text may mean."""
    country: Country | None = None
    wide: WideRegion | None = None
    division: NamedArea | None = None
    spot: tuple[float, float] | None = None


def read_name(text: str) -> ReadName:
    """Return what a name means. Raises InputError where nothing is called so."""
    coordinates.refuse_unread(text)
    plain, kind = _without_kind(text)
    (key,) = name_keys([plain])
    plain = country_names.usual_towns().get(key, plain)
    lands = [countries().by_code[code] for code in country_names.find_codes(plain)] if kind in ("", _COUNTRY) else []
    divisions = find_divisions(plain) if kind != _TOWN else ()
    wide = find_wide_region(plain) if kind in ("", _DIVISION) and (not lands or _is_foreign(plain)) else None
    if lands and not (_is_foreign(plain) and (wide or _is_town_elsewhere(plain, lands[0]))):
        return _read_country(plain, lands, () if kind == _COUNTRY else divisions)
    if wide is not None:
        others = [] if "," in text else _division_names(divisions, wide) + _town_names(plain, wide.all_codes)
        return ReadName(_wide_name(wide) + _not_meant(others), wide=wide)
    towns = find_place(plain) if kind in ("", _TOWN) else []
    meant = _town_before(plain, towns, divisions)
    if divisions and meant is None:
        first = divisions[0]
        others = _division_names(divisions[1:])
        if not first.is_code and "," not in text:
            others += _town_names(plain, (first.country_code,))
        return ReadName(f"{first.name}, {first.country}{_not_meant(others)}", division=first)
    if not towns:
        hint = near_names.hint(plain, with_towns=True) or "; give a town, a region, a country, or LAT,LON"
        raise InputError(f"no place {text!r} is known{hint}")
    town = meant or towns[0]
    return ReadName(_town_name(town) + _among(town, towns), spot=(town.latitude, town.longitude))


def other_meanings(text: str) -> str:
    """Return which divisions and towns have the name or code of an area too: "Louisiana, United States"; else ""."""
    try:
        name = read_name(text).name
    except InputError:
        return ""
    return name.partition(" (also ")[2].removesuffix(")")


def _without_kind(text: str) -> tuple[str, str]:
    """Return a name without a kind in brackets, and the kind: "Georgia (US state)" is "Georgia, US", a division."""
    found = _KIND.search(text)
    if found is None or name_keys([text])[0] in country_names.country_names().own:  # Vatican City State
        return text, ""
    kind = next(kind for kind in (_COUNTRY, _DIVISION, _TOWN) if found[kind])
    land = f", {found['land']}" if found["land"] else ""
    return text[: found.start()] + land, kind


def _is_foreign(text: str) -> bool:
    return country_names.is_foreign_name(text)


def _is_town_elsewhere(text: str, land: Country) -> bool:
    """Return whether a large town outside of a country has the name too."""
    towns = gazetteer()
    same = towns.named(text)[:1]
    return bool(
        (towns.populations[same] >= TOWN_BEFORE_REGION).any() and str(towns.country_codes[same][0]) != land.code
    )


def _read_country(text: str, lands: Sequence[Country], divisions: Sequence[NamedArea]) -> ReadName:
    if not country_names.is_code(text):
        divisions = tuple(division for division in divisions if not division.is_code)
    others = [land.name for land in lands[1:]] + _division_names(
        [one for one in divisions if one.country_code != lands[0].code]
    )
    return ReadName(lands[0].name + _not_meant(others), country=lands[0])


def _wide_name(wide: WideRegion) -> str:
    """Return the name of a wide region with its country, and what a former or disputed area is today."""
    known = countries()
    codes = list(dict.fromkeys(wide.all_codes))
    if wide.kind == FORMER:
        lands = ", ".join(sorted(known.by_code[code].name for code in codes))
        part = "" if wide.codes and not wide.outline else "a part of "
        return f"{wide.name} (today {part}{lands})"
    if wide.kind == DISPUTED and wide.outline:
        middle = np.mean(wide.outline, axis=0)
        codes = [str(known.codes[number]) for number in known.index_of(middle[None]) if number >= 0]
    name = f"{wide.name}, {known.by_code[codes[0]].name}" if len(codes) == 1 else wide.name
    return f"{name} (disputed)" if wide.kind == DISPUTED else name


def _town_before(text: str, towns: Sequence[Town], divisions: Sequence[NamedArea]) -> Town | None:
    """Return the town that is meant and not the first division of its name; None where the division is.

    A large town of the same country is meant: the division is named after it. So is a town with more inhabitants, and
    one whose name is also the code of a division, written in small letters without a dot. In "Zug, Switzerland" it is
    the town that the division round it is named after.
    """
    if not towns or not divisions:
        return None
    first = divisions[0]
    if first.is_code:
        return None if text == text.upper() or text.endswith(".") else towns[0]
    large = [town for town in towns if town.population >= TOWN_BEFORE_REGION]
    at_home = [town for town in large if town.country_code == first.country_code]
    if at_home:
        return at_home[0]
    if large and large[0].population > first.people:
        return large[0]
    return towns[0] if "," in text and first.holds([towns[0].index])[0] else None


def _division_names(divisions: Sequence[NamedArea], wide: WideRegion | None = None) -> list[str]:
    """Return names of divisions for a remark, without codes that hardly anybody uses and what is in ``wide``."""
    return [
        f"{division.name}, {division.country}"
        for division in divisions
        if not (division.is_code and division.country_code not in CODES_IN_USE)
        and not (wide is not None and division.country_code in wide.all_codes)
    ]


def _town_names(text: str, codes: Sequence[str]) -> list[str]:
    """Return names of fairly large towns of a name for a remark, without those in some countries."""
    return [
        _town_name(town)
        for town in find_place(text)
        if town.population >= REMARKED_TOWN and town.country_code not in codes
    ]


def _town_name(town: Town) -> str:
    return ", ".join(part for part in (town.name, town.region, town.country) if part)


def _not_meant(others: list[str]) -> str:
    """Return a remark on what else is called so: " (also Georgia, United States)"."""
    if not others:
        return ""
    more = f" and {len(others) - MOST_OTHERS} more" if len(others) > MOST_OTHERS else ""
    return f" (also {'; '.join(others[:MOST_OTHERS])}{more})"


def _among(town: Town, towns: Sequence[Town]) -> str:
    """Return a remark on other towns of a name."""
    if town != towns[0]:
        return f" (also {_town_name(towns[0])})"
    return f" (the largest of {len(towns)} places so called)" if len(towns) > 1 else ""
