"""Telephone numbers without a country code, as each country writes them: "044 2345 6789", "(011) 4321-5678".

``data/phone_forms.parquet`` holds the forms of all countries; ``scripts/build_phone_forms.py`` makes it from
libphonenumber. A number gives the countries that write numbers with the same groups of digits and the same first
digits.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from whereshot.earth.country_names import english_names
from whereshot.evidence.base import Cue, Line
from whereshot.foundation.package_data import read_table

OTHER_SEPARATORS = 0.3
"""Likelihood of a number with other spaces, hyphens or brackets, relative to the country's own form."""
ELSEWHERE = 0.02
"""Likelihood of a number in a country that does not have this form."""
MOST_COUNTRIES = 12
"""A form that more countries use gives no cue."""
FEWEST_DIGITS, FEWEST_DIGITS_ALONE = 7, 9
"""Least number of digits of a number beside a word such as "Tel", and of a number alone."""
_NUMBER = re.compile(r"(?<![\w.,:/+-])\(?\d{1,5}(?:[ )./-]{1,3}\(?\d{1,8}){1,5}(?![\w,:/-])")
_WORD = re.compile(
    r"\b(?:tel|telf|telef\w*|tlf|phone|ph|mob|mobile|cell?|cel|celular|fono|whats ?app|contact\w*|call|fax|hotline)\b"
    r"[.: ]{0,4}$|[☎📞✆][: ]{0,2}$",
    re.IGNORECASE,
)
_DATE = re.compile(r"^\D?(?:(?:0?[1-9]|[12]\d|3[01])[./ -](?:0?[1-9]|1[0-2])[./ -](?:19|20)?\d\d|(?:19|20)\d\d[./-])")
_TIME = re.compile(r"^\D?\d{1,2}[. ]\d\d\D{1,3}\d{1,2}[. ]\d\d$")


class PhoneForm(NamedTuple):
    """A form of one country: least and most digits of each group, separators, prefix, and how numbers begin."""

    country_code: str
    groups: tuple[tuple[int, int], ...]
    separators: str
    prefix: str
    first_digits: re.Pattern[str]
    valid: re.Pattern[str]


@functools.cache
def phone_forms() -> dict[int, list[PhoneForm]]:
    """Return the forms by their number of groups; they are read once."""
    found: dict[int, list[PhoneForm]] = {}
    for row in read_table("evidence/data/phone_forms.parquet").to_pylist():
        pairs = [pair.split("-") for pair in row["groups"].split()]
        if pairs:
            groups = tuple((int(low), int(high)) for low, high in pairs)
            form = PhoneForm(
                row["country_code"],
                groups,
                row["separators"],
                row["prefix"],
                _compiled(row["first_digits"]),
                _compiled(row["valid"]),
            )
            found.setdefault(len(groups), []).append(form)
    return found


@functools.cache
def calling_codes() -> dict[str, dict[str, float]]:
    """Return the countries of each country calling code, all alike."""
    found: dict[str, dict[str, float]] = {}
    for row in read_table("evidence/data/phone_forms.parquet", ["country_code", "calling_code"]).to_pylist():
        found.setdefault(row["calling_code"], {})[row["country_code"]] = 1.0
    return found


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def phone_cues(lines: Sequence[Line]) -> list[Cue]:
    """Return one cue for each form of telephone numbers in the lines."""
    found: dict[tuple[str, ...], Cue] = {}
    for line in lines:
        for text in _numbers(line.text):
            countries = countries_of(text)
            if countries:
                found.setdefault(tuple(countries), _cue(text, countries, line))
    return list(found.values())


def _cue(text: str, countries: dict[str, float], line: Line) -> Cue:
    names = [english_names()[code] for code in sorted(countries, key=lambda code: -countries[code])]
    where = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    likelihood = dict.fromkeys(english_names(), ELSEWHERE) | countries
    means = f"a telephone number as in {where}"
    return Cue("text/phone", text, means, "text/phone/form", countries=likelihood, box=line.box)


def _numbers(text: str) -> Iterator[str]:
    """Yield the parts of a line that can be telephone numbers."""
    for match in _NUMBER.finditer(text):
        number = match.group().strip()
        digits = [char for char in number if char.isdigit()]
        named = _WORD.search(text[: match.start()]) is not None
        begins = number.startswith(("0", "("))
        least = FEWEST_DIGITS if named else FEWEST_DIGITS_ALONE
        if len(digits) < least or not (named or begins) or _DATE.match(number) or _TIME.match(number):
            continue
        yield number


def countries_of(number: str) -> dict[str, float]:
    """Return the likelihood of each country that writes numbers in this form; {} for no country or too many.

    >>> max(countries_of("(011) 4321-5678"), key=countries_of("(011) 4321-5678").get)
    'AR'
    """
    groups = re.findall(r"\d+", number)
    between = re.findall(r"(?<=\d)\D+(?=\d)", number)
    separators = ("(" if number.startswith("(") else "") + "".join((text.strip(" ()") or " ")[0] for text in between)
    found: dict[str, float] = {}
    for form in phone_forms().get(len(groups), ()):
        national = _national(groups, form)
        if national is None or not form.first_digits.match(national) or not form.valid.fullmatch(national):
            continue
        same = separators == form.separators
        found[form.country_code] = max(found.get(form.country_code, 0.0), 1.0 if same else OTHER_SEPARATORS)
    return found if len(found) <= MOST_COUNTRIES else {}


def _national(groups: Sequence[str], form: PhoneForm) -> str | None:
    """Return the digits of a number without the national prefix; None where the groups do not fit the form."""
    first = groups[0]
    if form.prefix:
        if not first.startswith(form.prefix):
            return None
        first = first[len(form.prefix) :]
    lengths = zip((first, *groups[1:]), form.groups, strict=True)
    if not all(low <= len(group) <= high for group, (low, high) in lengths):
        return None
    return first + "".join(groups[1:])
