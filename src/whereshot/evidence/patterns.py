"""Find cues in lines of text by patterns: web domains, telephone numbers, currencies, postcodes and official words.

The patterns are in ``cues.toml``, the reliability of each kind in ``reliability.toml``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from whereshot.evidence.base import Box, Cue, Line
from whereshot.evidence.phone_forms import SERIAL, calling_codes, phone_cues
from whereshot.evidence.web_addresses import addresses, country_of_domain
from whereshot.foundation.package_data import read_toml

_DIALLING = re.compile(r"(?:(?<![\d+.,])\+ ?|(?<![\d.,:/+-])00(?=[1-9]))(?P<code>[1-9]\d{0,2})(?P<rest>[\d ()/.-]{6,})")
_NATIONAL_DIGITS = range(6, 13)
"""Least and most digits of a telephone number after its country code."""
_DATE = re.compile(r"\d{1,2}[./-]\d{1,2}[./-](?:19|20)?\d\d(?!\d)")
_AMOUNT = re.compile(r"[\d.,]")


@dataclass(frozen=True)
class Pattern:
    """A pattern of ``cues.toml``: what it matches, its meaning in words, and relative likelihoods by country code.

    It counts only in a picture in which every one of ``beside`` matches some line too.
    """

    kind: str
    expression: re.Pattern[str]
    means: str
    countries: dict[str, float]
    beside: tuple[re.Pattern[str], ...] = ()


@functools.cache
def _table() -> dict[str, Any]:
    return read_toml("evidence/data/cues.toml")


@functools.cache
def patterns() -> tuple[Pattern, ...]:
    """Return all patterns; groups of countries are replaced by their countries."""
    groups = _table()["groups"]
    return tuple(
        Pattern(
            row["kind"],
            re.compile(row["pattern"], re.IGNORECASE),
            row["means"],
            _by_country(row["countries"], groups),
            tuple(re.compile(other, re.IGNORECASE) for other in row.get("beside", ())),
        )
        for row in _table()["cue"]
    )


def _by_country(countries: dict[str, float], groups: dict[str, list[str]]) -> dict[str, float]:
    """Replace the names of groups by the codes of their countries; a country that occurs twice keeps its maximum."""
    result: dict[str, float] = {}
    for name, value in countries.items():
        for code in groups.get(name, [name]):
            result[code] = max(value, result.get(code, 0.0))
    return result


def pattern_cues(lines: Sequence[Line]) -> list[Cue]:
    """Return one cue for each meaning that is found. Repeats are not independent, so they count once."""
    found: dict[tuple[str, str], Cue] = {}
    possible = [
        pattern
        for pattern in patterns()
        if all(any(other.search(line.text) for line in lines) for other in pattern.beside)
    ]
    for line in lines:
        for pattern in possible:
            match = pattern.expression.search(line.text)
            if match:
                cue = Cue(
                    pattern.kind,
                    _quoted(line.text, match, pattern.kind),
                    pattern.means,
                    pattern.kind,
                    countries=pattern.countries,
                    box=line.box,
                )
                found.setdefault((pattern.kind, pattern.means), cue)
        for cue in (*_domain_cues(line.text, line.box), *_country_code_cues(line.text, line.box)):
            found.setdefault((cue.kind, cue.means), cue)
    with_phone = {cue.box for cue in found.values() if cue.kind == "text/phone"}
    return [*found.values(), *phone_cues([line for line in lines if line.box not in with_phone])]


def _quoted(text: str, match: re.Match[str], kind: str) -> str:
    """Return the matched text. A price is completed: "1,50 €" where the pattern matches "0 €"."""
    start, stop = match.span()
    if kind == "text/currency":
        while start > 0 and _AMOUNT.match(text[start - 1]):
            start -= 1
        while stop < len(text) and _AMOUNT.match(text[stop]):
            stop += 1
    return text[start:stop].strip(" .,")


def _domain_cues(text: str, box: Box) -> list[Cue]:
    cues = []
    for address, labels in addresses(text):
        code = country_of_domain(labels)
        if code is not None:
            means = f"a web address under .{labels[-1]}"
            cues.append(Cue("text/domain", address, means, "text/domain", countries={code: 1.0}, box=box))
    return cues


def _country_code_cues(text: str, box: Box) -> list[Cue]:
    """Return a cue for each telephone number with a country code, such as +45."""
    table = {**calling_codes(), **_table()["dialling"]}
    cues = []
    for match in _DIALLING.finditer(text):
        digits, rest = match.group("code"), match.group("rest")
        code = next((digits[:length] for length in (3, 2, 1) if digits[:length] in table), None)
        if code is not None and _is_national(digits[len(code) :] + rest) and not SERIAL.search(text[: match.start()]):
            means = f"a telephone number of country code +{code}"
            cues.append(Cue("text/phone", match.group().strip(), means, "text/phone", countries=table[code], box=box))
    return cues


def _is_national(rest: str) -> bool:
    """Return whether digits after a country code can be a telephone number: not a date or a large round number."""
    digits = [char for char in rest if char.isdigit()]
    round_number = re.fullmatch(r"\d{0,2}(?:[ .]000)+\D*", rest) is not None
    return len(digits) in _NATIONAL_DIGITS and not round_number and not _DATE.search(rest)
