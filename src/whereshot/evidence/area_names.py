"""Names of countries, states and provinces in lines of text that name no town: "Govt. of Tamil Nadu", "Chile".

A country gives a likelihood by country. A state or province proposes its largest towns, because the answer is a place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from whereshot.earth.country_names import english_name, english_names
from whereshot.earth.divisions import NamedArea
from whereshot.earth.towns import gazetteer
from whereshot.evidence import name_context
from whereshot.evidence.ambiguous_names import other_meanings
from whereshot.evidence.base import Cue, Line
from whereshot.evidence.country_languages import photos_of_country
from whereshot.evidence.native_areas import native_areas
from whereshot.evidence.qualified_names import AreaSpan, area_spans
from whereshot.evidence.sentences import is_of_genitive, is_running_text
from whereshot.evidence.text_segments import native_script
from whereshot.evidence.town_spans import WrittenLine, largest_towns, proposals_of
from whereshot.evidence.transliteration import in_latin

SPREAD_KM = 20.0
"""Km. Half of a proposed town's probability lies within this distance."""
ELSEWHERE = 0.02
"""Likelihood of a country's name in another country, relative to the country itself."""
ENGLISH_WORDS = frozenset({"island"})
"""Names of countries in other languages that are also English words; they count only where they fill a line."""
MOST_NAMED = 3
"""Most countries that the reason of a region names."""
LEAST_LETTERS = 5
"""Least letters of the name of a state or province; the name of a country may have one letter less."""


def area_cues(lines: Sequence[Line], places: Sequence[Cue]) -> list[Cue]:
    """Return one cue for each country, state or province that is named and is not part of a place in ``places``."""
    found: dict[tuple[str, int | None], Cue] = {}
    known = [cue.what for cue in places if cue.trust != "text/place/weak"]
    for number, line in enumerate(lines):
        if name_context.MADE_IN.search(line.text):
            continue
        if native_script(line.text):
            for text, area in native_areas(line):
                if not any(text in what for what in known):
                    found.setdefault((area.country_code, area.division), _cue(text, [area], line))
            continue
        for span in area_spans(WrittenLine.of(number, line.text)):
            if any(span.text in what for what in known):
                continue
            areas = _meant(span)
            if areas:
                found.setdefault((areas[0].country_code, areas[0].division), _cue(span.text, areas, line))
    return list(found.values())


def _meant(span: AreaSpan) -> list[NamedArea]:
    """Return the areas that a name may mean; none for codes, ordinary words, names of people, streets and towns.

    "Punjab" is a province of Pakistan and a state of India. "Georgia" is a country and a state.
    """
    area = span.areas[0]
    letters = sum(char.isalpha() for char in span.text)
    is_country = area.division is None
    if is_country and span.text.lower() in ENGLISH_WORDS and len(span.line.words) > 1:
        return []
    if span.is_code or area.is_part or letters < LEAST_LETTERS - is_country or name_context.is_direction(span.text):
        return []
    before, after = span.line.before(span.first), span.line.after(span.last)
    if name_context.is_other_by_context(before, after):
        return []
    if is_country and is_running_text(span.line.text) and not is_of_genitive(before):
        return []
    meanings = other_meanings(span.text)
    if not is_country and (meanings.word_zipf > 0 or meanings.person or len(gazetteer().named(span.text))):
        return []
    return [one for one in span.areas if one is area or not (one.is_code or one.is_part)]


def _cue(text: str, areas: Sequence[NamedArea], line: Line) -> Cue:
    """Return the cue of a name with its likeliest area first: of countries, or of regions."""
    latin = in_latin(text)
    called = f"{latin}, " if latin else ""
    first = areas[0]
    if first.division is None:
        countries = dict.fromkeys(english_names(), ELSEWHERE)
        whole = [area for area in areas if area.division is None]
        countries |= {area.country_code: 1.0 for area in whole}
        named = " or ".join(area.name for area in whole)
        return Cue(
            "text/area", text, f"{called}the country {named}", "text/area/country", countries=countries, box=line.box
        )
    codes = list(dict.fromkeys(area.country_code for area in areas))
    photos = dict(zip(codes, _photos_by_people(codes), strict=True))
    towns = largest_towns(np.concatenate([area.towns() for area in areas]))
    weights = gazetteer().populations[towns].astype(float) ** 0.9 + 1.0
    if len(codes) > 1:
        weights *= [photos[code] / max(photos.values()) for code in gazetteer().country_codes[towns].tolist()]
    proposals = proposals_of(towns, weights, np.full(len(towns), SPREAD_KM))
    named = ", ".join(map(english_name, codes[:MOST_NAMED])) + (", ..." if len(codes) > MOST_NAMED else "")
    means = f"{called}the region {first.name} ({named})"
    return Cue("text/area", text, means, "text/area/region", proposals=proposals, box=line.box)


def _photos_by_people(codes: Sequence[str]) -> NDArray[np.float64]:
    """Return how many photos are taken by inhabitant of each country, relative to each other."""
    photos, people = photos_of_country(), gazetteer().people_of_country
    return np.array([photos.get(code, 0.0) / max(people.get(code, 0), 1) for code in codes])
