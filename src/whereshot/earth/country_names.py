"""Find countries by their names: English, native and foreign ones, official, usual and former ones, and ISO codes.

Names come from Unicode CLDR and ISO 3166 (``scripts/build_country_names.py``) and, where those have none, from
``data/usual_names.toml``.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from whereshot.earth.name_index import name_keys
from whereshot.foundation import package_data

INTEGRAL_PARTS = {"FR": ("GF", "GP", "MQ", "RE", "YT"), "NL": ("BQ",), "NO": ("SJ",)}
"""State -> its regions that have an ISO 3166 code of their own.

Positions there are named after the region. The state, as a claim or as an area, holds them too.
"""

_ARTICLE = re.compile(r"^\s*the\s+", re.IGNORECASE)
_TURNED = re.compile(r"\s*(?P<first>[^,(]+?)\s*(?:,\s*(?P<last>[^,()]+?)|\((?P<within>[^()]+)\))\s*")
"""A name that a list turned round: "Gambia, The", "Korea (South)"."""
_COUNTRY = re.compile(r"\s*\((?:the )?(?:country|nation|sovereign state)\)\s*$", re.IGNORECASE)


class CountryNames(NamedTuple):
    """The names of all 249 countries and territories of ISO 3166, and of Kosovo (XK)."""

    own: dict[str, tuple[str, ...]]
    """Key of a name -> codes: English names, codes, names in the country's own languages, usual and former names."""
    foreign: dict[str, tuple[str, ...]]
    """Key of a name -> codes: names in about 40 further languages."""


@functools.cache
def country_names() -> CountryNames:
    """Return the names of all countries; they are read once."""
    rows = package_data.read_table("earth/data/country_names.parquet").to_pylist()
    usual = usual_names()["countries"]
    own, foreign = [], []
    for row in rows:
        code = row["country_code"]
        own += [(code, name) for name in (code, row["country_code3"], *row["names"], *usual.get(code, ()))]
        foreign += [(code, name) for name in row["foreign_names"]]
    return CountryNames(_by_key(own), _by_key(foreign))


@functools.cache
def english_names() -> dict[str, str]:
    """Return ISO code -> English name, in the order of the codes."""
    table = package_data.read_table("earth/data/country_names.parquet", ["country_code", "name"])
    return dict(zip(table["country_code"].to_pylist(), table["name"].to_pylist(), strict=True))


def english_name(code: str) -> str:
    """Return the English name of a country by its ISO code; the code itself where it is unknown."""
    return english_names().get(code, code)


def usual_names() -> dict[str, dict[str, list[str]]]:
    """Return "countries", "regions" and "towns" -> ISO code, or name of a town -> names that tables have not."""
    return package_data.read_toml("earth/data/usual_names.toml")


@functools.cache
def usual_towns() -> dict[str, str]:
    """Return the key of an abbreviation of a town -> its name with its region and country."""
    return {key: name for name, short in usual_names()["towns"].items() for key in name_keys(short)}


def _by_key(named: list[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Return the key of each name -> its codes, from pairs of a code and a name."""
    found: dict[str, dict[str, None]] = {}
    for key, (code, _) in zip(name_keys([name for _, name in named]), named, strict=True):
        if key:
            found.setdefault(key, {})[code] = None
    return {key: tuple(codes) for key, codes in found.items()}


def find_codes(name: str) -> tuple[str, ...]:
    """Return the ISO codes of the countries that have a name or code, the likeliest first; () for no country.

    Case, accents, spaces, punctuation and an English article do not count: "U.S.", "the Netherlands". Names in
    English and in a country's own languages come before those in other languages. "Congo" has two codes.

    Lists also turn names round, "Korea, South", and add "(country)".

    >>> find_codes("Deutschland"), find_codes("DRC"), find_codes("Congo")
    (('DE',), ('CD',), ('CD', 'CG'))
    """
    known = country_names()
    for key in keys_of(name):
        found = known.own.get(key, ()) + (() if key in _codes() else known.foreign.get(key, ()))
        if found:
            return tuple(dict.fromkeys(found))
    return ()


def keys_of(name: str) -> tuple[str, ...]:
    """Return the keys under which a name may be listed: as it is, without an article, and turned round."""
    spelled = [name]
    turned = _TURNED.fullmatch(name)
    if turned is not None:
        spelled.append(f"{turned['last'] or turned['within']} {turned['first']}")
    spelled += [_ARTICLE.sub("", each) for each in spelled]
    return tuple(dict.fromkeys(name_keys([_COUNTRY.sub("", each) for each in spelled])))


def is_foreign_name(name: str) -> bool:
    """Return whether countries have a name in foreign languages alone: "Granada" is Grenada in Spanish."""
    known = country_names()
    return not any(key in known.own for key in keys_of(name))


def is_code(name: str) -> bool:
    """Return whether a name is an ISO 3166 code of a country, of two or three letters."""
    return name_keys([name])[0] in _codes()


@functools.cache
def _codes() -> frozenset[str]:
    table = package_data.read_table("earth/data/country_names.parquet", ["country_code", "country_code3"])
    return frozenset(code.casefold() for column in table.itercolumns() for code in column.to_pylist())


def spellings() -> list[str]:
    """Return every name of every country, English ones first: for suggestions."""
    rows = package_data.read_table("earth/data/country_names.parquet").to_pylist()
    usual = usual_names()["countries"]
    own = [name for row in rows for name in (row["name"], *row["names"], *usual.get(row["country_code"], ()))]
    return own + [name for row in rows for name in row["foreign_names"]]
