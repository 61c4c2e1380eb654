"""Find cues that name places in lines of text: towns on signs, but not ordinary words, people, dishes or brands.

A name's trust has five kinds, each with its reliability: *qualified* by its state or country ("London, Ontario"),
*named* where the words around it say that a town is meant ("Ajuntament d'Altafulla", "21073 Hamburg"), *plain* where it
stands alone in its line, *region* for a state or country that visitors are welcomed to, and *weak* for a world city's
name that is all there is to read, as on T-shirts. Without such support these names are not evidence: ordinary words,
names of people, misread names, and names in a sentence. Names that stand together qualify each other
(``towns_together``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from whereshot.earth.name_index import name_keys
from whereshot.earth.towns import gazetteer
from whereshot.evidence import joined_towns, name_context, qualified_names
from whereshot.evidence.ambiguous_names import FREQUENT_POPULATION, is_ordinary, is_person, other_meanings
from whereshot.evidence.base import Cue, Line, box_around
from whereshot.evidence.country_languages import photos_of_script
from whereshot.evidence.lexicon import lexicon
from whereshot.evidence.mentions import Mention, cues_of_mentions
from whereshot.evidence.native_names import NativeName, native_names
from whereshot.evidence.public_words import is_food
from whereshot.evidence.qualified_names import Qualified, area_below, area_spans, greeted_area
from whereshot.evidence.text_segments import native_script
from whereshot.evidence.town_hosts import host_towns
from whereshot.evidence.town_spans import (
    LEAST_LETTERS_MISREAD,
    TownSpan,
    WrittenLine,
    is_ideographic,
    is_written_as_name,
    largest_towns,
    misread_towns,
    town_spans,
)
from whereshot.evidence.web_addresses import host_words
from whereshot.evidence.written_distances import distance_beside, distance_in

TRUSTS = (
    "text/place/qualified",
    "text/place/named",
    "text/place/plain",
    "text/place/region",
    "text/place/weak",
)
"""The kinds of trust, best first."""
GOES_ON = 0.3
"""Share of its reliability that a name keeps where a name goes on after it: "York" in "York Landing"."""
LONG_NAME = 8
"""A misread name of at least this many letters counts like a name that was read right."""
WORLD_CITY = 900_000
"""The name of a city with at least these inhabitants, alone, can also be a brand, a text on a shirt or a destination.
"""
LARGE_TOWN, SMALL_TOWN = 100_000, 2_000
"""Least inhabitants of a town whose name stands alone in its line: for a short name, and for six letters or more."""
AREA_SPREAD_KM = 30.0
"""Km. Half of a proposed town's probability lies within at least this distance."""
_GENERIC = re.compile(
    r"(?:^|\s)(?:city|town|port|village|station|gare|ville|grad|vila|kreis|mesto|město|miasto|kota|bandar)\s+$", re.I
)
"""Matches a general word right before a name. It does not make an ordinary word a town: "city break"."""
_POPULATION_FOLLOWS = re.compile(
    r"^\W*(?:pop(?:ulation)?|elev(?:ation)?|altitude|einwohner|habitants|habitantes|inhabitants|hab)\b.*\d", re.I
)
"""Matches the line below the name of a town that has its inhabitants or altitude."""


def place_cues(lines: Sequence[Line]) -> list[Cue]:
    """Return one cue for each named place; a place that is named twice counts once, by its best mention.

    A town that is named in two scripts counts once too, and its two names support each other.
    """
    best: dict[frozenset[int], Mention] = {}
    others = [replace(line, text="") if native_script(line.text) else line for line in lines]
    for mention in _in_two_scripts(list(_mentions(others)), [_native_mention(name) for name in native_names(lines)]):
        key = frozenset(mention.towns.tolist())
        known = best.get(key)
        if known is None or _rank(mention) < _rank(known):
            best[key] = mention
    return cues_of_mentions(best.values(), lines)


def _native_mention(name: NativeName) -> Mention:
    """Return the mention of a native name. Its odds are those against other places where the script is written.

    That the photo was taken there at all is the evidence of the language cue, which must not count twice.
    """
    trust = "text/place/named" if name.is_named else "text/place/plain"
    odds = name.probability / max(1 - name.probability, 1e-6) * photos_of_script(native_script(name.text))
    return Mention(name.text, name.towns, 0, trust, name.box, probability=odds / (1 + odds))


def _in_two_scripts(mentions: list[Mention], native: list[Mention]) -> list[Mention]:
    """Return all mentions; two mentions of a town, in a native script and in another script, are joined."""
    joined: list[Mention] = []
    for own in native:
        for other in mentions:
            shared = np.intersect1d(own.towns, other.towns)
            if len(shared):
                mentions.remove(other)
                trust = min(own.trust, other.trust, "text/place/named", key=TRUSTS.index)
                text, box = f"{own.text} / {other.text}", box_around([own.box, other.box])
                own = Mention(text, largest_towns(shared), 0, trust, box, other.area, other.spread_km)
                break
        joined.append(own)
    return [*mentions, *joined]


def _rank(mention: Mention) -> tuple[int, float]:
    """Return a key that sorts the best mentions first: by trust, then by errors or by how surely towns are meant."""
    return TRUSTS.index(mention.trust), mention.errors - mention.probability


def _mentions(lines: Sequence[Line]) -> Iterator[Mention]:
    """Yield every mention of a place in the lines of one picture."""
    written = [
        WrittenLine.of(number, "" if name_context.MADE_IN.search(line.text) else line.text)
        for number, line in enumerate(lines)
    ]
    taken: set[tuple[int, int]] = set()
    for qualified in qualified_names.qualified_names(written):
        if (
            distance_in(qualified.area.line.after(qualified.area.last)) is not None
        ):  # a destination: "Sevilla 530 / Córdoba 390"
            continue
        for span in (qualified.town, qualified.area):
            taken |= {(span.line.number, word) for word in range(span.first, span.last)}
        yield _qualified_mention(qualified, lines)
    greeted = None if taken else greeted_area(written) or area_below(written)
    if greeted is not None:
        greeting, span, areas = greeted
        taken |= {(span.line.number, word) for word in range(span.first, span.last)}
        taken |= {(greeting.number, word) for word in range(len(greeting.words)) if greeting is not span.line}
        towns, box = largest_towns(np.concatenate([area.towns() for area in areas])), lines[span.line.number].box
        yield Mention(span.text, towns, 0, "text/place/region", box, areas[0].name, AREA_SPREAD_KM)
    spans = [span for line in written for span in _free_spans(line, taken)]
    hosts = {key for line in lines for key in name_keys(host_words(line.text))}
    judged = [(span, _trust(span, written, hosts)) for span in spans]
    agreeing = joined_towns.agreeing(
        [span for span, trust in judged if trust is None or trust[0] != "text/place/named"]
    )
    for span, trust in judged:
        own = agreeing.get((span.line.number, span.first))
        alone = trust is not None or (own is not None and own.is_same)
        if own is not None and own.is_same and (trust is None or trust[0] != "text/place/named"):
            trust = ("text/place/named", own.towns)
        elif own is not None and trust is None:
            trust = ("text/place/plain", own.towns)
        box = lines[span.line.number].box
        if trust is None and _has_distance(span, lines):
            trust = ("text/place/plain", span.towns)
        if trust is not None:
            share = GOES_ON if joined_towns.is_first_part(span) else 1.0
            yield Mention(span.text, trust[1], span.errors, trust[0], box, probability=share, alone=alone)
    for line in lines:
        for label, towns in host_towns(line.text):
            yield Mention(label, towns, 0, "text/place/named", line.box)


def _has_distance(span: TownSpan, lines: Sequence[Line]) -> bool:
    """Return whether a name stands alone but for a distance, as on a board; people and goods have no distances."""
    line = lines[span.line.number]
    return not span.errors and joined_towns.is_alone(span) and distance_beside(span.text, line.box, lines) is not None


def _qualified_mention(qualified: Qualified, lines: Sequence[Line]) -> Mention:
    town, area = qualified.town, qualified.area
    box = box_around(lines[span.line.number].box for span in (town, area))
    name = next((one.name for one in area.areas if one.holds(town.towns).any()), area.text)
    return Mention(qualified.text, town.towns, town.errors, "text/place/qualified", box, area=name)


def _free_spans(line: WrittenLine, taken: set[tuple[int, int]]) -> Iterator[TownSpan]:
    """Yield the names of towns in the words outside qualified names, then misread names with support."""
    used = {word for number, word in taken if number == line.number}
    for span in town_spans(line):
        if not used & set(range(span.first, span.last)):
            used |= set(range(span.first, span.last))
            yield span
    for first in range(len(line.words)):
        for last in range(min(first + 3, len(line.words)), first, -1):
            text = line.between(first, last)
            if used & set(range(first, last)) or len(text) < LEAST_LETTERS_MISREAD:
                continue
            if not (is_written_as_name(line, first, last) and _is_supported(line.before(first), line.after(last))):
                continue
            towns, errors = (None, 0) if _are_words(text) else misread_towns(text)
            if towns is not None and len(towns):
                used |= set(range(first, last))
                yield TownSpan(line, first, last, largest_towns(towns), errors)


def _are_words(text: str) -> bool:
    """Return whether all words of a text are words of a language, and so were read right: "FILLING STATION"."""
    return all(lexicon().find(word) is not None for word in text.lower().split())


def _is_supported(before: str, after: str) -> bool:
    return name_context.is_town_by_context(before, after) or name_context.postcode_before(before) is not None


def _trust(span: TownSpan, lines: Sequence[WrittenLine], hosts: set[str]) -> tuple[str, NDArray[np.int64]] | None:
    """Return the trust of a name and the towns that it then means; None where it is not evidence."""
    named = "text/place/named"
    before, after = span.before, span.after
    is_word = is_ordinary(span.text, span.towns)
    postcode = name_context.postcode_before(before)
    if postcode is not None and not (is_word and len(postcode.digits) == 4):
        inside = span.towns[np.isin(gazetteer().country_codes[span.towns], list(postcode.country_codes))]
        if len(inside):
            return named, inside
    if name_context.is_town_by_context(before, after) and not (is_word and _GENERIC.search(before)):
        return (named if span.errors == 0 or len(span.text) >= LONG_NAME else "text/place/plain"), span.towns
    following = lines[span.line.number + 1].text if span.line.number + 1 < len(lines) else ""
    if _POPULATION_FOLLOWS.match(following) and not after.strip():
        return named, span.towns
    people = int(gazetteer().populations[span.towns].max())
    if span.errors or is_word or is_person(span.text, span.towns) or name_context.is_other_by_context(before, after):
        return None
    if _is_of_people(span, lines) or _is_area(span, people):
        return None
    if name_keys([span.text])[0] in hosts:
        return named, span.towns
    if not joined_towns.is_alone(span) or joined_towns.is_beside_foreign(span) or is_food(span.text):
        return None
    words = sum(len(line.words) for line in lines)
    if words <= 3 and people >= WORLD_CITY and not is_ideographic(span.text):
        return "text/place/weak", span.towns
    letters = sum(char.isalpha() for char in span.text)
    is_long = letters >= 6 or (is_ideographic(span.text) and people >= FREQUENT_POPULATION)
    return ("text/place/plain", span.towns) if people >= (SMALL_TOWN if is_long else LARGE_TOWN) else None


def _is_of_people(span: TownSpan, lines: Sequence[WrittenLine]) -> bool:
    """Return whether a name stands in lines of people, or is joined with the name of a person."""
    near = lines[max(0, span.line.number - 1) : span.line.number + 2]
    if any(name_context.is_of_people(line.text) for line in near):
        return True
    if not name_context.is_pair(span.before) and not name_context.is_pair(span.after):
        return False
    others = [*span.line.words[: span.first], *span.line.words[span.last :]]
    return any(other_meanings(word.group()).person for word in others)


def _is_area(span: TownSpan, people: int) -> bool:
    """Return whether a name is rather the name of a country, state or province, which is much larger than the town."""
    for area in area_spans(span.line):
        if (area.first, area.last) == (span.first, span.last) and not area.is_code:
            first = area.areas[0]
            return not first.is_part and not first.holds(span.towns[:1])[0] and first.people > 5 * people
    return False
