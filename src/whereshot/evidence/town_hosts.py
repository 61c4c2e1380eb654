"""Web addresses in lines of text, and the towns that their names are: "www.stockholm.se", "www.comune.roma.it".

A name in an address is mostly the name of a company: "www.vans.com". It is the name of a town if the address has the
domain of the town's country, or a word for a municipality. It must be exactly the usual name of the town.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from whereshot.earth.name_index import name_keys
from whereshot.earth.towns import gazetteer
from whereshot.evidence.ambiguous_names import LARGEST_NAMESAKE, other_meanings
from whereshot.evidence.town_spans import LEAST_LETTERS, largest_towns
from whereshot.evidence.web_addresses import addresses, country_of_domain, host_names
from whereshot.evidence.worldwide_words import is_worldwide

_MUNICIPAL = (
    "stadt gemeinde landkreis kreis ville mairie commune comune ayto ayuntamiento ajuntament gemeente visit kommune "
    "cityof city-of townof town-of city turismo tourisme tourismus prefeitura cm municipio obec mesto gmina um"
)
_MUNICIPAL_WORD = "|".join(_MUNICIPAL.split())
_MUNICIPAL_LABEL = re.compile(rf"^(?:{_MUNICIPAL_WORD}|gov|gob|gouv)$")
_MUNICIPAL_BEFORE = re.compile(rf"^(?:{_MUNICIPAL_WORD})-?(?=.{{{LEAST_LETTERS},}})")
_MUNICIPAL_AFTER = re.compile(r"(?<=.{4})-?(?:city|stadt|gov|tourism|tourismus|council)$")
_SPELLED_UMLAUT = re.compile("([aou])e")


def host_towns(text: str) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Yield (name in the address, its towns) for each web address of a town.

    >>> [name for name, _ in host_towns("www.stockholm.se")], list(host_towns("www.vans.com"))
    (['stockholm'], [])
    """
    for _, labels in addresses(text):
        code = country_of_domain(labels)
        for label in host_names(labels):
            is_municipal = any(_MUNICIPAL_LABEL.match(other) for other in labels if other != label)
            name = _MUNICIPAL_AFTER.sub("", _MUNICIPAL_BEFORE.sub("", label))
            is_municipal = is_municipal or name != label
            if len(name) < LEAST_LETTERS or (is_worldwide(name) and not is_municipal):
                continue
            towns = _towns_called(name)
            if code is not None:
                towns = towns[gazetteer().country_codes[towns] == code]
            elif not is_municipal:
                continue
            if len(towns) and (is_municipal or not _has_other_meaning(name, towns)):
                yield label, largest_towns(towns)


def _towns_called(name: str) -> NDArray[np.int64]:
    """Return the towns with this usual name; an umlaut may be spelled with an e."""
    known = gazetteer()
    (key,) = name_keys([name])
    towns = known.named(name)
    usual = name_keys([known.name(town) for town in towns])
    kept: NDArray[np.int64] = towns[np.array([own in (key, _SPELLED_UMLAUT.sub(r"\1", key)) for own in usual], bool)]
    return kept


def _has_other_meaning(name: str, towns: NDArray[np.int64]) -> bool:
    meanings = other_meanings(name)
    return meanings.word_zipf > 0 or int(gazetteer().populations[towns].max()) < LARGEST_NAMESAKE[meanings.person]
