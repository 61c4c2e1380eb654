"""Towns of the gazetteer with a name in a script that is written there, drawn by a seed, and what counts as right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from whereshot.earth import sphere
from whereshot.earth.towns import gazetteer
from whereshot.evidence.country_languages import country_languages
from whereshot.evidence.known_languages import LANGUAGES
from whereshot.evidence.line_scripts import CLASSES
from whereshot.evidence.text_segments import script_of_word

SEED = 18
NATIVE_SCRIPTS = tuple(name for name in CLASSES if name not in ("Latin", "Han", "Kana", "digits", "none"))
"""The scripts whose towns are drawn, each as often as the others while it has towns left."""
LEAST_SHARE = 0.13
"""A script is a country's own if at least this share of its public text is in languages that are written in it."""
INDIAN_STATES = {
    "Bengali": ("West Bengal", "Tripura", "Assam"),
    "Gurmukhi": ("Punjab",),
    "Gujarati": ("Gujarāt",),
    "Odia": ("Odisha",),
    "Tamil": ("Tamil Nādu", "Pondicherry"),
    "Telugu": ("Andhra Pradesh", "Telangāna"),
    "Kannada": ("Karnātaka",),
    "Malayalam": ("Kerala",),
    "Arabic": ("Kashmir",),
}
"""The states of India that write a script; Devanagari is written in the others."""
LEAST_LETTERS, MOST_LETTERS = 3, 24
CITY_KM = 25.0
"""An answer is a town of a name if it lies this close to a town that has the name."""


class NativeTown(NamedTuple):
    """A town's number in the gazetteer, one of its names, the script of the name, and the town's country."""

    town: int
    name: str
    script: str
    country_code: str

    def is_first(self, latitude: float, longitude: float) -> bool:
        """Return whether a position is a town of this name: there may be several."""
        towns = gazetteer().named(self.name)
        return bool((sphere.distance_km(np.array([latitude, longitude]), gazetteer().points[towns]) <= CITY_KM).any())


def own_scripts(scripts: Sequence[str] = NATIVE_SCRIPTS) -> dict[tuple[str, str], set[str]]:
    """Return which of some scripts each first-order division writes, by country code and name of the division."""
    known = country_languages()
    of_country: dict[str, set[str]] = {code: set() for code in known.countries}
    for script in scripts:
        written = [script in language.scripts for language in LANGUAGES.values()]
        for code, share in zip(known.countries, known.share[:, written].sum(axis=1), strict=True):
            if share >= LEAST_SHARE:
                of_country[code].add(script)
    of_state = {("IN", state): {script} & set(scripts) for script, states in INDIAN_STATES.items() for state in states}
    return {key: of_state.get(key, of_country.get(key[0], set())) for key in gazetteer().divisions[0]}


def named_towns(scripts: Sequence[str] = NATIVE_SCRIPTS) -> dict[str, list[NativeTown]]:
    """Return every name in a script that the town's own division writes, by script."""
    towns, own = gazetteer(), own_scripts(scripts)
    divisions, number = towns.divisions
    found: dict[str, list[NativeTown]] = {script: [] for script in scripts}
    for row, names in enumerate(towns._other_names.to_pylist()):
        division = divisions[number[row]]
        for name in names if own[division] else ():
            letters = [char for char in name if char.isalpha()]
            script = script_of_word(letters)
            if script in own[division] and len(letters) >= LEAST_LETTERS and len(name) <= MOST_LETTERS:
                found[script].append(NativeTown(row, name, script, division[0]))
    return found


def native_towns(count: int, seed: int = SEED) -> list[NativeTown]:
    """Return ``count`` towns, each once in a script, as even over the scripts as the gazetteer allows.

    The towns come script by script in turn, so that the first of them are a smaller sample of the same kind.
    """
    rng = np.random.default_rng(seed)
    queues = []
    for named in named_towns().values():
        once = {named[row].town: named[row] for row in rng.permutation(len(named))}
        queues.append(list(once.values()))
    drawn: list[NativeTown] = []
    while len(drawn) < count and any(queues):
        for queue in queues:
            if queue and len(drawn) < count:
                drawn.append(queue.pop())
    return drawn
