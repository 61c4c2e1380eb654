"""Find names among hundreds of thousands: exactly, or with some wrong, missing or additional letters.

Names are compared by their keys, which leave out case, accents, spaces and punctuation.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_LATIN = {"æ": "ae", "œ": "oe", "þ": "th", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ə": "e"}
_ARABIC = {
    "ك": "ک", "ڪ": "ک", "ي": "ی", "ى": "ی", "ے": "ی", "ې": "ی", "ة": "ه", "ۃ": "ه", "ہ": "ه", "ھ": "ه", "ە": "ه",
    "ٱ": "ا",
}  # fmt: skip
_OTHERS = {"ւ": "վ", "ൺ": "ണ്", "ൻ": "ന്", "ർ": "ര്", "ൽ": "ല്", "ൾ": "ള്"}
_SPELLED = _LATIN | _ARABIC | _OTHERS
"""Letters that Unicode does not decompose, and letters that keyboards or languages use in place of each other."""

_NUKTA = "\u093c\u09bc\u0a3c\u0abc\u0b3c\u0cbc"
_DROPPED = re.compile(f"[\u0300-\u036f\u0591-\u05c7\u0640\u064b-\u065f\u0670\u02b0-\u02ff{_NUKTA}]")
"""Accents, Hebrew and Arabic points, the dot of Indian letters; the okina and other apostrophes that are letters."""

_LOOKALIKES = {"0": "o", "1": "l", "i": "l", "5": "s", "8": "b"}
_LOOKALIKE_PAIRS = {"rn": "m", "vv": "w"}
_LONGEST = 64  # most letters of a name that is compared with errors: the bits of a machine word
_BLOCK = 50_000


def name_keys(names: Iterable[str]) -> list[str]:
    """Return names without case, accents, spaces, hyphens and punctuation, which signs often leave out.

    >>> name_keys(["Vilanova i la Geltrú", "KÖLN", "L’Hospitalet", "Αθήνα"])
    ['vilanovailageltru', 'koln', 'lhospitalet', 'αθηνα']
    """
    # all names as one text: a hundred times as fast as each name alone
    text = "".join([name.replace("\n", " ") + "\n" for name in names])
    return unicodedata.normalize("NFC", text.translate(_FOLDED)).split("\n")[:-1]


class _Folded(dict[int, str]):
    """What remains of each code point in a key, by code point; computed when it is first needed."""

    def __missing__(self, code: int) -> str:
        parts = unicodedata.normalize("NFKD", chr(code).casefold())
        kept = [part for part in parts.casefold() if unicodedata.category(part) in _KEPT and not _DROPPED.match(part)]
        self[code] = "".join(_SPELLED.get(part, part) for part in kept)
        result: str = self[code]
        return result


_KEPT = {"Ll", "Lu", "Lt", "Lm", "Lo", "Nd", "Nl", "No", "Mn", "Mc"}
_FOLDED = _Folded({ord("\n"): "\n"})


class _SameLength(NamedTuple):
    """The keys of one length, in which look-alike letters are equal."""

    letters: NDArray[np.uint16]  # (n, length)
    signatures: NDArray[np.uint64]  # (n,)
    hashes: NDArray[np.int64]  # (n,) of the keys themselves
    towns: NDArray[np.int32]  # (n,)


class NameIndex:
    """Keys of names: found exactly by their hash, and with errors in three steps.

    A key's signature has a bit for "has this letter" and one for "has it twice". An error changes few bits, so one
    pass of xor and count over all keys of about the right length leaves hundreds, whose edit distance is then
    computed for all at once, a column of the table in one machine word (Myers 1999).
    """

    def __init__(self, names: pa.Array, towns: NDArray[np.int64]) -> None:
        parts: dict[int, list[_SameLength]] = {}
        hashes = np.empty(len(names), np.int64)
        for start in range(0, len(names), _BLOCK):  # in small parts, because Python strings are large
            rows = slice(start, start + _BLOCK)
            keys = name_keys(names[rows].to_pylist())
            # hashes of strings differ between processes; these stay in this process
            hashes[rows] = np.fromiter(map(hash, keys), np.int64, len(keys))
            blurred = _blur_pairs("\n".join(keys)).split("\n")
            lengths = np.fromiter(map(len, blurred), np.int64, len(blurred))
            letters, first = _letters("".join(blurred)), np.cumsum(lengths) - lengths
            for size in np.unique(lengths[(lengths > 0) & (lengths <= _LONGEST)]).tolist():
                same = np.flatnonzero(lengths == size)
                block = letters[first[same, None] + np.arange(size)]
                group = _SameLength(
                    block, letter_signatures(block), hashes[rows][same], towns[rows][same].astype(np.int32)
                )
                parts.setdefault(size, []).append(group)
        self._groups = {size: _SameLength(*map(np.concatenate, zip(*own, strict=True))) for size, own in parts.items()}
        by_hash = np.argsort(hashes)
        self._hashes, self._towns = hashes[by_hash], towns[by_hash].astype(np.int32)

    def exact(self, key: str) -> NDArray[np.int32]:
        """Return the numbers (n,) of the towns with this key."""
        if not key:
            return np.empty(0, np.int32)
        wanted = hash(key)
        return self._towns[slice(*(np.searchsorted(self._hashes, wanted, side=side) for side in ("left", "right")))]

    def misread(self, key: str, allowed: int) -> list[tuple[int, int]]:
        """Return (town, errors) of all keys with at most ``allowed`` errors."""
        pattern = _letters(_blur_pairs(key))
        if not 0 < len(pattern) <= _LONGEST:
            return []
        signature = letter_signatures(pattern[None])[0]
        found: list[tuple[int, int]] = []
        for size in range(len(pattern) - allowed, len(pattern) + allowed + 1):
            if size not in self._groups:
                continue
            group = self._groups[size]
            # an additional or a missing letter changes one bit, a wrong letter two
            bits = 2 * allowed - abs(size - len(pattern))
            near = np.flatnonzero(np.bitwise_count(group.signatures ^ signature) <= bits)
            errors = edit_distances(pattern, group.letters[near])
            kept = errors <= allowed
            looks_alike = (errors[kept] == 0) & (group.hashes[near[kept]] != hash(key))
            found += zip(group.towns[near[kept]].tolist(), (errors[kept] + looks_alike).tolist(), strict=True)
        return found


def _blur_pairs(text: str) -> str:
    for pair, single in _LOOKALIKE_PAIRS.items():
        text = text.replace(pair, single)
    return text


@functools.cache
def _blurred_letters() -> NDArray[np.uint16]:
    table = np.arange(1 << 16, dtype=np.uint16)
    for letter, alike in _LOOKALIKES.items():
        table[ord(letter)] = ord(alike)
    return table


def _letters(text: str) -> NDArray[np.uint16]:
    """Return code points with look-alikes made equal.

    Larger code points are reduced to 16 bits, which can only add a match.
    """
    result: NDArray[np.uint16] = _blurred_letters()[np.frombuffer(text.encode("utf-32-le"), np.uint32) & 0xFFFF]
    return result


def letter_signatures(letters: NDArray[np.uint16]) -> NDArray[np.uint64]:
    """Return words (n,) of letters (n, length): bits 0 to 31 for letters that are there, bits 32 to 63 for letters that
    are there twice.
    """
    cell = (letters & 31) + 32 * np.arange(len(letters), dtype=np.int32)[:, None]
    count = np.bincount(cell.ravel(), minlength=32 * len(letters)).reshape(-1, 32)
    bits = np.packbits(np.concatenate([count > 0, count > 1], axis=1), axis=1, bitorder="little")
    return bits.view(np.uint64)[:, 0]


def edit_distances(pattern: NDArray[np.uint16], texts: NDArray[np.uint16], letters: int = 1 << 16) -> NDArray[np.int64]:
    """Return the Levenshtein distances (n,) between a pattern (m,), m <= 64, and texts (n, length) (Hyyrö 2003 after
    Myers). All numbers of letters are below ``letters``.
    """
    one, size = np.uint64(1), len(pattern)
    matches = np.zeros(letters, np.uint64)
    for place, letter in enumerate(pattern):
        matches[letter] |= one << np.uint64(place)
    last = one << np.uint64(size - 1)
    n = len(texts)
    up, down = np.full(n, ~np.uint64(0)), np.zeros(n, np.uint64)  # steps of +1 and -1 down the column
    distance = np.full(n, size, np.int64)
    for column in texts.T:
        equal = matches[column]
        vertical = equal | down
        horizontal = (((equal & up) + up) ^ up) | equal
        more, less = down | ~(horizontal | up), up & horizontal
        distance += (more & last).astype(bool)
        distance -= (less & last).astype(bool)
        more, less = (more << one) | one, less << one
        up, down = less | ~(vertical | more), more & vertical
    return distance
