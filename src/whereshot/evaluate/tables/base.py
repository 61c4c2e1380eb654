"""Tables of any kind -> columns by known names, checked numbers and positions; what is wrong in a row is a Problem."""

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
from whereshot.photos.records import Records

NEEDED = ("id", "latitude", "longitude")
"""Columns without which a table tells no position."""

_POSITION = {"id": ("id", "img_id", "image_id", "photo_id", "key", "sourcefile"), **position_columns.NAMES}


def positions_named(prefix: str) -> dict[str, tuple[str, ...]]:
    """The names that positions go by in a table of predictions ("pred") or of truth ("true"), which may be one file."""
    own = {"latitude": (f"{prefix}_latitude", f"{prefix}_lat"), "longitude": (f"{prefix}_longitude", f"{prefix}_lon")}
    return {target: own.get(target, ()) + names for target, names in _POSITION.items()}


NAMED = 20
"""Problems of one kind that a note names row by row; all are in ``problems``."""


MISS = "counted as a miss"
"""What becomes of a photo without a usable answer."""


class Problem(NamedTuple):
    """A row (from 1, without the header) that is not as it should be, and what was made of it."""

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
    """All problems of the files read, and the warnings on whole files."""

    rows: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def to_csv(self, missed_only: bool = False) -> str:
        """All rows, or only those that became misses, as a table."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(Problem._fields)
        writer.writerows(row for row in self.rows if not missed_only or row.counted == MISS)
        return out.getvalue()

    def notes(self) -> list[str]:
        """Warnings, then the rows: the first of each kind by name, the others by number."""
        shown, kinds = Counter[tuple[str, str]](), []
        told = list(self.warnings)
        for problem in self.rows:
            kind = problem.file, problem.counted
            shown[kind] += 1
            if shown[kind] <= NAMED:
                told.append(str(problem))
            elif shown[kind] == NAMED + 1:
                kinds.append(kind)
        return told + [f"{file}: {shown[file, counted] - NAMED} more {counted}" for file, counted in kinds]


@dataclass(frozen=True)
class PredictionTable:
    """Columns by what they are, of a file with so many rows."""

    path: Path
    columns: Mapping[str, pa.ChunkedArray]
    rows: int
    row_numbers: NDArray[np.int64]
    """The number (rows,) of each row in the file, from 1, without the header."""
    broken: Mapping[int, str] = field(default_factory=dict)
    """Rows of the file that are left out, by their number, each with its reason."""
    delimiter: str | None = None
    """What separates the columns of a file of text."""
    notes: tuple[str, ...] = ()
    """What a person should know about how the file was read."""

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def texts(self, name: str) -> pa.ChunkedArray:
        """A column as text."""
        return self.columns[name].cast(pa.string())

    def numbers(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """A column as floats, and the rows whose text is no number (which are NaN, as empty ones are)."""
        return csv_tables.numbers(self.columns[name], commas_delimit=self.delimiter == ",")


def read_columns(
    path: Path, given: Mapping[str, str], known: Mapping[str, tuple[str, ...]], option: str
) -> PredictionTable:
    """The columns that are known, by their own names; raises InputError."""
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
    """A Parquet file; raises InputError."""
    try:
        return pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]})") from error


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
        raise InputError(f"{path}: line {number} is not JSON ({error.msg}); one object a line is expected") from None
    names = dict.fromkeys(name for row in rows for name in row)
    texts = {
        name: pa.array([None if row.get(name) is None else str(row[name]) for row in rows], pa.string())
        for name in names
    }
    return pa.table(texts)


def ids_of(table: PredictionTable) -> NDArray[np.object_]:
    """Ids as text, without blanks around them; raises InputError for one that is missing or occurs twice."""
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
    """Positions (n, 2) with NaN where there is none, and what is wrong with each such row."""
    points, wrong = given_positions(table)
    for row, what in _impossible(points).items():
        wrong.setdefault(row, what)
    points[list(wrong)] = np.nan
    good = np.isfinite(points).all(axis=1)
    points[good] = sphere.points(points[good])
    return points, wrong


def given_positions(table: PredictionTable) -> tuple[NDArray[np.float64], dict[int, str]]:
    """Positions (n, 2) as they stand in a table, possible or not, and the rows that cannot be read as one."""
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
