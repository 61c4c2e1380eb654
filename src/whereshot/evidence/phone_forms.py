"""Telephone numbers without a country code, as each country writes them: "044 2345 6789", "(011) 4321-5678".

``data/phone_forms.parquet`` holds the forms of all countries; ``scripts/build_phone_forms.py`` makes it from
libphonenumber. A number gives every country whose area codes or mobile codes it fits. A country that writes the same
groups of digits is likelier than one that writes others, and a country with few codes likelier than one where most
digits are some code.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from whereshot.earth.country_names import english_names
from whereshot.earth.towns import gazetteer
from whereshot.evidence.base import Cue, Line
from whereshot.evidence.country_languages import photos_of_country
from whereshot.foundation.package_data import read_table

OTHER_SEPARATORS, OTHER_GROUPS = 0.6, 0.1
"""Likelihood of a number with other spaces, hyphens or brackets, and with other groups of digits, relative to the
country's own form."""
ELSEWHERE = 0.02
"""Likelihood of a number in a country whose codes it does not fit, relative to the mean photo in those that it fits."""
PEOPLE, MOST_PEOPLE = 0.6, 10.0
"""Weight of people, from 0 to 1, against photos in how often a mobile number is seen in a country.

A mobile number on a sign is that of a small trader. These are as frequent as people, not as photos: in Pakistan few
photos are taken and many numbers are painted on walls. The factor is at most the second number."""
LEAST_PHOTOS = 1e-6
"""Share of all photos that is assumed for a country without any."""
FEWEST_DIGITS, FEWEST_DIGITS_ALONE = 7, 9
"""Least number of digits of a number beside a word such as "Tel", and of a number alone."""
MOST_NAMED = 3
"""Most countries that a reason names."""
_NUMBER = re.compile(r"(?<![\w.,/+-])(?<!\d:)(?:\(?\d{1,5}(?:[ )./-]{1,3}\(?\d{1,8}){1,5}|0[1-9]\d{8,9})(?![\w,:/-])")
_ALONE = re.compile(
    r"\d{3}-\d{3}-\d{4}|1-8\d\d-\d{3}-\d{4}|\d\d(?: \d\d){3}|(?:9[1-8]|6\d|7[1-4])\d \d{2,3} \d{2,3}(?: \d{2,3})?"
)
"""Matches numbers that are telephone numbers without a word beside them, and without a 0 or a bracket at their start:
North American, Danish and Spanish ones."""
SERIAL = re.compile(r"(?:\bn[ro°º]|#|\bart|\bcode|\bean|\bisbn|\bserial|\bid|\bnit|\bs/n)[.:]? ?$", re.IGNORECASE)
"""Matches a word in front of a number that is none of a telephone."""
_WORD = re.compile(
    r"\b(?:tel|telf|telef\w*|tlf|phone|ph|mob|mobile|cell?|cel|celular|fono|whats ?app|contact\w*|call|fax|hotline)\b"
    r"[.: ]{0,4}$|[☎📞✆][: ]{0,2}$",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"^\D?(?:(?:0?[1-9]|[12]\d|3[01])[./ -](?:0?[1-9]|1[0-2])[./ -](?:19|20)?\d\d(?![ .]?\d)|(?:19|20)\d\d[./-])"
)
_TIME = re.compile(r"^\D?\d{1,2}[. ]\d\d\D{1,3}\d{1,2}[. ]\d\d$")


class PhoneForm(NamedTuple):
    """A form of one country: least and most digits of each group, separators, prefix, and how numbers begin."""

    country_code: str
    groups: tuple[tuple[int, int], ...]
    separators: str
    prefix: str
    first_digits: re.Pattern[str]


class PhoneCodes(NamedTuple):
    """The national numbers of one country: prefixes inside the country, and patterns of fixed lines and of mobiles.

    An empty pattern matches none. ``fixed_blocks`` and ``mobile_blocks`` count pairs of a length and two first digits.
    """

    prefixes: frozenset[str]
    fixed: str
    mobile: str
    fixed_blocks: int
    mobile_blocks: int

    def likelihood(self, digits: str, people: float) -> float:
        """Return how likely a number with the national prefix is, among all numbers of the country, 0 where it is none.

        Numbers are as likely in each block of numbers. ``people`` is the factor of mobile numbers.
        """
        national = [digits[len(prefix) :] for prefix in self.prefixes if digits.startswith(prefix)]
        is_fixed, is_mobile = (
            bool(codes) and any(_compiled(codes).fullmatch(one) for one in national)
            for codes in (self.fixed, self.mobile)
        )
        return is_fixed / self.fixed_blocks + is_mobile * people / self.mobile_blocks


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


@functools.cache
def phone_codes() -> dict[str, PhoneCodes]:
    """Return the national numbers by country; they are read once."""
    found: dict[str, PhoneCodes] = {}
    codes = ["fixed", "mobile", "fixed_blocks", "mobile_blocks"]
    for row in read_table(
        "evidence/data/phone_forms.parquet", ["country_code", "prefix", "dialled_first", *codes]
    ).to_pylist():
        before = found.get(row["country_code"])
        prefixes = (frozenset() if before is None else before.prefixes) | {row["prefix"], row["dialled_first"]}
        found[row["country_code"]] = PhoneCodes(prefixes, *(row[name] for name in codes))
    return found


@functools.cache
def people_per_photo() -> Mapping[str, float]:
    """Return how many people live in towns of each country for each photo, to the power ``PEOPLE``.

    It is 1 for the world.
    """
    people, photos = gazetteer().people_of_country, photos_of_country()
    everybody = sum(people.values())
    return {
        code: min(MOST_PEOPLE, (count / everybody / photos[code]) ** PEOPLE)
        for code, count in people.items()
        if photos.get(code, 0.0) > 0 and count > 0
    }


def phone_cues(lines: Sequence[Line]) -> list[Cue]:
    """Return one cue for each form of telephone numbers in the lines."""
    found: dict[tuple[tuple[str, float], ...], Cue] = {}
    for line in lines:
        for text in _numbers(line.text):
            countries = countries_of(text)
            if countries:
                found.setdefault(tuple(countries.items()), _cue(text, countries, line))
    return list(found.values())


def _cue(text: str, countries: dict[str, float], line: Line) -> Cue:
    shares = photos_of_country()
    order = sorted(countries, key=lambda code: -countries[code] * shares.get(code, LEAST_PHOTOS))
    names = [english_names()[code] for code in order]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    means = f"a telephone number as in {', '.join(names[:MOST_NAMED])}{more}"
    likelihood = dict.fromkeys(english_names(), ELSEWHERE) | countries
    return Cue("text/phone", text, means, "text/phone/form", countries=likelihood, box=line.box)


def _numbers(text: str) -> Iterator[str]:
    """Yield the parts of a line that can be telephone numbers."""
    for match in _NUMBER.finditer(text):
        number = match.group().strip()
        digits = [char for char in number if char.isdigit()]
        before = text[: match.start()]
        named = _WORD.search(before) is not None
        begins = number.startswith(("0", "(")) or _ALONE.fullmatch(number) is not None
        least = FEWEST_DIGITS if named else min(FEWEST_DIGITS_ALONE, 8 if _ALONE.fullmatch(number) else 9)
        if len(digits) < least or not (named or begins) or _DATE.match(number) or _TIME.match(number):
            continue
        if not (SERIAL.search(before) or is_rising(number)):
            yield number


def is_rising(number: str) -> bool:
    """Return whether the groups of digits are a rising series, such as clothing sizes."""
    groups = [int(group) for group in re.findall(r"\d+", number)]
    return len(groups) >= 4 and all(a < b for a, b in itertools.pairwise(groups))


def countries_of(number: str) -> dict[str, float]:
    """Return the likelihood of each country whose codes a number fits, relative to the mean photo; {} for no country.

    >>> max(countries_of("0300-1234567"), key=countries_of("0300-1234567").get)
    'PK'
    """
    groups = re.findall(r"\d+", number)
    written = _written_so(number, groups)
    alone = groups[0] if groups[0] in ("0", "1") else ""  # the prefix of calls inside a country: "1-800-774-2678"
    if alone:
        written |= _written_so(number.removeprefix(alone).lstrip(" .-/"), groups[1:])
    digits, people = "".join(groups), people_per_photo()
    found = {
        code: written.get(code, OTHER_GROUPS) * codes.likelihood(digits, people.get(code, 1.0))
        for code, codes in phone_codes().items()
        if not alone or alone in codes.prefixes
    }
    found = {code: value for code, value in found.items() if value > 0}
    shares = {code: photos_of_country().get(code, LEAST_PHOTOS) for code in found}
    mean = sum(shares[code] * value for code, value in found.items()) / sum(shares.values()) if found else 1.0
    return {code: max(value / mean, ELSEWHERE) for code, value in found.items()}


def _written_so(number: str, groups: Sequence[str]) -> dict[str, float]:
    """Return the countries that write a number in these groups, 1 with the same separators, else less."""
    between = re.findall(r"(?<=\d)\D+(?=\d)", number)
    separators = ("(" if number.startswith("(") else "") + "".join((text.strip(" ()") or " ")[0] for text in between)
    found: dict[str, float] = {}
    for form in phone_forms().get(len(groups), ()):
        national = _national(groups, form)
        if national is not None and form.first_digits.match(national):
            value = 1.0 if separators == form.separators else OTHER_SEPARATORS
            found[form.country_code] = max(found.get(form.country_code, 0.0), value)
    return found


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
