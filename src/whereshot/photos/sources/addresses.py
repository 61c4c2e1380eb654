"""Sample addresses of OpenAddresses (CSV, or one GeoJSON feature per line; also .gz) for each cell.

The addresses of a cell are divided among the smaller units in it, in proportion to the number of addresses in each
unit. Addresses are sorted by a hash. So the sample is random, it is the same in every run, and the next address is
known where an address fails.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from whereshot.earth import s2, sphere
from whereshot.foundation import settings_file
from whereshot.foundation.errors import InputError, nearest_name
from whereshot.foundation.progress import Track
from whereshot.photos.sources.seen_ids import hashed

BATCH_ROWS = 50_000
FIELDS = ("number", "street", "unit", "city", "district", "region", "postcode", "id", "hash")
"""The fields of an address in OpenAddresses."""

_LATITUDE, _LONGITUDE = ("lat", "latitude", "y"), ("lon", "lng", "longitude", "x")


class Sampling(settings_file.Settings):
    """How addresses are drawn. ``cells`` and ``units`` are "s2:LEVEL", a file of cells, or a field: "region"."""

    cells: str = "s2:6"
    units: str = "s2:10"
    per_cell: int = Field(default=330, ge=1)
    reserve: int = Field(default=5, ge=1)
    """Addresses in reserve for each wanted address, because many addresses have no panorama."""
    radius_m: float = Field(default=50.0, gt=0, le=1000)
    """The largest distance in metres between a picture and its address."""
    seed: int = 0


class Address(NamedTuple):
    """One address; ``id`` is OpenAddresses' own, or made of the position."""

    id: str
    latitude: float
    longitude: float


class AddressUnit(NamedTuple):
    """A smaller unit of a cell: the number of wanted addresses, and the addresses to try, in their order."""

    name: str
    wanted: int
    addresses: tuple[Address, ...]


class Drawn(NamedTuple):
    """The units by cell, both sorted by name, and the numbers of rows without a place and of rows outside all cells."""

    cells: dict[str, list[AddressUnit]]
    addresses: int
    without_place: int
    outside: int


class _Batch(NamedTuple):
    ids: list[str]
    points: NDArray[np.float64]
    fields: Mapping[str, list[str]]


def draw(inputs: Sequence[Path], sampling: Sampling, track: Track) -> Drawn:
    """Draw the sample. The addresses are read twice: first to count them, then to choose. Raises InputError."""
    cell_of, unit_of = _namer(sampling.cells, "cells"), _namer(sampling.units, "units")
    counts: Counter[tuple[str, str]] = Counter()
    without_place = outside = 0
    for path in track(inputs, total=len(inputs), what="counting addresses"):
        for batch, lost in _batches(path):
            without_place += lost
            keys = list(zip(cell_of(batch), unit_of(batch), strict=True))
            counts.update(key for key in keys if key[0])
            outside += sum(not key[0] for key in keys)
    units_of: dict[str, dict[str, int]] = defaultdict(dict)
    for (cell, unit), count in counts.items():
        units_of[cell][unit] = count
    wanted = {
        (cell, unit): number
        for cell, units in units_of.items()
        for unit, number in allot(units, sampling.per_cell).items()
    }
    held: dict[tuple[str, str], list[tuple[int, Address]]] = defaultdict(list)
    for path in track(inputs, total=len(inputs), what="drawing addresses"):
        for batch, _ in _batches(path):
            order = hashed([f"{sampling.seed}:{name}" for name in batch.ids])
            for row, key in enumerate(zip(cell_of(batch), unit_of(batch), strict=True)):
                if key[0]:
                    address = Address(batch.ids[row], float(batch.points[row, 0]), float(batch.points[row, 1]))
                    held[key].append((int(order[row]), address))
            for key, some in held.items():
                most = _most_tried(wanted[key], sampling)
                if len(some) > 2 * most + 1000:
                    held[key] = _first(some, most)
    cells: dict[str, list[AddressUnit]] = {}
    for cell, unit in sorted(counts):
        some = _first(held[cell, unit], _most_tried(wanted[cell, unit], sampling))
        cells.setdefault(cell, []).append(AddressUnit(unit, wanted[cell, unit], tuple(address for _, address in some)))
    return Drawn(cells, counts.total(), without_place, outside)


def allot(counts: Mapping[str, int], total: int) -> dict[str, int]:
    """Divide ``total`` among units in proportion to their counts, by largest remainders; no unit gets more than its
    count.

    >>> allot({"a": 60, "b": 30, "c": 10}, 7)
    {'a': 4, 'b': 2, 'c': 1}
    """
    everything = sum(counts.values())
    if everything <= total:
        return dict(counts)
    given = {name: count * total // everything for name, count in counts.items()}
    by_rest = sorted(counts, key=lambda name: (-(counts[name] * total % everything), name))
    for name in by_rest[: total - sum(given.values())]:
        given[name] += 1
    return given


def _most_tried(wanted: int, sampling: Sampling) -> int:
    return max(wanted, 1) * sampling.reserve


def _first(some: list[tuple[int, Address]], most: int) -> list[tuple[int, Address]]:
    """Return the addresses with the smallest hashes, each id once."""
    return list(islice(dict(sorted({(order, one.id): (order, one) for order, one in some}.items())).values(), most))


def _namer(text: str, what: str) -> Callable[[_Batch], list[str]]:
    """Return a function that names the cell, or unit, of each address of a batch, "" where it lies in none."""
    kind, _, level = text.partition(":")
    if kind == "s2":
        if not level.isdigit() or not 0 <= int(level) <= s2.MAX_LEVEL:
            raise InputError(f"{what}={text}: s2:LEVEL needs a level from 0 to {s2.MAX_LEVEL}")
        return lambda batch: s2.token(s2.encode(batch.points, int(level)))
    if text.lower() in FIELDS:
        return lambda batch: batch.fields[text.lower()]
    if Path(text).suffix == ".parquet":
        from whereshot.earth import partition

        cells = partition.load(text)
        return lambda batch: [f"{cell:06d}" if cell >= 0 else "" for cell in cells.assign(batch.points).tolist()]
    raise InputError(f"{what}={text}: s2:LEVEL, a .parquet file of cells, or a field; {nearest_name(text, FIELDS)}")


def _batches(path: Path) -> Iterator[tuple[_Batch, int]]:
    """Yield the addresses in batches, each with the number of its rows without a usable place."""
    rows = _rows(path)
    while some := list(islice(rows, BATCH_ROWS)):
        latitude, longitude = (np.array([_number(row[at]) for row in some]) for at in (0, 1))
        usable = np.array([not problem for problem in sphere.position_problems(latitude, longitude)], bool)
        usable &= np.isfinite(latitude) & np.isfinite(longitude) & ~sphere.is_null_island(latitude, longitude)
        points = np.stack([latitude, longitude], axis=1)[usable]
        kept = [row[2] for row, good in zip(some, usable, strict=True) if good]
        fields = {name: [str(row.get(name) or "").strip() for row in kept] for name in FIELDS}
        given = zip(fields["hash"], fields["id"], points, strict=True)
        ids = [mark or name or f"{place[0]:.6f},{place[1]:.6f}" for mark, name, place in given]
        yield _Batch(ids, sphere.points(points.reshape(-1, 2)), fields), len(some) - len(kept)


def _rows(path: Path) -> Iterator[tuple[Any, Any, Mapping[str, Any]]]:
    """Yield (latitude, longitude, fields by their names in lower case) of each row. Raises InputError."""
    try:
        opened = gzip.open if path.suffix.lower() == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig", errors="replace", newline=None) as text:  # CR alone as well
            name = path.name.lower().removesuffix(".gz")
            yield from (_csv if name.endswith((".csv", ".tsv")) else _features)(text, path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, EOFError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error


def _csv(text: TextIO, path: Path) -> Iterator[tuple[Any, Any, Mapping[str, Any]]]:
    reader = csv.reader(text)
    names = [name.strip().lower() for name in next(reader, [])]
    axes = [next((names.index(name) for name in wanted if name in names), -1) for wanted in (_LATITUDE, _LONGITUDE)]
    if -1 in axes:
        raise InputError(f"{path}: no columns LON and LAT, as OpenAddresses has; its first line is {','.join(names)!r}")
    for row in reader:
        if len(row) == len(names):
            yield row[axes[0]], row[axes[1]], dict(zip(names, row, strict=True))
        elif row:
            yield None, None, {}


def _features(text: TextIO, path: Path) -> Iterator[tuple[Any, Any, Mapping[str, Any]]]:
    is_any = False
    for line in text:
        if not line.strip():
            continue
        try:
            feature = json.loads(line.strip().rstrip(","))
            longitude, latitude = feature["geometry"]["coordinates"][:2]
            properties = feature.get("properties") or {}
            fields = {str(name).lower(): value for name, value in properties.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            if not is_any and line.lstrip().startswith("{") and "FeatureCollection" in line:
                raise InputError(f"{path}: one GeoJSON collection; addresses are one feature a line") from None
            yield None, None, {}
            continue
        is_any = True
        yield latitude, longitude, fields


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return np.nan
