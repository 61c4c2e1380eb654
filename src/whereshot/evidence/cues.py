"""Lines of text in, cues by pattern out: domains, telephone numbers, currencies, postcodes and words of public life.

The patterns are in ``cues.toml``, how far each kind can be trusted in ``reliability.toml``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from whereshot.evidence.base import Box, Cue, Line
from whereshot.places import countries
from whereshot.shipped import read_toml

_DOMAIN = re.compile(r"(?<![@\w])(?:[\w-]+\.)+([a-z]{2,10})\b(?:/\S*)?", re.IGNORECASE)
_DIALLING = re.compile(r"(?:\+|\b00) ?(\d{1,3})[ ()/.-]?(?=[\d ()/.-]{6,})")
_TYPICAL_SECOND_LEVEL = frozenset(["co", "gov", "gob", "gouv", "ac", "org", "com", "net", "edu", "go", "or", "ne"])


@dataclass(frozen=True)
class Pattern:
    """A pattern of ``cues.toml``: what it matches, and what that means."""

    kind: str
    expression: re.Pattern[str]
    means: str
    countries: dict[str, float]


@functools.cache
def _table() -> dict[str, Any]:
    return read_toml("evidence/cues.toml")


@functools.cache
def patterns() -> tuple[Pattern, ...]:
    """All patterns, country groups written out."""
    groups = _table()["groups"]
    return tuple(
        Pattern(
            row["kind"], re.compile(row["pattern"], re.IGNORECASE), row["means"], _spell_out(row["countries"], groups)
        )
        for row in _table()["cue"]
    )


def _spell_out(countries: dict[str, float], groups: dict[str, list[str]]) -> dict[str, float]:
    spelled: dict[str, float] = {}
    for name, value in countries.items():
        for code in groups.get(name, [name]):
            spelled[code] = max(value, spelled.get(code, 0.0))
    return spelled


def pattern_cues(lines: Sequence[Line]) -> list[Cue]:
    """One cue for every meaning found, however often: five mentions of a currency are no five witnesses."""
    found: dict[tuple[str, str], Cue] = {}
    for line in lines:
        for pattern in patterns():
            match = pattern.expression.search(line.text)
            if match:
                cue = Cue(
                    pattern.kind,
                    match.group().strip(),
                    pattern.means,
                    pattern.kind,
                    countries=pattern.countries,
                    box=line.box,
                )
                found.setdefault((pattern.kind, pattern.means), cue)
        for cue in (*_domains(line.text, line.box), *_diallings(line.text, line.box)):
            found.setdefault((cue.kind, cue.means), cue)
    return list(found.values())


def _domains(text: str, box: Box) -> list[Cue]:
    table = _table()["domains"]
    cues = []
    for match in _DOMAIN.finditer(text):
        ending = match.group(1).lower()
        labels = match.group().split("/")[0].lower().split(".")
        if len(labels[-2]) < 2 or not re.search("[a-z]", labels[-2]):
            continue
        governed = len(labels) > 2 and labels[-2] in _TYPICAL_SECOND_LEVEL
        if ending in table["special"]:
            code = table["special"][ending]
        elif len(ending) == 2 and (ending not in table["skip"] or governed):
            code = ending.upper()
        else:
            continue
        if code in countries().by_code:
            cues.append(
                Cue(
                    "text/domain",
                    match.group(),
                    f"a web address under .{ending}",
                    "text/domain",
                    countries={code: 1.0},
                    box=box,
                )
            )
    return cues


def _diallings(text: str, box: Box) -> list[Cue]:
    table = _table()["dialling"]
    cues = []
    for match in _DIALLING.finditer(text):
        digits = match.group(1)
        code = next((digits[:length] for length in (3, 2, 1) if digits[:length] in table), None)
        if code is not None:
            means = f"a telephone number of country code +{code}"
            cues.append(Cue("text/phone", match.group().strip(), means, "text/phone", countries=table[code], box=box))
    return cues


def host_words(text: str) -> list[str]:
    """The names in web addresses, without endings: "www.stockholm.se/park" -> ["stockholm"]."""
    words = []
    for match in _DOMAIN.finditer(text):
        labels = match.group().split("/")[0].lower().split(".")[:-1]
        words += [
            label for label in labels if label not in _TYPICAL_SECOND_LEVEL and label not in ("www", "v", "w", "ww")
        ]
    return words
