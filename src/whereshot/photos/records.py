"""Records: one table of photos, one row each, as Apache Arrow; read, write, select, split.

Known columns have fixed types (SCHEMA); all but ``id`` may be null, and any other column survives every step.
Times are UTC unless ``taken_at_is_local`` is true.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from whereshot.earth import s2, sphere
from whereshot.foundation import csv_tables, output_files
from whereshot.foundation.errors import InputError, first_line, nearest_name
from whereshot.foundation.tables import SHARD_ROWS, hashed_share, reading_parquet, write_parquet

_UTC = pa.timestamp("us", tz="UTC")

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("latitude", pa.float64()),
        ("longitude", pa.float64()),
        ("image", pa.string()),
        ("url", pa.string()),
        ("user", pa.string()),
        ("album", pa.string()),
        ("taken_at", _UTC),
        ("posted_at", _UTC),
        ("title", pa.string()),
        ("tags", pa.list_(pa.string())),
        ("license", pa.string()),
        ("source", pa.string()),
    ]
)
RESERVED = pa.schema(
    [
        ("taken_at_is_local", pa.bool_()),
        ("accuracy_km", pa.float64()),
        ("camera", pa.string()),
        ("scene_indoor", pa.float64()),
        ("scene_natural", pa.float64()),
        ("scene_urban", pa.float64()),
        ("split", pa.string()),
        ("group", pa.string()),
    ]
)
"""Optional columns whose meaning and type are fixed where they occur."""


SPLIT_CELL_LEVEL = 10
"""S2 level of ``split(by="cell")``: cells of about 9 km, so that one place stays on one side."""


class Records:
    """An immutable table of photos."""

    def __init__(self, table: pa.Table) -> None:
        if "id" not in table.column_names:
            raise InputError("records need a column 'id'")
        columns: dict[str, pa.ChunkedArray | pa.Array] = {}
        for field in SCHEMA:
            if field.name in table.column_names:
                columns[field.name] = _cast(table[field.name], field)
            else:
                columns[field.name] = pa.nulls(len(table), field.type)
        for name in table.column_names:
            if name not in columns:
                known = RESERVED.get_field_index(name)
                columns[name] = table[name] if known < 0 else _cast(table[name], RESERVED.field(known))
        self.table = pa.table(columns)
        if self.table["id"].null_count:
            raise InputError(f"{self.table['id'].null_count} records have no id")

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return f"Records({len(self)} photos, columns: {', '.join(self.table.column_names)})"

    @overload
    def __getitem__(self, which: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, which: slice | ArrayLike) -> Records: ...
    def __getitem__(self, which: Any) -> Any:
        """Return one row as a dictionary for an integer; Records for a slice, a boolean mask or row numbers."""
        if isinstance(which, (int, np.integer)):
            return self.table.slice(range(len(self))[which], 1).to_pylist()[0]
        if isinstance(which, slice):
            which = np.arange(len(self))[which]
        which = np.asarray(which)
        if which.dtype == bool:
            which = np.flatnonzero(which)
        return Records(self.table.take(pa.array(which.astype(np.int64))))

    @property
    def points(self) -> sphere.Points:
        """Positions (n, 2) in degrees. Raises InputError where a position is missing (see ``has_position``)."""
        if not self.has_position.all():
            row = int(np.flatnonzero(~self.has_position)[0])
            missing = int((~self.has_position).sum())
            raise InputError(f"{missing} of {len(self)} records have no position; first: {self[row]['id']}")
        return sphere.points(np.stack([self.numbers("latitude"), self.numbers("longitude")], axis=1))

    @property
    def has_position(self) -> NDArray[np.bool_]:
        """Which rows (n,) have both a latitude and a longitude."""
        return np.isfinite(self.numbers("latitude")) & np.isfinite(self.numbers("longitude"))

    def column(self, name: str) -> pa.ChunkedArray:
        """Return a column by name. Raises InputError with the nearest known name."""
        if name not in self.table.column_names:
            raise InputError(f"no column {name!r}; {nearest_name(name, self.table.column_names)}")
        return self.table[name]

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column of numbers, or of texts that are numbers, as floats (n,); nulls and "" are NaN. Raises
        InputError.
        """
        plain = csv_tables.without_blanks(self.column(name))
        result: NDArray[np.float64] = _cast(plain, pa.field(name, pa.float64())).to_numpy(zero_copy_only=False)
        return result

    @property
    def ids(self) -> list[str]:
        """The ids. No id is null."""
        result: list[str] = self.table["id"].to_pylist()
        return result

    def strings(self, name: str) -> list[str | None]:
        """Return a text column as a list, nulls as None."""
        result: list[str | None] = self.column(name).cast(pa.string()).to_pylist()
        return result

    def with_column(self, name: str, values: ArrayLike | pa.Array) -> Records:
        """Return a copy with one column added or replaced."""
        array = values if isinstance(values, (pa.Array, pa.ChunkedArray)) else pa.array(values)
        table = self.table.drop_columns(name) if name in self.table.column_names else self.table
        return Records(table.append_column(name, array))

    def groups(self, by: str) -> NDArray[np.str_]:
        """Return the group (n,) of each row: a column's value, or the S2 cell of its position for ``"cell"``.

        A row without a value is a group of its own.
        """
        if by == "cell":
            tokens = np.full(len(self), "", dtype="U64")
            known = self.has_position
            cells = s2.encode(self[known].points, SPLIT_CELL_LEVEL)
            tokens[known] = np.char.mod("%d", cells)
            values: list[str | None] = [text or None for text in tokens.tolist()]
        else:
            values = self.strings(by)
        own = self.strings("id")
        return np.array([value or f"id:{own[row]}" for row, value in enumerate(values)], dtype=str)

    def split(self, validation: float = 0.02, by: str = "user", seed: int = 0) -> tuple[Records, Records]:
        """Return two disjoint parts that share no group: (train, validation).

        The part of a group depends on the hash of its name, so adding photos never moves other groups. Raises
        InputError when ``validation`` is not a share between 0 and 1.
        """
        if not 0 < validation < 1:
            raise InputError(f"validation must be a share between 0 and 1; got {validation}")
        held = hashed_share(self.groups(by), seed) < validation
        return self[~held], self[held]

    @classmethod
    def concat(cls, parts: Sequence[Records]) -> Records:
        """Return all rows of several Records, in order, with the union of their columns."""
        return cls(_united([part.table for part in parts]))

    @classmethod
    def read(cls, path: str | Path) -> Records:
        """Read one ``.parquet`` file or a folder of Parquet shards. Raises InputError."""
        path = Path(path)
        if path.is_dir():
            shards = sorted(path.glob("*.parquet"))
            if not shards:
                raise InputError(f"{path}: a folder without .parquet shards; make records with: whereshot ingest")
        elif path.is_file():
            shards = [path]
        else:
            raise InputError(f"{path}: no such file or folder")
        tables = []
        for shard in shards:
            with reading_parquet(shard):
                tables.append(_where_packed(pq.read_table(shard, partitioning=None), shard.absolute().parent))
        return cls(_united(tables, name=f"{path}: "))

    def write(self, path: str | Path) -> None:
        """Write one ``.parquet`` file, complete or not at all, or else a folder of shards of a million rows.

        Shards move into their folder when all are on the disk, one after the other: a ``kill -9`` between two moves
        leaves new shards beside old shards. Raises OutputError.
        """
        path = Path(path)
        if path.suffix == ".parquet":
            write_parquet(self.table, path)
            return
        stale = {shard.name for shard in path.glob("part-*.parquet")}
        with output_files.new_files(path) as beside:
            for number, start in enumerate(range(0, max(len(self), 1), SHARD_ROWS)):
                shard = f"part-{number:05d}.parquet"
                write_parquet(self.table.slice(start, SHARD_ROWS), beside / shard)
                stale.discard(shard)
        for shard in stale:
            (path / shard).unlink()


def _cast(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    if column.type == field.type:
        return column
    if pa.types.is_timestamp(field.type):
        if pa.types.is_timestamp(column.type) and column.type.tz is None:
            column = pc.assume_timezone(column, "UTC")
        elif pa.types.is_integer(column.type):  # seconds, milliseconds or days: a wrong guess would give dates in 1970
            raise InputError(f"column {field.name!r} must be {field.type}: {column.type} does not state its unit")
    try:
        return column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(f"column {field.name!r} must be {field.type}: {first_line(error)}") from error


def _where_packed(table: pa.Table, folder: Path) -> pa.Table:
    """Return records whose pictures are in the tars beside the Parquet of their packed folder, also after it was
    moved.
    """
    if not {"shard", "offset", "length", "image"} <= set(table.column_names) or not len(table):
        return table
    if not all((folder / str(name)).is_file() for name in table["shard"].unique().to_pylist()):
        return table  # the records were written to a folder without the tars
    offset, length = (table[name].cast(pa.string()) for name in ("offset", "length"))
    places = pc.binary_join_element_wise(f"{folder}{os.sep}", table["shard"], "#", offset, "+", length, "")
    return table.set_column(table.column_names.index("image"), "image", places)


def _united(tables: Sequence[pa.Table], name: str = "") -> pa.Table:
    """Return all rows with the union of the columns. Raises InputError where a column has types that do not mix."""
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InputError(f"{name}the tables do not fit together ({first_line(error)})") from error
