"""Find the position in a link of a map, such as the address of a page of a web map, or a geo: link."""

from __future__ import annotations

import re
from urllib.parse import unquote

_NUMBER = r"[-+]?\d{1,3}(?:\.\d+)?"
_PAIR = rf"(?P<latitude>{_NUMBER})(?:,|%2C|~)\s*\+?(?P<longitude>{_NUMBER})"
_LINK = re.compile(r"\s*(?:https?://|www\.|geo:|@|(?:maps\.)?(?:google|apple|bing|openstreetmap)\.)", re.IGNORECASE)
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"!3d(?P<latitude>{_NUMBER})!4d(?P<longitude>{_NUMBER})",  # the marked place, before the middle of the map
        rf"[?&]mlat=(?P<latitude>{_NUMBER})&mlon=(?P<longitude>{_NUMBER})",
        rf"[?&](?:q|query|ll|sll|center|centre|cp|destination|daddr|coordinate|pt|point)=(?:loc:)?{_PAIR}",
        rf"geo:{_PAIR}",
        rf"@{_PAIR}",
        rf"#(?:map=)?\d+(?:\.\d+)?/(?P<latitude>{_NUMBER})/(?P<longitude>{_NUMBER})",
        rf"/{_PAIR}(?![\d.])",
    )
)
_LONGITUDE_FIRST = re.compile(r"//(?:[\w-]+\.)*yandex\.", re.IGNORECASE)
_ZOOM = re.compile(rf"\s*{_PAIR},\s*\d+(?:\.\d+)?[zma]\s*", re.IGNORECASE)
"""What is left of a link where only its end was copied: 48.2,16.37,15z."""


def is_link(text: str) -> bool:
    """Return whether a text is a link."""
    return _LINK.match(text) is not None


def pair_of_link(text: str) -> str | None:
    """Return the position of a link as "latitude, longitude"; None where the text is no link or has no position.

    >>> pair_of_link("https://www.openstreetmap.org/#map=17/48.2/16.37")
    '48.2, 16.37'
    """
    found = _ZOOM.fullmatch(text)
    if found is None and is_link(text):
        plain = unquote(text)
        found = next((match for match in (form.search(plain) for form in _FORMS) if match), None)
    if found is None:
        return None
    first, second = found["latitude"], found["longitude"]
    return f"{second}, {first}" if _LONGITUDE_FIRST.search(text) else f"{first}, {second}"
