"""The towns of the world, offline: find the nearest to a position, or all of a name in any script, even misread.

About 235,000 places of GeoNames (CC BY 4.0), from 500 inhabitants up, with the first-order division that each lies in
and its other names. The table is built by ``scripts/build_gazetteer.py``. Towns are numbered by its rows: by country,
and inside a country from the largest down.
"""

from __future__ import annotations

import functools
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import sphere
from whereshot.earth.name_index import NameIndex, name_keys
from whereshot.foundation import package_data, tables
from whereshot.foundation.errors import InputError

MAX_ERRORS = 3
"""The most wrong letters that can be searched. With more, almost any name is similar to any other."""

ERRORS_BY_LENGTH = ((9, 2), (5, 1))
"""Pairs of a least number of letters and the wrong letters that are allowed. Shorter names must match exactly."""

DEGREE = 10_000
"""Positions of towns are stored as multiples of 1/10,000 degree (11 m), the precision of the GeoNames data."""


def errors_allowed(length: int) -> int:
    """Return how many letters may be misread in a name of ``length`` letters."""
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
        """Return the usual name of one town."""
        result: str = self._names[int(index)].as_py()
        return result

    def other_names(self, index: int) -> list[str]:
        """Return further names of a town: native, foreign and former ones, in the script that each is written in."""
        result: list[str] = self._other_names[int(index)].as_py()
        return result

    def names_matching(self, pattern: str) -> list[tuple[int, str]]:
        """Return (number of the town, name) of every further name that a regular expression of RE2 matches."""
        names, owners = self._other_names.flatten(), pc.list_parent_indices(self._other_names)
        kept = pc.match_substring_regex(names, pattern)
        return list(zip(owners.filter(kept).to_pylist(), names.filter(kept).to_pylist(), strict=True))

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
        """Return numbers of a country's towns, the largest first; none for a code that no town has."""
        rows = self._rows_of_country.get(country_code, slice(0, 0))
        return np.arange(rows.start, rows.stop)

    @functools.cached_property
    def people_of_country(self) -> dict[str, int]:
        """The number of people who live in the towns of each country, by its code."""
        return {code: int(self.populations[rows].sum()) for code, rows in self._rows_of_country.items()}

    @functools.cached_property
    def _nearest(self) -> dict[str | None, sphere.Nearest]:
        return {}

    def nearest(
        self, points: ArrayLike, country_code: str | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return distance in km on the sphere and number of the town nearest to each position (n, 2): (n,) and (n,).

        With ``country_code`` only that country's towns count; a code without towns gives infinity and -1.
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
        """Return the numbers of all towns of a name, the largest first.

        Case, accents, spaces and punctuation do not count. Other names and scripts count: "Cologne", "KOLN", "Koeln"
        and "Кёльн" are one town.
        """
        key = _key_of(name)
        found = self._index.exact(key)
        if len(found) == 0 and re.search("ae|oe|ue", key):  # an umlaut that is written as two letters
            found = self._index.exact(re.sub("([aou])e", r"\1", key))
        return self._by_size(found)

    def similar(self, name: str, max_errors: int | None = None) -> list[tuple[int, int]]:
        """Return towns of a name that may be misread, as (number, errors): fewest errors first, then the largest.

        An error is a wrong, a missing or an additional letter. All letters that look alike (0 and O; 1, l and I; rn and
        m) count as a single error together. A name below 5 letters may have no error, from 5 to 8 one, from 9 two,
        unless ``max_errors`` (at most 3) is given. Raises InputError for another number.
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
    def _index(self) -> NameIndex:
        owners = [np.arange(len(self)), np.asarray(pc.list_parent_indices(self._other_names))]
        return NameIndex(pa.concat_arrays([self._names, self._other_names.flatten()]), np.concatenate(owners))

    def _by_size(self, towns: NDArray[np.int64] | NDArray[np.int32]) -> NDArray[np.int64]:
        own = np.unique(towns).astype(np.int64)
        return own[np.argsort(-self.populations[own].astype(np.int64), kind="stable")]


@functools.cache
def gazetteer() -> Gazetteer:
    """Return the towns, read once."""
    return Gazetteer()


def _key_of(name: str) -> str:
    return name_keys([name])[0]
