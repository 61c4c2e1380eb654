"""Read columns of tables by known names, check ids, numbers and positions, and collect problems of single rows."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whereshot.earth import position_columns, sphere
from whereshot.foundation import csv_tables
from whereshot.foundation.errors import InputError
from whereshot.foundation.tables import reading_parquet
from whereshot.photos.records import Records

NEEDED = ("id", "latitude", "longitude")
"""Columns that a table with positions must have."""

_POSITION = {"id": ("id", "img_id", "image_id", "photo_id", "key", "sourcefile"), **position_columns.NAMES}


def positions_named(prefix: str) -> dict[str, tuple[str, ...]]:
    """Return the known column names of positions, in a table of predictions ("pred") or of the truth ("true").

    Both may be in one file.
    """
    own = {"latitude": (f"{prefix}_latitude", f"{prefix}_lat"), "longitude": (f"{prefix}_longitude", f"{prefix}_lon")}
    return {target: own.get(target, ()) + names for target, names in _POSITION.items()}


NAMED = 20
"""Number of problems of a kind that the notes list row by row. The table of problems has all."""


MISS = "counted as a miss"
"""How a photo without a usable answer is counted."""


class Problem(NamedTuple):
    """A faulty row (from 1, without the header), and how it is counted."""

    file: str
    row: int | None
    id: str
    what: str
    counted: str

    def __str__(self) -> str:
        named = f" (id {self.id})" if self.id else ""
        where = f"row {self.row}{named}" if self.row is not None else f"id {self.id}"
        return f"{self.file}: {where}: {self.what}; {self.counted}"


@dataclass
class Problems:
    """All faulty rows of the files, and the warnings about whole files."""

    rows: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def to_csv(self, missed_only: bool = False) -> str:
        """Return all faulty rows as CSV, or only the rows that count as misses."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(Problem._fields)
        writer.writerows(row for row in self.rows if not missed_only or row.counted == MISS)
        return out.getvalue()

    def notes(self) -> list[str]:
        """Return the warnings, the first rows of each kind of problem, and the number of further rows."""
        shown, kinds = Counter[tuple[str, str]](), []
        notes = list(self.warnings)
        for problem in self.rows:
            kind = problem.file, problem.counted
            shown[kind] += 1
            if shown[kind] <= NAMED:
                notes.append(str(problem))
            elif shown[kind] == NAMED + 1:
                kinds.append(kind)
        return notes + [f"{file}: {shown[file, counted] - NAMED} more {counted}" for file, counted in kinds]


@dataclass(frozen=True)
class PredictionTable:
    """The columns of a file by their known names; ``rows`` is the number of rows."""

    path: Path
    columns: Mapping[str, pa.ChunkedArray]
    rows: int
    row_numbers: NDArray[np.int64]
    """The number (rows,) of each row in the file, from 1, without the header."""
    broken: Mapping[int, str] = field(default_factory=dict)
    """Rows of the file that are left out, by their number, each with its reason."""
    delimiter: str | None = None
    """The delimiter of a text file; None for other files."""
    notes: tuple[str, ...] = ()
    """Notes for the user about how the file was read."""

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def texts(self, name: str) -> pa.ChunkedArray:
        """Return a column as text."""
        return self.columns[name].cast(pa.string())

    def numbers(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return a column as floats, NaN where empty or not a number, and the rows whose text is not a number."""
        return csv_tables.numbers(self.columns[name], commas_delimit=self.delimiter == ",")


def read_columns(
    path: Path, given: Mapping[str, str], known: Mapping[str, tuple[str, ...]], option: str
) -> PredictionTable:
    """Read a file and return its known columns by their known names. Raises InputError."""
    if not path.exists():
        raise InputError(f"{path}: no such file")
    suffix = path.suffix.lower()
    text = None
    if suffix == ".parquet" or path.is_dir():
        table = Records.read(path).table if path.is_dir() else read_parquet(path)
    elif suffix in (".jsonl", ".ndjson", ".json"):
        table = _json_lines(path)
    else:
        text = csv_tables.read(path)
        table = text.columns
    present = table.column_names
    names = csv_tables.resolve(present, given, known, path)
    for target in NEEDED:
        if target not in names:
            raise InputError(f"{path}: no {target} column among {', '.join(present)}; name it: {option} {target}=NAME")
    hemispheres = position_columns.find_hemispheres(table, names, path, option)
    names |= hemispheres.columns
    columns = {target: csv_tables.without_blanks(table[name]) for target, name in names.items()}
    notes = tuple(hemispheres.notes)
    if text is None:
        return PredictionTable(path, columns, len(table), np.arange(1, len(table) + 1), notes=notes)
    return PredictionTable(path, columns, len(table), text.numbers, text.broken, text.delimiter, notes)


def read_parquet(path: Path) -> pa.Table:
    """Read a Parquet file. Raises InputError."""
    with reading_parquet(path):
        return pq.read_table(path)


def _json_lines(path: Path) -> pa.Table:
    rows = []
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise InputError(f"{path}: line {number} is not a JSON object")
                    rows.append(row)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as text ({error})") from error
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: line {number} is not JSON ({error.msg}); expected one object per line") from None
    names = dict.fromkeys(name for row in rows for name in row)
    texts = {
        name: pa.array([None if row.get(name) is None else str(row[name]) for row in rows], pa.string())
        for name in names
    }
    return pa.table(texts)


def ids_of(table: PredictionTable) -> NDArray[np.object_]:
    """Return the ids as text without spaces around them. Raises InputError for a missing or repeated id."""
    column = pc.utf8_trim_whitespace(table.texts("id"))
    missing = np.flatnonzero(pc.or_kleene(pc.is_null(column), pc.equal(column, "")).to_numpy(zero_copy_only=False))
    if len(missing):
        raise InputError(
            f"{table.path}: row {table.row_numbers[missing[0]]} has no id, nor have {len(missing) - 1} others"
        )
    ids = column.to_numpy()
    counted = pc.value_counts(column.combine_chunks())
    twice = counted.filter(pc.greater(counted.field("counts"), 1)).field("values").to_pylist()
    if twice:
        rows = table.row_numbers[np.flatnonzero(ids == twice[0])]
        more = f", as do {len(twice) - 1} other ids twice or more" if len(twice) > 1 else ""
        listed = ", ".join(map(str, rows[:10].tolist()))
        raise InputError(f"{table.path}: id {twice[0]!r} occurs in rows {listed}{more}; keep one answer per photo")
    result: NDArray[np.object_] = ids
    return result


def positions_of(table: PredictionTable) -> tuple[NDArray[np.float64], dict[int, str]]:
    """Return positions (n, 2) with NaN for faulty rows, and the fault of each such row."""
    points, wrong = given_positions(table)
    for row, what in _impossible(points).items():
        wrong.setdefault(row, what)
    points[list(wrong)] = np.nan
    good = np.isfinite(points).all(axis=1)
    points[good] = sphere.points(points[good])
    return points, wrong


def given_positions(table: PredictionTable) -> tuple[NDArray[np.float64], dict[int, str]]:
    """Return positions (n, 2) as they stand in a table, also impossible ones, and the faults of unreadable rows."""
    axes: list[NDArray[np.float64]] = []
    wrong: dict[int, str] = {}
    for axis in ("latitude", "longitude"):
        values, bad = position_columns.read_axis(table.columns, axis)
        axes.append(values)
        wrong |= bad
    return np.stack(axes, axis=1), wrong


def _impossible(points: NDArray[np.float64]) -> dict[int, str]:
    problems = sphere.position_problems(points[:, 0], points[:, 1])
    found = {}
    for row in np.flatnonzero(problems != ""):
        latitude, longitude = points[row]
        empty = np.isnan(points[row])
        what = "no position" if empty.all() else f"{sphere.shown_position(latitude, longitude)}: {problems[row]}"
        found[int(row)] = what
    return found
