"""Find airports that are named in lines: "Aeropuerto Internacional El Dorado", "Jomo Kenyatta / International Airport".

The table is ``data/airports.parquet``; ``scripts/build_airports.py`` makes it from airportsdata. A name counts where a
word for airport stands in the same line, or where it fills the line above or below such a word. Airports that have the
name of their town are not in the table: a town beside a word for airport is a cue of the town.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from whereshot.earth.country_names import english_name
from whereshot.earth.name_index import name_keys
from whereshot.evidence.base import Cue, Line, Proposal
from whereshot.foundation.package_data import read_table

SPREAD_KM = 8.0
"""Km. Half of an airport's probability lies within this distance, because signs to an airport stand far from it."""
INTERNATIONAL_WEIGHT = 20.0
"""Weight of an airport with "International" in its name, relative to another one."""
MOST_WORDS = 6
"""Most words of a name that is looked up."""
MOST_AIRPORTS = 8
"""A name that more airports share is not evidence."""
_AIRPORT = re.compile(
    r"(?<![^\W\d_])(?:airport|airfield|aerodrome?|aérodrome|aeropuerto|aéroport|aeroporto|aeroport"
    r"|aeroportul|flughafen|luchthaven|vliegveld|flygplats|lufthavn|lentoasema|flugvöllur|lotnisko|letiště|letisko"
    r"|repülőtér|aerodrom|zračna luka|aerodromul|havalimanı|havaalanı|hava limanı|bandara|bandar udara|lapangan terbang"
    r"|sân bay|paliparan|uwanja wa ndege|kiwanja cha ndege|lidosta|lennujaam|oro uostas|аэропорт|аеропорт"
    r"|летище|аеродром|αεροδρόμιο|αερολιμένας|مطار|فرودگاه|נמל התעופה|空港|机场|機場|공항|ท่าอากาศยาน"
    r"|สนามบิน)(?![^\W\d_])",
    re.IGNORECASE,
)
_GENERAL = re.compile(
    r"(?<![^\W\d_])(?:internacional|international|internasional|internazionale|intercontinental|uluslararası|quốc tế"
    r"|antarabangsa|int'?l|intl|domestic|regional|municipal|national|terminal|air base|seaplane base"
    r"|licenciado|lic|general|gral|ministro|gobernador|governador|governor|presidente|president|capit[aá]n|coronel"
    r"|comandante|teniente|doctor|dr|sir)(?![^\W\d_])",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


class Airport(NamedTuple):
    """An airport: its name, the code of its country, and its position in degrees."""

    name: str
    country_code: str
    latitude: float
    longitude: float


def own_name(text: str) -> str:
    """Return a name without the words for airport, titles and general words; one space separates the words.

    >>> own_name("Aeropuerto Internacional El Dorado"), own_name("O.R. Tambo International Airport")
    ('El Dorado', 'O R Tambo')
    """
    return " ".join(_WORD.findall(_GENERAL.sub(" ", _AIRPORT.sub(" ", text))))


def names_airport(text: str) -> bool:
    """Return whether a word for airport stands in a text.

    >>> names_airport("to the AIRPORT"), names_airport("Airports Road")
    (True, False)
    """
    return _AIRPORT.search(text) is not None


@functools.cache
def airports() -> dict[str, list[Airport]]:
    """Return the airports of the table by the key of their own name. The table is read once."""
    columns = read_table("evidence/data/airports.parquet").to_pydict()
    found: dict[str, list[Airport]] = {}
    for row in zip(columns["name"], columns["country"], columns["latitude"], columns["longitude"], strict=True):
        airport = Airport(*row)
        found.setdefault(name_keys([own_name(airport.name)])[0], []).append(airport)
    return found


def airport_cues(lines: Sequence[Line]) -> list[Cue]:
    """Return one cue for each airport that is named in the lines. An airport that is named twice gives one cue."""
    found: dict[str, Cue] = {}
    for number, line in enumerate(lines):
        near = [other.text for other in lines[max(0, number - 1) : number + 2]]
        if any(map(names_airport, near)):
            for key, text in _named(line.text, names_airport(line.text)):
                found.setdefault(key, _cue(text, airports()[key], line))
    return list(found.values())


def _named(text: str, has_word: bool) -> Iterator[tuple[str, str]]:
    """Yield the key and the text of the airports that a line names; the whole line where it has no word for airport."""
    words = own_name(text).split()
    keys = name_keys(words)
    for size in range(min(MOST_WORDS, len(words)), 0, -1):
        for first in range(len(words) - size + 1) if has_word or size == len(words) else ():
            key = "".join(keys[first : first + size])
            if len(airports().get(key, ())) in range(1, MOST_AIRPORTS + 1):
                yield key, " ".join(words[first : first + size])
                return


def _cue(text: str, named: Sequence[Airport], line: Line) -> Cue:
    """Return the cue of a name that one or several airports have."""
    weights = [INTERNATIONAL_WEIGHT if "International" in place.name else 1.0 for place in named]
    proposals = tuple(
        Proposal(place.name, place.latitude, place.longitude, place.country_code, SPREAD_KM, weight / sum(weights))
        for place, weight in zip(named, weights, strict=True)
    )
    first = max(proposals, key=lambda proposal: proposal.weight)
    means_by = functools.partial(_means, len(named))
    trust = "text/place/named"
    return Cue("text/place", text, means_by(first), trust, proposals=proposals, box=line.box, means_by=means_by)


def _means(count: int, meant: Proposal) -> str:
    """Return what a name means in words, by the airport that is meant, one of ``count`` airports of this name."""
    others = {1: "", 2: ", or the other airport with this name"}.get(
        count, f", or one of {count - 1} other airports with this name"
    )
    return f"the airport {meant.name.removesuffix(' Airport')} ({english_name(meant.country_code)}){others}"
