"""First-order divisions of countries (states, provinces, cantons): find them by name, abbreviation or ISO code.

Its divisions come from the gazetteer. A division lies where its towns are. Names in many languages come from Unicode
CLDR and iso-codes (``scripts/build_divisions.py``), usual abbreviations from ``data/usual_names.toml``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import country_names
from whereshot.earth.name_index import name_keys
from whereshot.earth.towns import gazetteer
from whereshot.foundation import package_data

_KIND_BEFORE = re.compile(
    r"^\s*(?:the|(?:free )?state of|commonwealth of|province of|prov\.?|provin[cz]ia?(?: autonoma)? (?:de|di)"
    r"|province (?:de|du)|prefecture of|republic of|respublika|region of|regione?(?: of| de| del| della)?|région|kt\.?"
    r"|kanton|canton(?:e)?(?: of| de| du| di)?|estado (?:de|do)|bundesland|land|freistaat|comunidad(?: autónoma)? de"
    r"|comunitat|oblast|dept\.?|département(?: de| du)?)\s+",
    re.IGNORECASE,
)
_KIND_AFTER = re.compile(
    r"(?:[\s,]+(?:state|province|prefecture|canton|region|oblast|krai|governorate|voivodeship|territory)"
    r"|(?<=\w\w)[都道府県省市州]|(?<=\w\w)자치[도시])\s*$",
    re.IGNORECASE,
)


CODES_IN_USE = ("AU", "BR", "CA", "CH", "IN", "IT", "US")
"""Countries where people write divisions by their codes.

If several divisions have the same code, the divisions of these countries come first.
"""


class NamedArea(NamedTuple):
    """A country or a first-order division, as a text names it."""

    name: str
    """The name in the gazetteer, which is English if it has an English name."""
    country_code: str
    division: int | None
    """Number of the division, as in ``place_names.region_index``; None for a whole country."""
    people: int
    """Inhabitants of its towns."""
    is_code: bool
    """Whether the text is a code or an abbreviation, such as "ON". It may be an ordinary word too."""
    is_part: bool
    """Whether the text names a part of the division, such as an Italian province. The division is then wider."""

    @property
    def country(self) -> str:
        """The country's English name."""
        return country_names.english_name(self.country_code)

    def towns(self) -> NDArray[np.int64]:
        """Return the numbers of the gazetteer's towns inside, the largest first."""
        own = gazetteer().in_country(self.country_code)
        return own if self.division is None else own[gazetteer().divisions[1][own] == self.division]

    def holds(self, towns: ArrayLike) -> NDArray[np.bool_]:
        """Return which towns (n,), by their numbers in the gazetteer, lie inside. France has the towns of Réunion."""
        rows = np.asarray(towns, np.int64)
        if self.division is not None:
            return np.asarray(gazetteer().divisions[1][rows] == self.division)
        codes = (self.country_code, *country_names.INTEGRAL_PARTS.get(self.country_code, ()))
        return np.isin(gazetteer().country_codes[rows].astype(str), codes)


def find_areas(text: str, country_code: str | None = None) -> tuple[NamedArea, ...]:
    """Return the countries and first-order divisions of a name, abbreviation or code, the likeliest first; () for none.

    Case, accents, brackets and dots do not count, nor does the kind: "Kt. ZH", "State of Texas". Names come before
    codes, countries before divisions, divisions before their parts, larger ones before smaller ones. Many names fit
    several areas: "MI" is Michigan or Lombardy (Milano); the caller chooses the area with the towns in question. With
    ``country_code``, only that country and its divisions count.

    >>> [(area.name, area.country_code) for area in find_areas("Bayern")]
    [('Bavaria', 'DE')]
    """
    shortened = _KIND_AFTER.sub("", _KIND_BEFORE.sub("", text))
    for spelled in dict.fromkeys((text, shortened)):
        (key,) = name_keys([spelled])
        found = [*_countries(spelled), *_by_key().get(key, ())]
        if country_code is not None:
            found = [area for area in found if area.country_code == country_code]
        if found:
            return tuple(sorted(found, key=_rank))
    return ()


def _rank(area: NamedArea) -> tuple[bool, bool, bool, bool, int]:
    is_unusual = area.is_code and area.country_code not in CODES_IN_USE
    return area.is_part, area.is_code, area.division is not None, is_unusual, -area.people


def find_divisions(text: str) -> tuple[NamedArea, ...]:
    """Return first-order divisions of a name, code or abbreviation, the likeliest first; "Punjab, India" has one.

    Parts of divisions do not count. Codes and abbreviations count where no division has the text as its name. Returns
    () for no division.
    """
    name, _, land = (part.strip() for part in text.partition(","))
    codes = country_names.find_codes(land) if land else (None,)
    found = [
        area for code in codes for area in find_areas(name, code) if area.division is not None and not area.is_part
    ]
    named = [area for area in found if not area.is_code]
    return tuple(sorted(named or found, key=_rank))


def division_names() -> Iterator[str]:
    """Yield every name of every division, for suggestions."""
    table = package_data.read_table("earth/data/regions.parquet", ["region", "names"])
    yield from table["region"].to_pylist()
    for names in table["names"].to_pylist():
        yield from names


def _countries(text: str) -> list[NamedArea]:
    code = country_names.is_code(text)
    return [
        NamedArea(country_names.english_names()[found], found, None, _people_of().get(found, 0), code, False)
        for found in country_names.find_codes(text)
    ]


@functools.cache
def _people_of_divisions() -> list[int]:
    """Return the inhabitants of the towns of each division, by its number."""
    pairs, of_town = gazetteer().divisions
    people: list[int] = np.bincount(of_town, gazetteer().populations, minlength=len(pairs)).astype(int).tolist()
    return people


@functools.cache
def _people_of() -> dict[str, int]:
    """Return country code -> inhabitants of its towns."""
    total: dict[str, int] = {}
    for (code, _), count in zip(gazetteer().divisions[0], _people_of_divisions(), strict=True):
        total[code] = total.get(code, 0) + count
    return total


@functools.cache
def _by_key() -> dict[str, tuple[NamedArea, ...]]:
    """Return the key of each name, abbreviation and code -> the divisions that it may mean."""
    people = _people_of_divisions()
    number_of = {pair: number for number, pair in enumerate(gazetteer().divisions[0])}
    usual = country_names.usual_names()["regions"]
    found: dict[tuple[str, int], NamedArea] = {}
    for table in ("regions", "region_parts"):
        is_part = table == "region_parts"
        for row in package_data.read_table(f"earth/data/{table}.parquet").to_pylist():
            land, region = row["country_code"], row["region"]
            number = number_of[land, region]
            short = row["part_code" if is_part else "region_code"]
            names = row["names"] if is_part else [region, *row["names"]]
            for key, is_code in _spellings(names, short, () if is_part else usual.get(f"{land}-{short}", ())):
                area = NamedArea(region, land, number, people[number], is_code, is_part)
                known = found.setdefault((key, number), area)
                if _rank(area) < _rank(known):
                    found[key, number] = area
    by_key: dict[str, list[NamedArea]] = {}
    for (key, _), area in found.items():
        by_key.setdefault(key, []).append(area)
    return {key: tuple(areas) for key, areas in by_key.items()}


def _spellings(names: list[str], short: str, usual: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Yield the keys of a division with whether each is a code or an abbreviation. Codes with digits do not count."""
    abbreviations = [name for name in usual if name.isupper() or name.endswith(".")]
    codes = [*abbreviations, *([short] if short.isalpha() else [])]
    plain = [*names, *(name for name in usual if name not in abbreviations)]
    for spelled, is_code in ((plain, False), (codes, True)):
        yield from ((key, is_code) for key in name_keys(spelled) if key)
