"""Select rows of records by texts like "country=US,CA" or "split!=test"."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from whereshot.foundation.errors import InputError, nearest_name
from whereshot.foundation.jobs import DETAIL_COLUMN, REASON_COLUMN, RowJob
from whereshot.foundation.tables import rejects_table
from whereshot.photos.records import Records
from whereshot.photos.reject_reasons import NOT_SELECTED
from whereshot.photos.sources import base


class Condition(NamedTuple):
    """A column that must have one of some values or, where ``negated``, none of them; "" is a missing value."""

    column: str
    values: tuple[str, ...]
    negated: bool

    def __str__(self) -> str:
        return f"{self.column}{'!=' if self.negated else '='}{','.join(self.values)}"


def parse(texts: Sequence[str]) -> list[Condition]:
    """Return the conditions of several texts; all of them must hold. Raises InputError."""
    conditions = []
    for text in texts:
        column, sign, values = text.partition("=")
        negated = column.endswith("!")
        column = column.removesuffix("!").strip()
        if not sign or not column:
            raise InputError(f"--where takes column=value, column!=value or column=value,value; got {text!r}")
        conditions.append(Condition(column, tuple(value.strip() for value in values.split(",")), negated))
    return conditions


def select(rows: pa.Table, conditions: Sequence[Condition]) -> tuple[pa.Table, pa.Table]:
    """Return the rows for which all conditions hold, and rejects for the others. Raises InputError for an unknown
    column.
    """
    chosen = _chosen(rows, conditions)
    lost = rows.filter(pc.invert(chosen))
    ids, images = lost["id"].to_pylist(), lost["image"].to_pylist()
    detail = _detail(conditions)
    rejects = [(name, image, NOT_SELECTED, detail) for name, image in zip(ids, images, strict=True)]
    return rows.filter(chosen), rejects_table(rejects)


def choose(ingested: base.Ingested, conditions: Sequence[Condition]) -> base.Ingested:
    """Return the records for which all conditions hold; the others join the rejects. Raises InputError for an unknown
    column.
    """
    if not conditions:
        return ingested
    rows, lost = select(ingested.records.table, conditions)
    return base.Ingested(Records(rows), pa.concat_tables([ingested.rejects, lost]), ingested.notes)


def selected(job: RowJob, texts: Sequence[str]) -> RowJob:
    """Return the job with a further step: kept rows for which a condition does not hold become rejects. Raises
    InputError.
    """
    if not texts:
        return job
    conditions = [str(condition) for condition in parse(texts)]
    origin = f"{job.function.__module__}:{job.function.__qualname__}"
    return replace(job, function=transform, settings={"rows_of": origin, "where": conditions, **job.settings})


def transform(batch: pa.RecordBatch, *, rows_of: str, where: Sequence[str], **settings: Any) -> pa.RecordBatch:
    """Return the rows of the first job; rows for which a condition does not hold get a reason."""
    module, _, name = rows_of.partition(":")
    rows = pa.Table.from_batches([getattr(importlib.import_module(module), name)(batch, **settings)])
    conditions = parse(where)
    lost = pc.and_(pc.is_null(rows[REASON_COLUMN]), pc.invert(_chosen(rows, conditions)))
    for column, text in ((REASON_COLUMN, NOT_SELECTED), (DETAIL_COLUMN, _detail(conditions))):
        place = rows.column_names.index(column)
        rows = rows.set_column(place, rows.schema.field(place), pc.if_else(lost, text, rows[column]))
    return next(iter(rows.combine_chunks().to_batches()), pa.RecordBatch.from_pylist([], schema=rows.schema))


def _detail(conditions: Sequence[Condition]) -> str:
    return f"--where {' '.join(map(str, conditions))}"


def _chosen(rows: pa.Table, conditions: Sequence[Condition]) -> pa.ChunkedArray:
    """Return the rows for which all conditions hold."""
    chosen = pa.chunked_array([pa.repeat(True, len(rows))])
    for condition in conditions:
        if condition.column not in rows.column_names:
            hint = nearest_name(condition.column, rows.column_names)
            raise InputError(f"--where {condition}: no column {condition.column!r}; {hint}")
        column = rows[condition.column]
        if pa.types.is_nested(column.type):
            raise InputError(f"--where {condition}: {condition.column!r} holds lists; choose a column of single values")
        texts = pc.fill_null(column.cast(pa.string()), "")
        holds = pc.is_in(texts, pa.array(condition.values))
        chosen = pc.and_(chosen, pc.invert(holds) if condition.negated else holds)
    return chosen
