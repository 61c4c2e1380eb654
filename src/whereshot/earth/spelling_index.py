"""Find names of one script in text that was read with errors: as a whole, or inside writing without spaces.

Names are compared by their keys (``name_index.name_keys``). Syllables of Hangul are taken apart into their letters. A
wrong, a missing or an additional letter is an error. It counts half where the letters look alike, or where they are
vowel signs or other marks, which are small and easily missed.
"""

from __future__ import annotations

import functools
import math
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whereshot.earth.name_index import edit_distances, letter_signatures

LONGEST = 64
"""Letters of the longest name that is compared: the bits of a machine word."""
MOST_CANDIDATES = 24
"""Names whose errors are weighed for one text, those with the fewest errors."""
HALF = 0.5
"""Cost of an error between letters that look alike, or between marks."""
_NEAR = (
    "бв ве ес со гт гп пни шщ цщ ыьъ зэ хж уч лд лп мн "
    "αδ βθ εσ γυν ηπ κχ ζξ ορ "
    "بتثنپیٹ جحخچ دذڈ رزژڑو سش صض طظ عغ فق کگ لا "
    "דר החת וזןי כבפ סם גנ צע "
    "กภถ ดตค คศ นม ผพฝฟ บปษ ขชซ รธ อฮ วา ลส ทห ญณ เแ ไใโ "
    "ກຖ ດຕຄ ນມ ຜພຝຟ ບປ ຂຊ ລສ ວອ ຫທ ໄໃ "
    "កគត ចជ ពធ នម លហ ខឧ ដផ "
    "ကဂ တထ ပဖဗ သည စဓ လ1 ဝ0 "
    "भमझ घध बव पयष डङइह खरव तन टठढ थय गा ओआ "
    "বরক যষ ঘথ পগ তভ ডউ ণন এত ওত "
    "ਪਖ ਸਮ ਬਥ ਵਬ ਹਰ ਘਯ ਗਰ "
    "ઘધ બખ પષ ગશ દઢ રચ તન "
    "ଗଣ ରଚ ଘସ ଦଡ ବର ପଫ ଥୟ "
    "கசத நத ணன லவ றர ளன எஏ ஒஓ "
    "పసవష బభ డద నస చఛ రత ఠర కశ మయ "
    "ಪವಷಸ ಬಭ ದಡ ತನ ರಠ ಚಛ ಮಯ ಕಶ "
    "നറ തഞ ദഭ പവ സഡ രത ണന "
    "තනහ පසව ගහ බධඛ දඳ රඋ කත "
    "აბგ ვკ დფ ძმ შწ ჩჰ ხზ თო ლუ ეც ჯპ "
    "ոտն գզ եէ ձծ սա հի րբ մժ լխ ջչ կվ "
    "ᄀᄏ ᄃᄐ ᄇᄑ ᄌᄎ ᄉᄌ ᄋᄆ ᄂᄅ ᅡᅣ ᅥᅧ ᅩᅭ ᅮᅲ ᅢᅦ ᅡᅥ ᅩᅮ ᆫᆯ ᆷᆼ ᆨᆫ ᅡᅵ ᅥᅵ"
)
"""Letters that look alike, in groups, as keys and readers spell them."""


class Spelling(NamedTuple):
    """A name that a text may be: its row, the errors (0.5 for a small one), and where it stands in the text."""

    row: int
    errors: float
    start: int
    stop: int


@functools.cache
def _near_pairs() -> frozenset[tuple[str, str]]:
    return frozenset((a, b) for group in _NEAR.split() for a in group for b in group)


@functools.lru_cache(4096)
def _is_mark(letter: str) -> bool:
    """Return whether a letter is a combining mark, or the vowel or last consonant of a Hangul syllable."""
    return unicodedata.category(letter) in ("Mn", "Mc") or "\u1160" <= letter <= "\u11ff"


@functools.lru_cache(16384)
def letter_cost(read: str, written: str) -> float:
    """Return the cost of a letter read for another one; "" stands for none.

    >>> letter_cost("ц", "щ"), letter_cost("ж", "о"), letter_cost("ж", "")
    (0.5, 1.0, 1.0)
    """
    if read == written:
        return 0.0
    if all(_is_mark(letter) for letter in (read, written) if letter) or (read, written) in _near_pairs():
        return HALF
    if read and written and "\u1200" <= read <= "\u137f" and ord(read) // 8 == ord(written) // 8:
        return HALF  # syllables of Ethiopic with the same consonant
    return 1.0


def spelled(key: str) -> str:
    """Return the key of a name with syllables of Hangul taken apart."""
    return unicodedata.normalize("NFD", key)


def weigh(text: str, name: str, inside: bool = False) -> tuple[float, int, int]:
    """Return the least cost of a name read as a text, and where the name starts and stops in the text.

    With ``inside``, the name may be any part of the text; else it is the whole text.
    """
    row = [(0.0 if inside else _prefix_cost(text[:size]), size if inside else 0) for size in range(len(text) + 1)]
    for letter in name:
        missed = letter_cost("", letter)
        above, row = row, [(row[0][0] + missed, row[0][1])]
        for place, read in enumerate(text):
            options = (
                (above[place][0] + letter_cost(read, letter), above[place][1]),
                (above[place + 1][0] + missed, above[place + 1][1]),
                (row[place][0] + letter_cost(read, ""), row[place][1]),
            )
            row.append(min(options))
    if not inside:
        return row[-1][0], 0, len(text)
    stop = min(range(len(row)), key=lambda place: (row[place][0], -place))
    return row[stop][0], row[stop][1], stop


def _prefix_cost(text: str) -> float:
    return sum(letter_cost(read, "") for read in text)


class _SameLength(NamedTuple):
    """Names of one length: letters (n, length) as numbers, signatures (n,), rows (n,)."""

    letters: NDArray[np.uint16]
    signatures: NDArray[np.uint64]
    rows: NDArray[np.int64]


class SpellingIndex:
    """Names of one script by their keys. Rows are the positions of the keys; a key may occur in several rows."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take the keys of names, as ``name_keys`` returns them."""
        self._names = [spelled(key)[:LONGEST] for key in keys]
        letters = sorted(set("".join(self._names)))
        self._number = {letter: number for number, letter in enumerate(letters, 1)}
        self._exact: dict[str, list[int]] = {}
        for row, name in enumerate(self._names):
            self._exact.setdefault(name, []).append(row)
        by_length: dict[int, list[int]] = {}
        for row, name in enumerate(self._names):
            by_length.setdefault(len(name), []).append(row)
        self._groups = {}
        for size, rows in by_length.items():
            block = np.array([self._numbers(self._names[row]) for row in rows], np.uint16).reshape(len(rows), size)
            self._groups[size] = _SameLength(block, letter_signatures(block), np.array(rows))

    def __len__(self) -> int:
        return len(self._names)

    def _numbers(self, text: str) -> list[int]:
        return [self._number.get(letter, 0) for letter in text]

    def exact(self, key: str) -> list[int]:
        """Return the rows of a key."""
        return self._exact.get(spelled(key), [])

    def whole(self, key: str, allowed: float) -> list[Spelling]:
        """Return the names that a key may be with at most ``allowed`` errors, the fewest errors first."""
        text = spelled(key)
        most = math.ceil(2 * allowed) if allowed < 1 else math.ceil(allowed) + 1
        if not 0 < len(text) <= LONGEST:
            return []
        pattern = np.array(self._numbers(text), np.uint16)
        signature = letter_signatures(pattern[None])[0]
        found: list[tuple[int, int]] = []
        for size in range(len(text) - most, len(text) + most + 1):
            group = self._groups.get(size)
            if group is None:
                continue
            bits = 2 * most - abs(size - len(text))
            near = np.flatnonzero(np.bitwise_count(group.signatures ^ signature) <= bits)
            if not len(near):
                continue
            errors = edit_distances(pattern, group.letters[near], len(self._number) + 1)
            kept = errors <= most
            found += zip(errors[kept].tolist(), group.rows[near[kept]].tolist(), strict=True)
        return self._weighed(text, found, allowed)

    def _weighed(self, text: str, found: list[tuple[int, int]], allowed: float) -> list[Spelling]:
        costs: dict[str, float] = {}
        for _, row in sorted(found):
            name = self._names[row]
            if name not in costs and len(costs) < MOST_CANDIDATES:
                costs[name] = weigh(text, name)[0]
        rows = [(costs[self._names[row]], row) for _, row in found if costs.get(self._names[row], math.inf) <= allowed]
        return [Spelling(row, errors, 0, len(text)) for errors, row in sorted(rows)]

    def inside(self, text: str, allowed: Callable[[int], float]) -> Iterator[Spelling]:
        """Yield the names that stand anywhere in a text, each at its best place.

        ``allowed`` returns the most errors of a name by its number of letters. Places are counted in ``text``.
        """
        errors, stops = self._semi_global(text)
        most = self._most(allowed)
        near = np.flatnonzero(errors <= np.ceil(most))
        near = near[np.argsort(errors[near] - most[near], kind="stable")][:MOST_CANDIDATES]
        for row in near.tolist():
            name, stop = self._names[row], int(stops[row])
            slack = math.ceil(float(most[row])) + 1
            start = max(0, stop - len(name) - slack)
            cost, first, last = weigh(text[start : stop + slack], name, inside=True)
            if cost <= allowed(len(name)):
                yield Spelling(row, cost, start + first, start + last)

    def _most(self, allowed: Callable[[int], float]) -> NDArray[np.float64]:
        by_length = {size: allowed(size) for size in self._groups}
        return np.array([by_length[len(name)] for name in self._names])

    @functools.cached_property
    def _masks(self) -> NDArray[np.uint64]:
        """Return, for each letter and name, the places of the letter in the name: (letters + 1, names)."""
        masks = np.zeros((len(self._number) + 1, len(self)), np.uint64)
        for row, name in enumerate(self._names):
            for place, letter in enumerate(name):
                masks[self._number[letter], row] |= np.uint64(1 << place)
        return masks

    def _semi_global(self, text: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the fewest errors of each name anywhere in a text, and where that place stops (Myers 1999)."""
        one = np.uint64(1)
        sizes = np.array([len(name) for name in self._names])
        last = one << (sizes - 1).astype(np.uint64)
        up, down = np.full(len(self), ~np.uint64(0)), np.zeros(len(self), np.uint64)
        distance, best, stops = sizes.copy(), sizes.copy(), np.zeros(len(self), np.int64)
        for place, letter in enumerate(text):
            equal = self._masks[self._number.get(letter, 0)]
            vertical = equal | down
            horizontal = (((equal & up) + up) ^ up) | equal
            more, less = down | ~(horizontal | up), up & horizontal
            distance += (more & last).astype(bool)
            distance -= (less & last).astype(bool)
            more, less = more << one, less << one
            up, down = less | ~(vertical | more), more & vertical
            better = distance < best
            best = np.where(better, distance, best)
            stops[better] = place + 1
        return best, stops
