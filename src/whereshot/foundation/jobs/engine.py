"""Define the jobs that every engine runs: a function over the rows of units, or one SQL query over tables.

Both write shards. The function takes batches of rows and returns batches of records; a row with a ``reject_reason`` is
a reject.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from whereshot.foundation.errors import InputError
from whereshot.foundation.jobs import units
from whereshot.foundation.jobs.base import Shards, Written, write_unit
from whereshot.foundation.jobs.units import Unit
from whereshot.foundation.progress import Track, silent
from whereshot.foundation.tables import REJECTS, SHARD_ROWS

REASON_COLUMN, DETAIL_COLUMN = "reject_reason", "reject_detail"
"""Columns by which a job says which of its rows are rejects, and why."""


@dataclass(frozen=True)
class RowJob:
    """``function(batch, **settings)`` on every batch of every unit: RecordBatch in, RecordBatch out.

    The function is a function of an importable module, and its settings are JSON values, so that processes and Spark's
    workers find it. A client or a model that it needs for every batch is kept in a cache of its module. With
    ``threads`` units run in threads of one process: for work of Arrow, NumPy or DuckDB. With ``failures_stay`` a reject
    is also an answer: its row stays in the shard, without the columns of reasons.
    """

    name: str
    function: Callable[..., pa.RecordBatch]
    settings: Mapping[str, Any] = field(default_factory=dict)
    threads: bool = False
    failures_stay: bool = False


@dataclass(frozen=True)
class TableJob:
    """One query over folders of shards, in SQL that DuckDB and Spark both know.

    ORDER BY fixes the order of the rows.
    """

    name: str
    sql: str
    tables: Mapping[str, Path]


class Engine(Protocol):
    """Where jobs run. Both engines end with the same shards, to the byte."""

    def run(self, job: RowJob, pending: Sequence[Unit], shards: Shards, track: Track = silent) -> None:
        """Do the units, one after the other or several at a time; a unit is done when its line is in the manifest."""
        ...

    def query(self, job: TableJob) -> pa.Table:
        """Return the answer of a query. Raises InputError where its tables have no shards."""
        ...


def run_unit(job: RowJob, unit: Unit, folder: str | Path) -> Written:
    """Do one unit and write its shards, here or in a worker; the owner of the manifest records it."""
    parts = [pa.Table.from_batches([job.function(batch, **job.settings)]) for batch in units.batches(unit)]
    if not parts:  # a cut inside one line
        parts = [pa.Table.from_batches([job.function(pa.RecordBatch.from_pylist([], units.LINES), **job.settings)])]
    kept, rejects = zip(*(separated(part, job.failures_stay) for part in parts), strict=True)
    tables = pa.concat_tables(kept), pa.concat_tables(rejects)
    return write_unit(folder, unit.name, *tables, failures_stay=job.failures_stay)


def separated(rows: pa.Table, failures_stay: bool = False) -> tuple[pa.Table, pa.Table]:
    """Return the kept rows, without the columns of reasons, and the rejects; with ``failures_stay`` all are kept."""
    if REASON_COLUMN not in rows.column_names:
        return rows, REJECTS.empty_table()
    is_kept = pc.is_null(rows[REASON_COLUMN])
    rejected = rows.filter(pc.invert(is_kept))
    columns = [
        rejected[name].cast(pa.string()) if name in rows.column_names else pa.nulls(len(rejected), pa.string())
        for name in ("id", "image", REASON_COLUMN, DETAIL_COLUMN)
    ]
    return (rows if failures_stay else rows.filter(is_kept)).drop_columns([REASON_COLUMN, DETAIL_COLUMN]), pa.table(
        columns, schema=REJECTS
    )


def write_table(table: pa.Table, shards: Shards) -> None:
    """Write the answer of a query as shards of SHARD_ROWS rows; shards that are done are not written again."""
    for number, start in enumerate(range(0, max(len(table), 1), SHARD_ROWS)):
        for unit in shards.pending([f"{number:05d}"]):
            shards.write(unit, table.slice(start, SHARD_ROWS), REJECTS.empty_table())


def shards_of(folder: Path) -> list[str]:
    """Return the paths of the shards of a table, in their order. Raises InputError where there are none."""
    paths = sorted(str(path) for path in Path(folder).glob("*.parquet"))
    if not paths:
        raise InputError(f"{folder}: a folder without .parquet shards; make records with: whereshot ingest")
    return paths
