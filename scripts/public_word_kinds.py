"""Decide the kind of a public word by its nouns, to find words that stand in a list of another kind.

``tables/public_word_kinds.toml`` has the nouns of each kind.
"""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path

from whereshot.earth.name_index import name_keys
from whereshot.evidence.public_word_entries import written_key
from whereshot.evidence.text_segments import UNSPACED_SCRIPTS, native_script

NOUNS = Path(__file__).parents[1] / "tables" / "public_word_kinds.toml"
ANY_NOUN = frozenset({"language-variety", "spelling", "title", "unit", "motto", "holiday", "aid"})
"""Kinds whose words may have any noun."""
ALONE = "="
"""Stands in front of a noun that decides only for itself."""


@functools.cache
def nouns() -> dict[str, str]:
    """Return the kind of each noun of the table, by the noun as it is written there. A noun has one kind."""
    found: dict[str, str] = {}
    for kind, own in tomllib.loads(NOUNS.read_text("utf-8")).items():
        for noun in own:
            if found.setdefault(noun, kind) != kind:
                raise ValueError(f"{NOUNS.name}: {noun!r} is a noun of {found[noun]} and of {kind}; expected one kind")
    return found


@functools.cache
def _by_key() -> tuple[dict[str, str], dict[str, str]]:
    """Return the kinds by the keys of all nouns, and of the nouns that decide for phrases too."""
    whole = {_key_of(noun.removeprefix(ALONE)): kind for noun, kind in nouns().items()}
    return whole, {_key_of(noun): kind for noun, kind in nouns().items() if not noun.startswith(ALONE)}


def _key_of(text: str) -> str:
    """Return the key of a noun; a Latin one of few letters is compared as it is written."""
    return written_key(text) if text.isascii() and text.isupper() else name_keys([text])[0]


def kind_of(word: str) -> str | None:
    """Return the kind that the nouns of a word decide; None where they decide none, or several.

    >>> kind_of("Flughafen Wien"), kind_of("Wien")
    ('airport', None)
    """
    whole, parts = _by_key()
    own = whole.get(_key_of(word))
    if own is not None:
        return own
    if native_script(word) in UNSPACED_SCRIPTS:
        key = _key_of(word)
        found = {max((noun for noun in parts if key.startswith(noun)), key=len, default="")} - {""}
    else:
        keys = [_key_of(part) for part in word.split()]
        ends = {"".join(keys[:count]) for count in range(1, 4)} | {"".join(keys[-count:]) for count in range(1, 4)}
        found = ends & parts.keys()
    kinds = {parts[noun] for noun in found}
    return kinds.pop() if len(kinds) == 1 else None


def misplaced(word: str, kind: str) -> str | None:
    """Return the kind of a word that stands in a list of another kind; None where it is in its place."""
    decided = kind_of(word)
    return None if decided in (None, kind) or kind in ANY_NOUN else decided
