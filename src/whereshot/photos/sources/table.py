"""Make records from a CSV, TSV or Parquet table with positions; rows that cannot be used become rejects.

Columns are found by their usual names or named by the user; all others are kept as they are. Image paths are
relative to the table's own folder.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from whereshot.earth import position_columns
from whereshot.foundation import csv_tables
from whereshot.foundation.errors import InputError, nearest_name
from whereshot.foundation.progress import Track
from whereshot.foundation.tables import reading_parquet, rejects_table
from whereshot.photos.records import RESERVED, SCHEMA, Records
from whereshot.photos.reject_reasons import BROKEN_ROW, DUPLICATE_ID, IMPOSSIBLE_POSITION
from whereshot.photos.scenes import SCENES
from whereshot.photos.sources import base

ALIASES: dict[str, tuple[str, ...]] = {
    **{axis: (*names, f"true_{names[1]}") for axis, names in position_columns.NAMES.items() if "ref" not in axis},
    **{axis: names for axis, names in position_columns.NAMES.items() if "ref" in axis},
    "id": ("id", "img_id", "image_id", "photo_id", "key"),
    "image": ("image", "path", "image_path", "file", "filename", "file_name", "picture_name", "sourcefile"),
    "user": ("user", "author", "owner", "user_id", "photographer"),
    "accuracy_km": ("accuracy_km", "label_precision_km"),
    "group": ("group", "group_id"),
    **{f"scene_{scene}": (f"scene_{scene}", f"prob_{scene}") for scene in SCENES},
}
"""The usual names of each known column; letter case does not count."""

TYPES: dict[str, pa.DataType] = {field.name: field.type for field in [*SCHEMA, *RESERVED]}
"""The types of the known columns of records."""

NAMED = (*TYPES, *position_columns.REFERENCE.values())
"""Columns that a user may name."""


def read(inputs: Sequence[Path], columns: Mapping[str, str], track: Track) -> base.Ingested:
    """Return records of all rows with a usable position, from one table or several with the same columns."""
    for target in columns:
        if target not in NAMED:
            raise InputError(f"--column {target}=...: not a column of records; {nearest_name(target, NAMED)}")
    stems = Counter(path.stem for path in inputs)  # ids are made of the names; two tables may have the same name
    parts = [
        _read_one(path, columns, path.stem if stems[path.stem] == 1 else path.as_posix())
        for path in track(inputs, total=len(inputs), what="reading tables")
    ]
    records = _united([part.records for part in parts])
    rejects = pa.concat_tables([part.rejects for part in parts])
    notes = tuple(note for part in parts for note in part.notes)
    if len(parts) > 1:
        records, repeated = _drop_repeats(records)
        rejects = pa.concat_tables([rejects, repeated])
    return base.Ingested(records, rejects, notes)


def _read_one(path: Path, given: Mapping[str, str], label: str) -> base.Ingested:
    loaded = _load(path)
    table, numbers = loaded.columns, loaded.numbers
    names = _resolve(table.column_names, given, path)
    hemispheres = position_columns.find_hemispheres(table, names, path)
    names |= hemispheres.columns
    axes = {target: table[name] for target, name in names.items() if target in position_columns.NAMES}
    latitude, bad_latitude = position_columns.read_axis(axes, "latitude")
    longitude, bad_longitude = position_columns.read_axis(axes, "longitude")
    columns, notes = _typed_columns(loaded, names, path)
    if loaded.note:
        notes.insert(0, loaded.note)
    if by_name := [
        names[name] for name in position_columns.REFERENCE.values() if name in names and name not in hemispheres.columns
    ]:
        notes.append(f"{path.name}: hemispheres are taken from {' and '.join(map(repr, by_name))}")
    notes += hemispheres.notes
    given_ids = columns["id"] if "id" in columns else table[names["image"]] if "image" in names else None
    texts = [None] * len(table) if given_ids is None else given_ids.cast(pa.string()).to_pylist()
    ids = [(text and text.strip()) or f"{label}:{number}" for text, number in zip(texts, numbers, strict=True)]
    columns["id"] = pa.array(ids, pa.string())
    columns["latitude"], columns["longitude"] = pa.array(latitude), pa.array(longitude)
    columns.setdefault("source", pa.array(["table"] * len(table)))

    reasons, details = base.judge_positions(latitude, longitude)
    for row, fault in [*bad_latitude.items(), *bad_longitude.items()]:
        reasons[row], details[row] = IMPOSSIBLE_POSITION, fault
    images = columns["image"].to_pylist() if "image" in columns else [None] * len(table)
    rejects, keep, seen = [], [], set()
    for row, (reason, detail) in enumerate(zip(reasons, details, strict=True)):
        if not reason and ids[row] in seen:
            reason, detail = DUPLICATE_ID, f"id {ids[row]!r} stands in an earlier row"
        if reason:
            rejects.append((ids[row], images[row], reason, f"row {numbers[row]}: {detail}"))
        else:
            keep.append(row)
            seen.add(ids[row])
    rejects += [(None, None, BROKEN_ROW, f"row {number}: {fault}") for number, fault in loaded.broken.items()]
    records = Records(pa.table(columns))[np.array(keep, dtype=np.int64)]
    records = records.with_column("longitude", records.points[:, 1])  # a longitude that is one turn off is wrapped
    return base.Ingested(records, rejects_table(rejects), tuple(notes))


def _typed_columns(
    loaded: csv_tables.TextTable, names: Mapping[str, str], path: Path
) -> tuple[dict[str, pa.Array | pa.ChunkedArray], list[str]]:
    """Return all columns but the position, known columns with their types; and notes on lost values."""
    columns: dict[str, pa.Array | pa.ChunkedArray] = {}
    table, notes = loaded.columns, []
    for target, name in names.items():
        values, lost = table[name], 0
        if target in position_columns.NAMES:
            continue
        if pa.types.is_timestamp(TYPES[target]) and not _is_time(values.type):
            values, lost = _times(values.cast(pa.string()))
        elif target == "tags" and not pa.types.is_nested(values.type):
            values = _tags(values.cast(pa.string()))
        elif pa.types.is_floating(TYPES[target]):
            floats, odd = csv_tables.numbers(values, commas_delimit=loaded.delimiter == ",")
            values, lost = pa.array(floats, from_pandas=True), len(odd)
        elif pa.types.is_boolean(TYPES[target]) and pa.types.is_string(values.type):
            values, lost = _booleans(values)
        elif pa.types.is_string(values.type):
            values = pc.if_else(pc.equal(pc.utf8_trim_whitespace(values), ""), pa.scalar(None, pa.string()), values)
        if lost:
            kind = "ISO times" if pa.types.is_timestamp(TYPES[target]) else "usable values"
            notes.append(f"{path.name}: {lost} values of {name!r} are no {kind} and were left empty")
        columns[target] = values
    used = {name for target, name in names.items() if target not in position_columns.REFERENCE.values()}
    for name in table.column_names:
        if name not in used and name not in columns:
            columns[name] = table[name]
    if "image" in columns:
        columns["image"] = _absolute(columns["image"], path.absolute().parent)
    return columns, notes


def _load(path: Path) -> csv_tables.TextTable:
    """Return the table unchanged; the columns of a CSV file are all text."""
    if not path.exists():
        raise InputError(f"{path}: no such file")
    if path.is_dir() or path.suffix.lower() == ".parquet":
        with reading_parquet(path):
            return csv_tables.TextTable(pq.read_table(path), {})
    return csv_tables.read(path)


def _resolve(present: list[str], given: Mapping[str, str], path: Path) -> dict[str, str]:
    """Return record column -> table column. Raises InputError for a position column that is missing or misnamed."""
    twice = [name for name, count in Counter(present).items() if count > 1]
    if twice:
        raise InputError(f"{path}: more than one column is called {twice[0]!r}; rename all but one")
    own: dict[str, tuple[str, ...]] = {name: (name,) for name in TYPES if name not in ALIASES}
    names = csv_tables.resolve(present, given, ALIASES | own, path)
    for target in ("latitude", "longitude"):
        if target not in names:
            raise InputError(
                f"{path}: no {target} column among {', '.join(present)}; name it with --column {target}=NAME"
            )
    return names


def _is_time(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _booleans(column: pa.ChunkedArray) -> tuple[pa.Array, int]:
    """Return texts such as "true" and "0" as booleans, and the number of other texts."""
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": None}
    texts = [text.strip().lower() for text in pc.fill_null(column, "").to_pylist()]
    return pa.array([words.get(text) for text in texts], pa.bool_()), sum(text not in words for text in texts)


def _times(column: pa.ChunkedArray) -> tuple[pa.Array, int]:
    times, lost = [], 0
    for text in column.to_pylist():
        try:
            time = datetime.datetime.fromisoformat(text) if text else None
        except ValueError:
            time, lost = None, lost + 1
        times.append(time if time is None or time.tzinfo else time.replace(tzinfo=datetime.UTC))
    return pa.array(times, pa.timestamp("us", tz="UTC")), lost


def _tags(column: pa.ChunkedArray) -> pa.Array:
    """Return texts with commas between the tags, as Flickr writes them, as lists."""
    lists = [None if not text else [tag.strip() for tag in text.split(",")] for text in column.to_pylist()]
    return pa.array([tags and [tag for tag in tags if tag] for tags in lists], pa.list_(pa.string()))


def _absolute(column: pa.Array | pa.ChunkedArray, folder: Path) -> pa.Array:
    texts = column.cast(pa.string()).to_pylist()
    return pa.array([None if not text else str(folder / text) for text in texts], pa.string())


def _united(parts: Sequence[Records]) -> Records:
    """Return the rows of all tables. A column that is text in one table and single values in another becomes text."""
    texts = {field.name for part in parts for field in part.table.schema if pa.types.is_string(field.type)}
    tables = []
    for part in parts:
        fields = [
            field.with_type(pa.string()) if field.name in texts and not pa.types.is_nested(field.type) else field
            for field in part.table.schema
        ]
        tables.append(Records(part.table.cast(pa.schema(fields))))
    return Records.concat(tables)


def _drop_repeats(records: Records) -> tuple[Records, pa.Table]:
    seen: set[str | None] = set()
    keep, rejects = [], []
    images = records.strings("image")
    for row, name in enumerate(records.strings("id")):
        if name in seen:
            rejects.append((name, images[row], DUPLICATE_ID, f"id {name!r} stands in an earlier table"))
        else:
            seen.add(name)
            keep.append(row)
    return records[np.array(keep, dtype=np.int64)], rejects_table(rejects)
