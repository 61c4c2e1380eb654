"""Texts like "country=US,CA" or "split!=test" -> which rows of records they select."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from whereshot.errors import InputError, nearest_name
from whereshot.records import rejects_table
from whereshot.sources import base


class Condition(NamedTuple):
    """A column that must have one of some values, or, where ``negated``, none of them; "" is a missing value."""

    column: str
    values: tuple[str, ...]
    negated: bool

    def __str__(self) -> str:
        return f"{self.column}{'!=' if self.negated else '='}{','.join(self.values)}"


def parse(texts: Sequence[str]) -> list[Condition]:
    """The conditions of several texts, all of which must hold. Raises InputError."""
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
    """The rows that all conditions select, and rejects for the others. Raises InputError for an unknown column."""
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
    lost = rows.filter(pc.invert(chosen))
    detail = f"--where {' '.join(map(str, conditions))}"
    ids, images = lost["id"].to_pylist(), lost["image"].to_pylist()
    rejects = [(name, image, base.NOT_SELECTED, detail) for name, image in zip(ids, images, strict=True)]
    return rows.filter(chosen), rejects_table(rejects)
