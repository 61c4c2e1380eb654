"""What the words around a name show: whether it is the name of a town, of another thing, or of a person.

The words are in ``data/name_context.toml``.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from whereshot.evidence.lexicon import frequent_in_one_language
from whereshot.foundation.package_data import read_toml

_POSTCODE_FORMS = {
    "5": r"(?<![\d.,])\d{5}",
    "4": r"(?<![\d.,])(?!(?:19|20)\d\d)\d{4}",
    "3 2": r"(?<![\d.,])\d{3} \d{2}",
    "2-3": r"(?<![\d.,])\d{2}-\d{3}",
    "4-3": r"(?<![\d.,])\d{4}-\d{3}",
    "5-3": r"(?<![\d.,])\d{5}-\d{3}",
    "4 AA": r"(?<![\d.,])\d{4} ?[A-Z]{2}",
    "6": r"(?<![\d.,])\d{6}",
}
_DISTANCE = re.compile(r"^\W*\d{1,4}(?:[.,]\d)? ?(?:km|mi|miles)\b", re.IGNORECASE)
_PAIR = re.compile(r"(?:^|\s)(?:&|\+|and|und|y|et|e|och|og|ja|i|en|ve|si|și|és|ir|un|dan|và|a)(?:\s|$)", re.IGNORECASE)
_YEARS = re.compile(r"\b1[789]\d\d\s*[-–—/]\s*(?:1[789]|20)\d\d\b|[*✝†]\s*\d|\d\s*[†✝]")
_STREET = re.compile(r"^(?:er)?[\s-]*(?:str(?:aße|asse|\.)|(?:platz|allee|weg)\b)", re.IGNORECASE)
MADE_IN = re.compile(
    r"\b(?:made|designed|assembled|fabriqué|hergestellt|product|produce) (?:in|of|en)\b", re.IGNORECASE
)
"""Matches words before the place that goods come from."""


class Postcode(NamedTuple):
    """A number that may be the postcode before a town."""

    digits: str
    country_codes: frozenset[str]
    """Countries that write such a postcode before the town."""


@functools.cache
def _table() -> dict[str, dict[str, str]]:
    table: dict[str, dict[str, str]] = read_toml("evidence/data/name_context.toml")
    return table


@functools.cache
def _phrases(section: str) -> str:
    """Return the phrases of a section as alternatives of a pattern, the longest first."""
    phrases = [" ".join(phrase.split()) for phrase in _table()[section]["phrases"].split("|")]
    return "|".join(re.escape(phrase) for phrase in sorted(phrases, key=len, reverse=True))


@functools.cache
def _before(section: str) -> re.Pattern[str]:
    links = "|".join(_table()[section]["links"].split())
    return re.compile(rf"(?:^|(?<=[\W\d_]))(?:{_phrases(section)})(?:\s+(?:{links}))*['’]?[\s:.]*$", re.IGNORECASE)


@functools.cache
def _after(section: str) -> re.Pattern[str]:
    return re.compile(rf"^[\s,(]*(?:{_phrases(section)})(?![^\W\d_])", re.IGNORECASE)


@functools.cache
def _within(section: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W\d_])(?:{_phrases(section)})(?![^\W\d_])", re.IGNORECASE)


def is_town_by_context(before: str, after: str) -> bool:
    """Return whether the words right before or after a name are those of an authority, a station, a greeting or a
    distance.

    >>> is_town_by_context("Ajuntament d'", ""), is_town_by_context("Salat mit ", "")
    (True, False)
    """
    if _before("place_comes").search(before) or _DISTANCE.search(after):
        return True
    return _after("place_follows").search(after) is not None


def is_welcome(before: str) -> bool:
    """Return whether the words right before a name greet visitors, or announce a state or province."""
    return _WELCOME.search(before) is not None


_WELCOME = re.compile(
    r"\b(?:welcome to|willkommen in|bienvenue|bienvenidos?|benvinguts|bem[- ]vindos?|benvenut[io]|velkommen til"
    r"|välkommen till|welkom in|witamy w|selamat datang di|croeso i|fáilte go|province of|provincia de|state of"
    r"|government of|gouvernement d\w*|estado de|governo do|gobierno de|kanton|canton|land|freistaat|county of)"
    r"(?:\s+(?:de|d|di|da|do|of|the|la|le|el|en|a|à|au|aux|in))*['’]?\s*$",
    re.IGNORECASE,
)


def is_other_by_context(before: str, after: str) -> bool:
    """Return whether the words right before or after a name make it a street's, an inn's, a dish's or goods'.

    >>> is_other_by_context("", " SANDWICH"), is_other_by_context("Rue de ", ""), is_other_by_context("Stadt ", "")
    (True, True, False)
    """
    if _before("other_comes").search(before) or _STREET.match(after):
        return True
    return _after("other_follows").search(after) is not None


def goes_on(after: str, *, is_by_town: bool = False) -> bool:
    """Return whether a name goes on after a name, so that it is another, longer name: "York" in "York Landing".

    The words are those of places, links before another name, and words with a capital that no language uses often. Such
    a word is not a part of the name where it is the name of a town (``is_by_town``): "Montreux Vevey".

    >>> goes_on(" Landing"), goes_on(" de Chiquitos"), goes_on(" Visitor Centre"), goes_on(", Ontario")
    (True, True, False, False)
    >>> goes_on(" Vevey"), goes_on(" Vevey", is_by_town=True), goes_on(" Landing", is_by_town=True)
    (True, False, True)
    """
    if _after("name_goes_on").search(after) or _LINKED_NAME.match(after):
        return True
    if is_by_town:
        return False
    word = _NEXT_NAME.match(after)
    return (
        word is not None
        and not is_town_by_context("", after)
        and not frequent_in_one_language([word.group(1).lower()], USUAL_ZIPF)
    )


_LINKED_NAME = re.compile(
    r"^ (?:(?:del?|do|da|dos|das|di|sur|sous|lès|en|am|an der|ob der|im|bei|upon|on|under|by|les)(?: l[aeo]s?)? |d'|l')"
    r"(?-i:[A-ZÀ-Ž])",
)
_NEXT_NAME = re.compile(r"^ ([A-ZÀ-Ž][^\W\d_]*[a-zà-ž][^\W\d_]*)")
"""Matches a next word with a capital and small letters; a line in capitals does not show what is a name."""
USUAL_ZIPF = 3.5
"""Frequency on the Zipf scale from which a word with a capital may be a word of a title: "Visitor Centre"."""


def is_direction(name: str) -> bool:
    """Return whether a name has only words for a direction, as provinces of many countries do: "Western".

    >>> is_direction("North Eastern"), is_direction("South Holland")
    (True, False)
    """
    words = name.replace("-", " ").lower().split()
    return bool(words) and _directions().issuperset(words)


@functools.cache
def _directions() -> frozenset[str]:
    return frozenset(_table()["directions"]["phrases"].replace("|", " ").split())


def is_of_people(text: str) -> bool:
    """Return whether a line is about people: titles, graves, weddings, the years of a life.

    >>> is_of_people("Sofia & Martin, just married"), is_of_people("Charlotte Smith 1890 - 1952")
    (True, True)
    """
    return _within("people").search(text) is not None or _YEARS.search(text) is not None


def is_pair(text: str) -> bool:
    """Return whether a line has two names with an "and" between them.

    >>> is_pair("Sofia & Martin"), is_pair("Hamburg")
    (True, False)
    """
    return _PAIR.search(text) is not None


def postcode_before(before: str) -> Postcode | None:
    """Return the postcode that ends the text before a name; None where the text does not end with such a number.

    >>> sorted(postcode_before("D-21073 ").country_codes)[:3], postcode_before("Est. 1998 ")
    (['BA', 'CZ', 'DE'], None)
    """
    for form, pattern in _POSTCODE_FORMS.items():
        match = re.search(rf"(?:^|[\s,(–-]|[A-Z]-)({pattern})\s+$", before)
        if match:
            return Postcode(match.group(1), frozenset(_table()["postcodes"][form].split()))
    return None
