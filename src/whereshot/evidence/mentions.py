"""Cues of the places that are named in one picture. Names that stand together give one cue."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whereshot.earth.country_names import english_name
from whereshot.earth.name_index import name_keys
from whereshot.earth.towns import gazetteer
from whereshot.evidence.base import Box, Cue, Line, Proposal, box_around
from whereshot.evidence.town_spans import proposals_of
from whereshot.evidence.towns_together import (
    AIR_TO_ROAD,
    NamedTowns,
    TownsTogether,
    people_of,
    shares_of,
    towns_together,
)
from whereshot.evidence.transliteration import in_latin
from whereshot.evidence.written_distances import distance_beside

MISREAD_DISCOUNT = 0.6
"""Share of its reliability that a name keeps for each misread letter."""
JOINED_TRUSTS = frozenset({"text/place/named", "text/place/plain", "text/place/weak"})
"""Names of these kinds of trust are looked at together."""
NAMESAKE_SHARE = 0.2
"""A place whose own name begins with the text is named before a larger one with up to 1 / this times its weight."""
LEAST_PROBABILITY = 0.3
"""Least probability that a name is meant, for it to be looked at together with others."""


@dataclass(frozen=True)
class Mention:
    """A name as it was read, the towns that it may mean, the number of misread letters, and its trust.

    ``probability`` is how surely the towns are meant, 0 to 1. ``alone`` says whether the name is evidence without other
    names beside it.
    """

    text: str
    towns: NDArray[np.int64]
    errors: int
    trust: str
    box: Box
    area: str = ""
    spread_km: float = 1.5
    probability: float = 1.0
    alone: bool = True


def cues_of_mentions(mentions: Iterable[Mention], lines: Sequence[Line]) -> list[Cue]:
    """Return one cue for the names that stand together, and one for each other name that is evidence alone."""
    every = list(mentions)
    distances = [distance_beside(mention.text, mention.box, lines) for mention in every]
    group = [
        number
        for number, mention in enumerate(every)
        if mention.trust in JOINED_TRUSTS and not mention.area and not mention.errors
        if mention.probability >= LEAST_PROBABILITY
    ]
    names = [
        NamedTowns(every[number].towns, distances[number], _is_here(every[number], distances[number]))
        for number in group
    ]
    together = towns_together(names) if len(names) > 1 else None
    joined = {number for number, town in zip(group, together.meant, strict=True) if town >= 0} if together else set()
    cues = [
        _cue(mention, distances[number])
        for number, mention in enumerate(every)
        if number not in joined and mention.alone
    ]
    if together is not None:
        cues.append(_cue_together([every[number] for number in sorted(joined)], together))
    return cues


def _is_here(mention: Mention, distance_km: float | None) -> bool:
    """Return whether words around a name say that the photo was taken there. A distance says that it was not."""
    return mention.trust == "text/place/named" and mention.alone and distance_km is None


def _cue_together(mentions: Sequence[Mention], together: TownsTogether) -> Cue:
    known = gazetteer()
    meant = [town for town in together.meant if town >= 0]
    codes = list(dict.fromkeys(str(known.country_codes[town]) for town in meant))
    names = list(dict.fromkeys(known.name(town) for town in meant))
    listed = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    means = f"named together: {listed} ({', '.join(map(english_name, codes))})"
    text = " / ".join(mention.text for mention in mentions)
    latin = in_latin(text)
    spread_km = np.maximum(together.spread_km, _spread_km(together.towns))
    return Cue(
        "text/place",
        text,
        f"{latin}, {means}" if latin else means,
        "text/place/qualified",
        max(mention.probability for mention in mentions),
        proposals=proposals_of(together.towns, together.weights, spread_km),
        box=box_around(mention.box for mention in mentions),
    )


def _cue(mention: Mention, distance_km: float | None) -> Cue:
    spread_km = _spread_km(mention.towns, mention.spread_km)
    if distance_km is not None:
        spread_km = np.maximum(spread_km, AIR_TO_ROAD * distance_km)
    proposals = proposals_of(mention.towns, shares_of(mention.towns), spread_km)
    means_by = functools.partial(_means, mention, len(proposals))
    return Cue(
        "text/place",
        mention.text,
        means_by(best_known(mention.text, proposals)),
        mention.trust,
        mention.probability * MISREAD_DISCOUNT**mention.errors,
        proposals=proposals,
        box=mention.box,
        means_by=means_by,
    )


def _means(mention: Mention, count: int, meant: Proposal) -> str:
    """Return what a name means in words, by the place that is meant, one of ``count`` places so called."""
    country = english_name(meant.country_code)
    others = {1: "", 2: ", or the other place so called"}.get(count, f", or one of {count - 1} other places so called")
    if mention.trust == "text/place/region":
        means = f"the region {mention.area} ({country})"
    elif mention.area:
        means = f"the place {meant.name} in {mention.area} ({country}){others}"
    else:
        means = f"the place {meant.name} ({country}){others}"
    latin = in_latin(mention.text)
    return f"{latin}, {means}" if latin else means


def best_known(text: str, proposals: Sequence[Proposal]) -> Proposal:
    """Return the largest place that a text names: one whose name begins so, unless another one is much larger.

    "Zaragoza" is the city in Spain, although Tijuana was called so. "Londres" is London, and no hamlet.
    """
    first = max(proposals, key=lambda proposal: proposal.weight)
    own, *names = name_keys([text, *(proposal.name for proposal in proposals)])
    likely = [
        proposal
        for proposal, name in zip(proposals, names, strict=True)
        if name.startswith(own) and proposal.weight >= NAMESAKE_SHARE * first.weight
    ]
    return max(likely, key=lambda proposal: proposal.weight, default=first)


def _spread_km(towns: NDArray[np.int64], least_km: float = 1.5) -> NDArray[np.float64]:
    """Return the distances in km (n,) within which half of the photos of towns are taken, by their inhabitants."""
    return np.asarray(np.clip(0.02 * np.sqrt(people_of(towns)), least_km, max(12.0, least_km)))
