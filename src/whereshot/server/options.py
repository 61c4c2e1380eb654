"""The options of a request, read from the fields of its form and checked.

Photos of different requests are answered together only where their options are equal.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from whereshot.earth import sphere
from whereshot.evidence.foreign_lines import BUILTIN
from whereshot.foundation.errors import InputError, nearest_name
from whereshot.locate.options import LocateOptions

MOST_CANDIDATES = 50
MOST_COARSE_KM = 2000.0
REGION_LETTERS = 100


@dataclass(frozen=True)
class Options:
    """The options for the answers to the photos of one request: how they are located, and what the answer shows."""

    locate: LocateOptions = field(default_factory=LocateOptions)
    region: str | None = None
    """The name of the area that answers are restricted to. Its borders are looked up where the model is."""
    coarse_km: float | None = None
    recorded: bool = False
    """Whether the answer shows the position that the camera recorded. The position is not used for the answer."""
    map: bool = True

    def to_document(self) -> dict[str, Any]:
        """Return the options as JSON values, which ``of_document`` reads in the process of the model."""
        return {**asdict(replace(self, locate=LocateOptions())), "locate": self.locate.plain()}

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Options:
        """Return the options of a document that ``to_document`` made."""
        return cls(**{**document, "locate": LocateOptions(**document["locate"])})


def read_options(given: Mapping[str, str], coarse_km: float | None = None, reader: str = BUILTIN) -> Options:
    """Read the options of a form. Raises InputError.

    A client can only raise ``coarse_km``, the grid of the server. It cannot choose the ``reader`` of text.
    """
    for name in given:
        if name not in READERS:
            raise InputError(f"no option {name!r}; {nearest_name(name, READERS)}")
    read = {name: READERS[name](name, text.strip()) for name, text in given.items() if text.strip()}
    read["coarse_km"] = max(read.get("coarse_km", 0.0), coarse_km or 0.0) or None
    located = {name: read.pop(name) for name in LocateOptions().plain() if name in read}
    return Options(locate=LocateOptions(**located, reader=reader), **read)


def _whole(name: str, text: str) -> int:
    low, high = 1, MOST_CANDIDATES
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not low <= int(text) <= high:
        raise InputError(f"{name} is a whole number from {low} to {high}; got {text[:40]!r}")
    return int(text)


def _float(text: str) -> float:
    """Return a number; NaN for a text that is not a number."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _share(name: str, text: str) -> float:
    value = _float(text)
    if not 0 < value < 1:
        raise InputError(f"{name} lies between 0 and 1; got {text[:40]!r}")
    return value


def _km(name: str, text: str, most: float) -> float:
    value = _float(text)
    if not 0 < value <= most:
        raise InputError(f"{name} is a number above 0, at most {most:.0f}; got {text[:40]!r}")
    return value


def _truth(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise InputError(f"{name} is true or false; got {text[:40]!r}")
    return text.lower() == "true"


def _region(name: str, text: str) -> str:
    """Read the name of a region. Refuse what could be a path to a file of this machine."""
    if len(text) > REGION_LETTERS or any(letter in text for letter in "/\\.\0~") or not text.isprintable():
        raise InputError(f"{name} is the name of a country or of a region of one (Bavaria); got {text[:40]!r}")
    return text


READERS: dict[str, Callable[[str, str], Any]] = {
    "top": _whole,
    "within_km": functools.partial(_km, most=sphere.HALF_CIRCUMFERENCE_KM),
    "level": _share,
    "text": _truth,
    "coarse_km": functools.partial(_km, most=MOST_COARSE_KM),
    "use_exif": _truth,
    "recorded": _truth,
    "region": _region,
    "map": _truth,
}
"""What reads each field of a form: (name, text) -> value. Raises InputError."""
