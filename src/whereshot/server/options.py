"""The options of a request, read from the fields of its form and checked.

Photos of different requests are answered together only where their options are equal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

from whereshot.earth import sphere
from whereshot.foundation.errors import InputError, nearest_name

MOST_CANDIDATES = 50
MOST_COARSE_KM = 2000.0
REGION_LETTERS = 100


@dataclass(frozen=True)
class Options:
    """The options for the answers to the photos of one request."""

    top: int = 5
    within_km: float | None = None
    level: float = 0.9
    text: bool = True
    coarse_km: float | None = None
    use_exif: bool = False
    recorded: bool = False
    """Whether the answer shows the position that the camera recorded. The position is not used for the answer."""
    region: str | None = None
    map: bool = True


def read_options(given: Mapping[str, str], coarse_km: float | None = None) -> Options:
    """Read the options of a form. A client can only raise ``coarse_km``, the grid of the server. Raises InputError."""
    known = {option.name for option in fields(Options)}
    for name in given:
        if name not in known:
            raise InputError(f"no option {name!r}; {nearest_name(name, known)}")
    values = {name: text.strip() for name, text in given.items() if text.strip()}
    read: dict[str, object] = {}
    if "top" in values:
        read["top"] = _whole("top", values["top"], 1, MOST_CANDIDATES)
    if "within_km" in values:
        read["within_km"] = _number("within_km", values["within_km"], 0.0, sphere.HALF_CIRCUMFERENCE_KM)
    if "level" in values:
        read["level"] = _number("level", values["level"], 0.0, 1.0)
    asked = _number("coarse_km", values["coarse_km"], 0.0, MOST_COARSE_KM) if "coarse_km" in values else 0.0
    read["coarse_km"] = max(asked, coarse_km or 0.0) or None
    for name in ("text", "use_exif", "recorded", "map"):
        if name in values:
            read[name] = _truth(name, values[name])
    if "region" in values:
        read["region"] = _region(values["region"])
    return Options(**read)  # type: ignore[arg-type]  # every value was read by its field's own reader


def _whole(name: str, text: str, low: int, high: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not low <= int(text) <= high:
        raise InputError(f"{name} is a whole number from {low} to {high}; got {text[:40]!r}")
    return int(text)


def _number(name: str, text: str, above: float, most: float) -> float:
    """Read a number above ``above``, at most ``most``; a level (``most`` is 1) must be below 1."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not above < value <= most or (most == 1.0 and value == 1.0):
        between = "lies between 0 and 1" if most == 1.0 else f"is a number above {above:g}, at most {most:.0f}"
        raise InputError(f"{name} {between}; got {text[:40]!r}")
    return value


def _truth(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise InputError(f"{name} is true or false; got {text[:40]!r}")
    return text.lower() == "true"


def _region(text: str) -> str:
    """Read the name of a region. Refuse what could be a path to a file of this machine."""
    if len(text) > REGION_LETTERS or any(letter in text for letter in "/\\.\0~") or not text.isprintable():
        raise InputError(f"region is the name of a country or of a region of one (Bavaria); got {text[:40]!r}")
    return text
