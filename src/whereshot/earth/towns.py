"""The towns of the world, offline: positions in, nearest towns out; names in any script, even misread, in, towns out.

About 235,000 places of GeoNames (CC BY 4.0), from 500 inhabitants up, with the first-order division that each lies in
and its other names. The table is built by ``scripts/build_gazetteer.py``. Towns are numbered by its rows: by country,
and inside a country from the largest down.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import sphere
from whereshot.foundation import package_data, tables
from whereshot.foundation.errors import InputError

MAX_ERRORS = 3
"""More errors than this make any name of any other."""

ERRORS_BY_LENGTH = ((9, 2), (5, 1))
"""From so many letters up, so many may be wrong; shorter names must be right."""

DEGREE = 10_000
"""Towns' positions are kept in these parts of a degree, 11 m, as GeoNames has them."""

_LATIN = {"æ": "ae", "œ": "oe", "þ": "th", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ə": "e"}
_ARABIC = {"ك": "ک", "ي": "ی", "ى": "ی", "ة": "ه"}
_SPELLED = _LATIN | _ARABIC
"""Letters that Unicode does not take apart, and pairs that one keyboard has for the other."""

_DROPPED = re.compile("[\u0300-\u036f\u0591-\u05c7\u0640\u064b-\u065f\u0670\u02b0-\u02ff]")
"""Accents, Hebrew and Arabic points; the okina and other apostrophes that count as letters."""

_LOOKALIKES = {"0": "o", "1": "l", "i": "l", "5": "s", "8": "b"}
_LOOKALIKE_PAIRS = {"rn": "m", "vv": "w"}
_LONGEST = 64  # letters of a name that are compared with errors: a machine word
_BLOCK = 50_000


def name_keys(names: Iterable[str]) -> list[str]:
    """Names without what people and signs leave out: case, accents, spaces, hyphens, punctuation.

    >>> name_keys(["Vilanova i la Geltrú", "KÖLN", "L’Hospitalet", "Αθήνα"])
    ['vilanovailageltru', 'koln', 'lhospitalet', 'αθηνα']
    """
    # all names as one text: a hundred times the speed of one by one
    text = "".join([name.replace("\n", " ") + "\n" for name in names])
    return unicodedata.normalize("NFC", text.translate(_FOLDED)).split("\n")[:-1]


class _Folded(dict[int, str]):
    """Code point -> what is left of it, worked out when first met."""

    def __missing__(self, code: int) -> str:
        parts = unicodedata.normalize("NFKD", chr(code).casefold())
        kept = [part for part in parts.casefold() if unicodedata.category(part) in _KEPT and not _DROPPED.match(part)]
        self[code] = "".join(_SPELLED.get(part, part) for part in kept)
        result: str = self[code]
        return result


_KEPT = {"Ll", "Lu", "Lt", "Lm", "Lo", "Nd", "Nl", "No", "Mn", "Mc"}
_FOLDED = _Folded({ord("\n"): "\n"})


def errors_allowed(length: int) -> int:
    """How many letters of a name of so many may be misread, for it still to be that name."""
    return next((errors for letters, errors in ERRORS_BY_LENGTH if length >= letters), 0)


class Gazetteer:
    """All towns, one row each; the arrays are read at once, the indices for searching when they are first needed.

    ``points`` (n, 2) degrees, ``country_codes`` (n,), ``regions`` (n,) names of the first-order division ("" where
    none is known), ``populations`` (n,) (0 where unknown), ``names`` (n,).
    """

    def __init__(self) -> None:
        table = package_data.read_table(
            "earth/data/towns.parquet", ["latitude", "longitude", "country_code", "region", "population"]
        )
        degrees = [tables.numbers(table[name]) / DEGREE for name in ("latitude", "longitude")]
        self.points = np.stack(degrees, axis=1)
        self._codes, self._code_of = tables.strings(table["country_code"])
        self._regions, self._region_of = tables.strings(table["region"])
        self.populations = tables.numbers(table["population"])

    def __len__(self) -> int:
        return len(self.points)

    @functools.cached_property
    def country_codes(self) -> NDArray[np.object_]:
        """The code of each town's country, (n,)."""
        result: NDArray[np.object_] = self._codes[self._code_of]
        return result

    @functools.cached_property
    def regions(self) -> NDArray[np.object_]:
        """The name of each town's first-order division, (n,), "" where none is known."""
        result: NDArray[np.object_] = self._regions[self._region_of]
        return result

    @functools.cached_property
    def divisions(self) -> tuple[list[tuple[str, str]], NDArray[np.int64]]:
        """First-order divisions as (country code, region), in the order of their first towns, and each town's (n,)."""
        key = self._code_of * len(self._regions) + self._region_of
        first = np.full(len(self._codes) * len(self._regions), -1)
        first[key[::-1]] = np.arange(len(self))[::-1]  # of several towns the first stays
        firsts = np.sort(first[first >= 0])
        pairs = zip(self._codes[self._code_of[firsts]], self._regions[self._region_of[firsts]], strict=True)
        number = np.empty(len(self), np.int64)
        number[firsts] = np.arange(len(firsts))
        return list(pairs), number[first[key]]

    @functools.cached_property
    def _names(self) -> pa.Array:
        return package_data.read_table("earth/data/towns.parquet", ["name"])["name"].combine_chunks()

    @functools.cached_property
    def _other_names(self) -> pa.Array:
        return package_data.read_table("earth/data/towns.parquet", ["other_names"])["other_names"].combine_chunks()

    @functools.cached_property
    def names(self) -> NDArray[np.object_]:
        """The usual name of each town, (n,)."""
        return np.array(self._names.to_pylist(), dtype=object)

    def name(self, index: int) -> str:
        """The usual name of one town."""
        result: str = self._names[int(index)].as_py()
        return result

    def other_names(self, index: int) -> list[str]:
        """Further names of a town: native, foreign and former ones, in the script that each is written in."""
        result: list[str] = self._other_names[int(index)].as_py()
        return result

    @functools.cached_property
    def region_codes(self) -> dict[tuple[str, str], str]:
        """(country code, region) -> the short code of that region in ISO 3166-2, without the country's: "TX"."""
        table = package_data.read_table("earth/data/regions.parquet").to_pydict()
        return dict(zip(zip(table["country_code"], table["region"], strict=True), table["region_code"], strict=True))

    @functools.cached_property
    def _rows_of_country(self) -> dict[str, slice]:
        first = np.flatnonzero(np.diff(self._code_of, prepend=-1))
        codes = self._codes[self._code_of[first]]
        return {code: slice(*ends) for code, *ends in zip(codes, first, [*first[1:], len(self)], strict=True)}

    def in_country(self, country_code: str) -> NDArray[np.int64]:
        """Numbers of a country's towns, the largest first; none for a code that no town has."""
        rows = self._rows_of_country.get(country_code, slice(0, 0))
        return np.arange(rows.start, rows.stop)

    @functools.cached_property
    def _nearest(self) -> dict[str | None, sphere.Nearest]:
        return {}

    def nearest(
        self, points: ArrayLike, country_code: str | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Distance in km on the sphere and number of the town nearest to each position (n, 2): (n,) and (n,).

        With a country's code among its towns; a code without any gives infinity and -1.
        """
        p = sphere.points(points)
        rows = np.arange(len(self)) if country_code is None else self.in_country(country_code)
        if len(rows) == 0:
            return np.full(len(p), np.inf), np.full(len(p), -1)
        if country_code not in self._nearest:
            self._nearest[country_code] = sphere.Nearest(self.points[rows])
        km, index = self._nearest[country_code].query(p)
        return km, rows[index]

    def named(self, name: str) -> NDArray[np.int64]:
        """Numbers of all towns of a name, the largest first; case, accents, spaces and punctuation aside.

        Other names and scripts count: "Cologne", "KOLN", "Koeln" and "Кёльн" are one town.
        """
        key = _key_of(name)
        found = self._index.exact(key)
        if len(found) == 0 and re.search("ae|oe|ue", key):  # an umlaut, spelled out
            found = self._index.exact(re.sub("([aou])e", r"\1", key))
        return self._by_size(found)

    def similar(self, name: str, max_errors: int | None = None) -> list[tuple[int, int]]:
        """Towns of a name as a reader of signs may have it: (number, errors), fewest errors first, then the largest.

        An error is a wrong, a missing or a further letter. Letters that look alike (0 and O; 1, l and I; rn and m)
        count as one error together, however many. None is allowed in names below 5 letters, one from 5 to 8, two
        from 9, unless ``max_errors`` (at most 3) says otherwise. Raises InputError for another number.
        """
        if max_errors is not None and not 0 <= max_errors <= MAX_ERRORS:
            raise InputError(f"max_errors lies between 0 and {MAX_ERRORS}; got {max_errors}")
        key = _key_of(name)
        allowed = errors_allowed(len(key)) if max_errors is None else int(max_errors)
        found = {int(town): 0 for town in self.named(name)}
        for town, errors in self._index.misread(key, allowed) if allowed else ():
            found[town] = min(errors, found.get(town, errors))
        return sorted(found.items(), key=lambda item: (item[1], -self.populations[item[0]], item[0]))

    @functools.cached_property
    def _index(self) -> _NameIndex:
        owners = [np.arange(len(self)), np.asarray(pc.list_parent_indices(self._other_names))]
        return _NameIndex(pa.concat_arrays([self._names, self._other_names.flatten()]), np.concatenate(owners))

    def _by_size(self, towns: NDArray[np.int64] | NDArray[np.int32]) -> NDArray[np.int64]:
        own = np.unique(towns).astype(np.int64)
        return own[np.argsort(-self.populations[own].astype(np.int64), kind="stable")]


@functools.cache
def gazetteer() -> Gazetteer:
    """The towns, read once."""
    return Gazetteer()


def _key_of(name: str) -> str:
    return name_keys([name])[0]


class _Group(NamedTuple):
    """The keys of one length, look-alikes made equal."""

    letters: NDArray[np.uint16]  # (n, length)
    signatures: NDArray[np.uint64]  # (n,)
    hashes: NDArray[np.int64]  # (n,) of the keys themselves
    towns: NDArray[np.int32]  # (n,)


class _NameIndex:
    """Keys of names: found exactly by their hash, and with errors in three steps.

    A key's signature has a bit for "has this letter" and one for "has it twice". An error changes few bits, so one
    pass of xor and count over all keys of about the right length leaves hundreds, whose edit distance is then
    computed for all at once, a column of the table in one machine word (Myers 1999).
    """

    def __init__(self, names: pa.Array, towns: NDArray[np.int64]) -> None:
        parts: dict[int, list[_Group]] = {}
        hashes = np.empty(len(names), np.int64)
        for start in range(0, len(names), _BLOCK):  # Python strings are large: few at a time
            rows = slice(start, start + _BLOCK)
            keys = name_keys(names[rows].to_pylist())
            # hashes of strings differ from process to process, and live in this one only
            hashes[rows] = np.fromiter(map(hash, keys), np.int64, len(keys))
            blurred = _blur_pairs("\n".join(keys)).split("\n")
            lengths = np.fromiter(map(len, blurred), np.int64, len(blurred))
            letters, first = _letters("".join(blurred)), np.cumsum(lengths) - lengths
            for size in np.unique(lengths[(lengths > 0) & (lengths <= _LONGEST)]).tolist():
                same = np.flatnonzero(lengths == size)
                block = letters[first[same, None] + np.arange(size)]
                group = _Group(block, _signatures(block), hashes[rows][same], towns[rows][same].astype(np.int32))
                parts.setdefault(size, []).append(group)
        self._groups = {size: _Group(*map(np.concatenate, zip(*own, strict=True))) for size, own in parts.items()}
        by_hash = np.argsort(hashes)
        self._hashes, self._towns = hashes[by_hash], towns[by_hash].astype(np.int32)

    def exact(self, key: str) -> NDArray[np.int32]:
        """Towns of a key."""
        if not key:
            return np.empty(0, np.int32)
        wanted = hash(key)
        return self._towns[slice(*(np.searchsorted(self._hashes, wanted, side=side) for side in ("left", "right")))]

    def misread(self, key: str, allowed: int) -> list[tuple[int, int]]:
        """(town, errors) of all keys with at most so many errors."""
        pattern = _letters(_blur_pairs(key))
        if not 0 < len(pattern) <= _LONGEST:
            return []
        signature = _signatures(pattern[None])[0]
        found: list[tuple[int, int]] = []
        for size in range(len(pattern) - allowed, len(pattern) + allowed + 1):
            if size not in self._groups:
                continue
            group = self._groups[size]
            # a further or a missing letter changes one bit, a wrong one two
            bits = 2 * allowed - abs(size - len(pattern))
            near = np.flatnonzero(np.bitwise_count(group.signatures ^ signature) <= bits)
            errors = _edit_distances(pattern, group.letters[near])
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
    """Code points, look-alikes made equal; beyond the first 65,536 they fold onto those, which only adds a match."""
    result: NDArray[np.uint16] = _blurred_letters()[np.frombuffer(text.encode("utf-32-le"), np.uint32) & 0xFFFF]
    return result


def _signatures(letters: NDArray[np.uint16]) -> NDArray[np.uint64]:
    """(n, length) letters -> (n,) words: bits 0 to 31 for letters that are there, 32 to 63 for those there twice."""
    cell = (letters & 31) + 32 * np.arange(len(letters), dtype=np.int32)[:, None]
    count = np.bincount(cell.ravel(), minlength=32 * len(letters)).reshape(-1, 32)
    bits = np.packbits(np.concatenate([count > 0, count > 1], axis=1), axis=1, bitorder="little")
    return bits.view(np.uint64)[:, 0]


def _edit_distances(pattern: NDArray[np.uint16], texts: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Levenshtein distances (n,) between one pattern (m,), m <= 64, and texts (n, length) (Hyyrö 2003 after Myers)."""
    one, size = np.uint64(1), len(pattern)
    matches = np.zeros(1 << 16, np.uint64)
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
