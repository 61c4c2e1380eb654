"""Towns named in native scripts: in lines that a reader gives in lower case, without capitals, and with wrong letters.

A name that stands alone in its line, or beside a word for a kind of place, is evidence. In a sentence or beside other
words, only an exact name of a larger town is evidence. Ordinary words are not, nor are misread words that a list of
words has. How surely a name is meant depends on its length, its errors, the number of names in the script, and the
inhabitants.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.earth.name_index import name_keys
from whereshot.earth.spelling_index import spelled
from whereshot.earth.towns import gazetteer
from whereshot.evidence.ambiguous_names import expected_zipf, other_meanings
from whereshot.evidence.base import Box, Line
from whereshot.evidence.lexicon import lexicon
from whereshot.evidence.native_towns import FoundTown, native_towns, place_kinds
from whereshot.evidence.public_words import public_words
from whereshot.evidence.text_segments import MARKS, UNSPACED_SCRIPTS, native_script
from whereshot.evidence.town_spans import largest_towns

_SPANS = ((4, True), (3, True), (3, False), (2, True), (2, False), (1, True), (1, False))
"""Numbers of words in which names are looked for, and whether exactly or with errors, in this order."""
LEAST_NATS = 3.0
"""Least nats for a misread name of several words to be a name; below that, its words are searched one by one."""
LEAST_NATS_WORDS = 6.0
"""The same for several ordinary words, which are mostly near a name by chance."""
MOST_WORDS = 16
"""Most words of a line that are searched; the rest is left out."""
LEAST_PROBABILITY = 0.08
"""Least probability that a name is meant; other names are left out."""
SENTENCE_DISCOUNT, SENTENCE_POPULATION, SENTENCE_LETTERS = 0.4, 20_000, 5
"""A name among other words keeps this share of its reliability, if it is exact and the town has these inhabitants."""
STREET_DISCOUNT = 0.25
"""Share of its reliability that a name keeps beside a word for a street, a shop or a restaurant with that name."""
LARGEST_WORD = 150_000
"""Inhabitants below which a town is less known than a word of public life with the same spelling."""
LARGEST_PHRASE = 100_000
"""Inhabitants below which a name of several frequent words is not evidence."""
FREQUENT_ZIPF = 4.0
"""Least frequency of each of these words, on the Zipf scale."""
DICTIONARY_NATS = 1.5
"""Nats against a name that is also a rare word of a dictionary."""
MORE_FREQUENT = 0.7
"""A word is ordinary if it is more frequent than the name of the town by this much, on the Zipf scale."""
_WORD = re.compile(rf"(?:[^\W\d_]|[{MARKS}])+(?:['’-](?:[^\W\d_]|[{MARKS}])+)*")
_NAMED_AFTER = frozenset({"street-word", "shop", "restaurant", "road-sign", "bank", "education", "religion"})
"""Kinds of public words beside which the name of a town often names a street or a firm."""


class NativeName(NamedTuple):
    """A town's name as it was read: its text, towns, errors, whether a word says that a place is meant, and the box.

    ``probability`` is how surely the towns are meant by the name, 0 to 1.
    """

    text: str
    towns: NDArray[np.int64]
    errors: float
    is_named: bool
    probability: float
    box: Box


def native_names(lines: Sequence[Line]) -> list[NativeName]:
    """Return the names of towns in the lines of a photo that are in native scripts."""
    found: list[NativeName] = []
    for line in lines:
        script = native_script(line.text)
        if script:
            names = (
                _unspaced_names(line, script)
                if script in UNSPACED_SCRIPTS
                else _spaced_names(line, script, _word_after(line, lines))
            )
            found += [name for name in names if name.probability >= LEAST_PROBABILITY]
    return found


def _word_after(line: Line, lines: Sequence[Line]) -> str:
    """Return the key of the first word of the line that goes on beside or below a line, "" where there is none."""
    left, top, right, bottom = line.box
    height, width = bottom - top, right - left
    for other in lines:
        x, y, x_end, y_end = other.box
        shared_height, shared_width = min(bottom, y_end) - max(top, y), min(right, x_end) - max(left, x)
        is_alike = 0.5 * height <= y_end - y <= 2 * height
        is_beside = 2 * shared_height >= height and min(abs(x - right), abs(left - x_end)) <= 1.5 * height
        is_below = 2 * shared_width >= min(width, x_end - x) and -height / 2 <= y - bottom <= height
        if other is not line and is_alike and (is_beside or is_below):
            word = _WORD.search(other.text)
            return name_keys([word.group()])[0] if word else ""
    return ""


def _spaced_names(line: Line, script: str, word_after: str) -> Iterator[NativeName]:
    """Yield the names in a line whose words are separated, exact ones first, longer ones before shorter ones.

    ``word_after`` is the key of the word after the line, "" for none.
    """
    words = list(_WORD.finditer(line.text))[:MOST_WORDS]
    keys = name_keys([word.group() for word in words])
    spans: dict[tuple[int, int], FoundTown] = {}
    used = [False] * len(words)
    doubtful: dict[tuple[int, int], FoundTown] = {}
    for length, is_exact in _SPANS:
        for first in range(len(words) - length + 1):
            span = slice(first, first + length)
            if any(used[span]) or native_script("".join(keys[span])) != script:
                continue
            found = _towns_of(keys[span], script, is_exact, line.confidence)
            if found is not None and (is_exact or length == 1 or found.nats >= LEAST_NATS):
                used[span] = [True] * length
                spans[first, first + length] = found
            elif found is not None:
                doubtful[first, first + length] = found
    for (first, last), found in sorted(doubtful.items(), key=lambda item: -item[1].nats):
        if not any(used[first:last]):
            used[first:last] = [True] * (last - first)
            spans[first, last] = found
    for (first, last), found in spans.items():
        discount, is_named = _context(keys, first, last, used, script, word_after)
        if discount < 1 and not _is_large(found):
            continue
        text = line.text[words[first].start() : words[last - 1].end()]
        yield _name(text, found, is_named, discount, line.box)


def _towns_of(parts: Sequence[str], script: str, is_exact: bool, confidence: float) -> FoundTown | None:
    """Return the towns that the keys of words name; None where they are rather ordinary words."""
    key = "".join(parts)
    if key in place_kinds(script).before or key in place_kinds(script).after:
        return None
    towns = native_towns(script)
    if is_exact:
        found = towns.exact(key)
        return None if found is None or _are_ordinary(parts, found) or is_ordinary(key, found.towns) else found
    if _is_word(key):
        return None
    found = towns.misread(key, len(parts) - 1, confidence)
    if found is not None and found.errors == 0:  # an exact name that is also a word of a dictionary
        return found._replace(nats=found.nats - DICTIONARY_NATS) if len(parts) == 1 else None
    if found is None:
        return None
    are_words = all(_is_word(part) for part in parts)
    return None if are_words and (len(parts) == 1 or found.nats < LEAST_NATS_WORDS) else found


def is_ordinary(key: str, towns: NDArray[np.int64]) -> bool:
    """Return whether a key is rather an ordinary word, or a person's name, than towns of their size."""
    people = int(gazetteer().populations[towns].max())
    entry = public_words().entry(key, key)
    if entry is not None and people < LARGEST_WORD:
        return True
    zipf = other_meanings(key).word_zipf
    return zipf > expected_zipf(people) + MORE_FREQUENT or _zipf(key) > expected_zipf(people) + 2 * MORE_FREQUENT


def _are_ordinary(parts: Sequence[str], found: FoundTown) -> bool:
    """Return whether several words are rather ordinary words ("old town") than a town of that size."""
    people = int(gazetteer().populations[found.towns].max())
    return len(parts) > 1 and people < LARGEST_PHRASE and all(_zipf(part) >= FREQUENT_ZIPF for part in parts)


def _is_word(key: str) -> bool:
    return lexicon().find(key) is not None or public_words().entry(key, key) is not None


def _zipf(key: str) -> float:
    """Return how frequent a word is in the language where it is most frequent, on the Zipf scale; 0 for no word."""
    found = lexicon().find(key)
    return 0.0 if found is None else float(found.log_frequency.max() / math.log(10) + 9)


def _context(
    keys: Sequence[str], first: int, last: int, used: Sequence[bool], script: str, word_after: str
) -> tuple[float, bool]:
    """Return the discount of a name by the words around it, and whether one of them is a kind of place.

    ``word_after`` is the key of the word after the line. It can make the name that of a street or a firm.
    """
    kinds = place_kinds(script)
    before = keys[first - 1] if first else ""
    after = keys[last] if last < len(keys) else ""
    if before in kinds.before or after in kinds.after:
        return 1.0, True
    if _is_named_after(before) or _is_named_after(after if last < len(keys) else word_after):
        return STREET_DISCOUNT, False
    others = [key for row, key in enumerate(keys) if not used[row] and key not in kinds.before | kinds.after]
    return (SENTENCE_DISCOUNT, False) if any(len(key) > 1 for key in others) else (1.0, False)


def _is_named_after(key: str) -> bool:
    """Return whether a word beside the name of a town mostly means a street or a firm: "Chawri market"."""
    entry = public_words().entry(key, key) if key else None
    return entry is not None and entry.kind in _NAMED_AFTER


def _is_large(found: FoundTown) -> bool:
    people = int(gazetteer().populations[found.towns].max())
    return found.errors == 0 and people >= SENTENCE_POPULATION and found.stop - found.start >= SENTENCE_LETTERS


def _unspaced_names(line: Line, script: str) -> Iterator[NativeName]:
    """Yield the names in a line without spaces between words."""
    kinds = place_kinds(script)
    for run in _WORD.finditer(line.text):
        text = run.group()
        pieces = name_keys(text)
        key = "".join(pieces)
        whole = native_towns(script).exact(key)
        if native_script(text) != script or (whole is None and public_words().entry(key, key) is not None):
            continue
        places = [place for place, piece in enumerate(pieces) for _ in piece]
        for found in [whole] if whole is not None else native_towns(script).inside(key, line.confidence):
            stop = min(found.stop, len(places))
            written = text[places[found.start] : places[stop - 1] + 1]
            rest = key[: found.start], key[stop:]
            is_named = any(
                rest[0].endswith(kind) or (whole is not None and key.startswith(kind)) for kind in kinds.before
            )
            is_named = is_named or any(rest[1].startswith(kind) for kind in kinds.after)
            if is_ordinary(key[found.start : stop], found.towns) and not is_named:
                continue
            is_alone = len(rest[0]) + len(rest[1]) <= 2
            if not is_named and not is_alone and len(spelled(key[found.start : stop])) < SENTENCE_LETTERS:
                continue
            discount = 1.0 if is_named or is_alone else SENTENCE_DISCOUNT
            yield _name(written, found, is_named, discount, line.box)


def _name(text: str, found: FoundTown, is_named: bool, discount: float, box: Box) -> NativeName:
    probability = discount / (1 + math.exp(-found.nats))
    return NativeName(text, largest_towns(found.towns), found.errors, is_named, probability, box)
