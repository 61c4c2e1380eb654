"""Web and mail addresses in lines of text: their hosts, the countries of their domains, and the names in them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

from whereshot.earth.countries import countries
from whereshot.evidence.text_segments import MARKS
from whereshot.evidence.writing import fold_writing
from whereshot.foundation.package_data import read_toml

_DOMAIN = re.compile(
    r"(?<![\w.-])(?P<certain>(?:https?:/{1,2}|[\w.+-]+@)?(?:w{1,3}\.)?)"
    r"(?P<host>(?:[^\W_](?:[\w-]*[^\W_])?\.)+(?P<ending>[a-z]{2,10}))(?![\w@-])(?P<path>/\S*)?",
    re.IGNORECASE,
)
_NATIVE_HOST = re.compile(rf"(?<![\w.-])((?:(?:[\w-]|[{MARKS}])+\.)+)((?:[^\W\d_]|[{MARKS}])+)(?![\w@-])")
"""Matches a possible host in native writing: names, the last without digits."""
_BARE_SHARE = 0.5
"""Least share of the line that a web address without "www" must fill. In a sentence, "end.Then" lacks a space."""
_BARE_LETTERS = 3
"""Least number of letters in the name of a web address without "www"."""
_TYPICAL_SECOND_LEVEL = frozenset(["co", "gov", "gob", "gouv", "ac", "org", "com", "net", "edu", "go", "or", "ne"])


@functools.cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = read_toml("evidence/data/cues.toml")["domains"]
    return table


def addresses(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each web or mail address as it is written, with the labels of its host in lower case.

    Text without "www", "http" or "@" can look like an address where a space is missing between two sentences. It is
    kept only where its form makes an address likely.
    """
    for match in _DOMAIN.finditer(text):
        host = match.group("host")
        labels = host.lower().split(".")
        if len(labels[-2]) < 2 or not re.search(r"[^\W\d_]", labels[-2]):
            continue
        ending = match.group("ending")
        has_second_level = len(labels) > 2 and labels[-2] in _TYPICAL_SECOND_LEVEL
        name = labels[-3] if has_second_level else labels[-2]
        likely = (
            (ending.islower() or host.isupper())
            and sum(char.isalpha() for char in name) >= _BARE_LETTERS
            and name not in _table()["abbreviations"]
            and name not in _table()["files"]
            and (has_second_level or match.group("path") or len(match.group()) >= _BARE_SHARE * len(text.strip()))
        )
        if match.group("certain") or likely:
            yield match.group(), labels
    if not text.isascii():
        yield from _native_addresses(text)


def _native_addresses(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each web address under a domain in a country's own writing, such as .рф and .ไทย."""
    for match in _NATIVE_HOST.finditer(text):
        labels = [fold_writing(label) for label in match.group().split(".")]
        if labels[-1] in _table()["native"] and len(labels[-2]) >= _BARE_LETTERS:
            yield match.group(), labels


def country_of_domain(labels: list[str]) -> str | None:
    """Return the code of the country whose domain a host has; None for domains that the whole world uses.

    >>> [country_of_domain(labels) for labels in (["stockholm", "se"], ["почта", "рф"], ["vans", "com"])]
    ['SE', 'RU', None]
    """
    table, ending = _table(), labels[-1]
    if ".".join(labels[-2:]) in table["worldwide"]:
        return None
    has_second_level = len(labels) > 2 and labels[-2] in _TYPICAL_SECOND_LEVEL
    code: str = table["special"].get(ending, "") or table["native"].get(ending, "")
    if not code and len(ending) == 2 and (ending not in table["skip"] or has_second_level):
        code = ending.upper()
    return code if code in countries().by_code else None


def host_names(labels: list[str]) -> list[str]:
    """Return the names in a host, without "www" and the endings.

    >>> host_names(["www", "comune", "roma", "it"])
    ['comune', 'roma']
    """
    return [label for label in labels[:-1] if label not in _TYPICAL_SECOND_LEVEL and label not in ("www", "v")]


def host_words(text: str) -> list[str]:
    """Return the names in the web addresses of a text: "www.stockholm.se/park" gives ["stockholm"]."""
    return [name for _, labels in addresses(text) for name in host_names(labels)]
