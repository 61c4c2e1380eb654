"""Well-known regions that are neither one country nor one first-order division: continents, unions, Siberia, the USSR.

``data/wide_regions.toml`` has them as countries, divisions, and rough outlines; ``data/continents.toml`` and
``data/unions.toml`` have the countries of continents and unions of states.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from whereshot.earth import country_names
from whereshot.earth.divisions import find_areas
from whereshot.earth.name_index import name_keys
from whereshot.foundation import package_data

FORMER, DISPUTED = "former", "disputed"
"""The kinds of regions that a claim remarks on: a country of the past, and an area that several states claim."""


class WideRegion(NamedTuple):
    """A region of whole countries and of divisions of other countries, or the part of them inside an outline."""

    name: str
    names: tuple[str, ...]
    kind: str
    """``FORMER``, ``DISPUTED``, or "" for all others."""
    codes: tuple[str, ...]
    """ISO codes of the whole countries."""
    divisions: tuple[tuple[str, str], ...]
    """Country codes and names of the divisions of further countries."""
    outline: tuple[tuple[float, float], ...]
    """Corners as (latitude, longitude); () where countries and divisions alone are the region."""

    @property
    def all_codes(self) -> tuple[str, ...]:
        """The ISO codes of all countries that it lies in."""
        return tuple(dict.fromkeys((*self.codes, *(code for code, _ in self.divisions))))


def find_wide_region(text: str) -> WideRegion | None:
    """Return the region of a name; None for another name. "Normandy, France" is one, "Normandy, Missouri" is not.

    >>> find_wide_region("the Middle East").name, find_wide_region("USSR").kind
    ('Middle East', 'former')
    """
    name, _, land = (part.strip() for part in re.sub(r"\((.*)\)\s*$", r",\1", text).partition(","))
    found = next((_by_key()[key] for key in country_names.keys_of(name) if key in _by_key()), None)
    if found is None or not land:
        return found
    return found if any(area.country_code in found.all_codes for area in find_areas(land)) else None


def wide_region_names() -> Iterable[str]:
    """Return every name of every region, for suggestions."""
    return [name for region in _wide_regions() for name in (region.name, *region.names)]


@functools.cache
def _by_key() -> dict[str, WideRegion]:
    regions = _wide_regions()
    named = [(name, region) for region in reversed(regions) for name in (*region.names, region.name)]
    return dict(zip(name_keys([name for name, _ in named]), [region for _, region in named], strict=True))


@functools.cache
def _wide_regions() -> tuple[WideRegion, ...]:
    """Return all regions; the tables are read once."""
    tables = [package_data.read_toml(f"earth/data/{table}.toml") for table in ("wide_regions", "continents", "unions")]
    own, continents, unions = tables
    regions = [_region(name, entry, continents.get(name, "").split()) for name, entry in own.items()]
    for name, members in unions.items():
        codes = [part for code in members.split() for part in (code, *country_names.INTEGRAL_PARTS.get(code, ()))]
        initials = "".join(word[0] for word in name.split())
        regions.append(_region(name, {"names": [initials]}, codes))
    known = {region.name for region in regions}
    regions += [_region(name, {}, codes.split()) for name, codes in continents.items() if name not in known]
    return tuple(regions)


def _region(name: str, entry: dict[str, Any], codes: list[str]) -> WideRegion:
    divisions = entry.get("divisions", {})
    return WideRegion(
        name,
        tuple(entry.get("names", ())),
        entry.get("kind", ""),
        (*codes, *entry.get("countries", "").split()),
        tuple((code, division) for code, names in divisions.items() for division in names),
        tuple((float(latitude), float(longitude)) for latitude, longitude in entry.get("outline", ())),
    )
