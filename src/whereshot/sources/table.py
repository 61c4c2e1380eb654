"""Any CSV, TSV or Parquet table with positions -> Records; rows that cannot be used are rejects with reasons.

Columns are found by their usual names or named by the user; all others are kept as they are. Image paths are
relative to the table's own folder.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from whereshot.errors import InputError, nearest_name
from whereshot.progress import Track
from whereshot.records import RESERVED, SCHEMA, Records, rejects_table
from whereshot.sources import base

ALIASES: dict[str, tuple[str, ...]] = {
    "latitude": ("latitude", "lat", "gps_latitude", "true_lat", "y"),
    "longitude": ("longitude", "lon", "lng", "long", "gps_longitude", "true_lon", "x"),
    "id": ("id", "img_id", "image_id", "photo_id", "key"),
    "image": ("image", "path", "image_path", "file", "filename", "file_name", "picture_name"),
    "user": ("user", "author", "owner", "user_id", "photographer"),
    "accuracy_km": ("accuracy_km", "label_precision_km"),
    "group": ("group", "group_id"),
    "scene_indoor": ("scene_indoor", "prob_indoor"),
    "scene_natural": ("scene_natural", "prob_natural"),
    "scene_urban": ("scene_urban", "prob_urban"),
}
"""Known column -> the names it usually goes by, compared without case."""

TARGETS = frozenset([*SCHEMA.names, *RESERVED.names])


def read(inputs: Sequence[Path], columns: Mapping[str, str], track: Track) -> base.Ingested:
    """Records of all rows with a usable position, from one table or several with the same columns."""
    for target in columns:
        if target not in TARGETS:
            raise InputError(f"--column {target}=...: not a column of records; {nearest_name(target, TARGETS)}")
    parts = [_read_one(path, columns) for path in track(inputs, total=len(inputs), what="reading tables")]
    records = Records.concat([part.records for part in parts])
    rejects = pa.concat_tables([part.rejects for part in parts])
    notes = tuple(note for part in parts for note in part.notes)
    if len(parts) > 1:
        records, repeated = _drop_repeats(records)
        rejects = pa.concat_tables([rejects, repeated])
    return base.Ingested(records, rejects, notes)


def _read_one(path: Path, given: Mapping[str, str]) -> base.Ingested:
    table, broken = _load(path)
    names = _resolve(table.column_names, given, path)
    latitude, bad_latitude = _floats(table[names["latitude"]])
    longitude, bad_longitude = _floats(table[names["longitude"]])
    columns: dict[str, pa.Array | pa.ChunkedArray] = {}
    notes = []
    for target, name in names.items():
        values = table[name]
        if target in ("latitude", "longitude"):
            continue
        if target in ("taken_at", "posted_at") and pa.types.is_string(values.type):
            values, lost = _times(values)
            if lost:
                notes.append(f"{path.name}: {lost} values of {name!r} are no ISO times and were left empty")
        elif target in RESERVED.names and pa.types.is_floating(RESERVED.field(target).type):
            values = pa.array(_floats(values)[0], from_pandas=True)
        columns[target] = values
    kept_names = set(names.values())
    for name in table.column_names:
        if name not in kept_names and name not in columns:
            columns[name] = table[name]
    if "image" in columns:
        columns["image"] = _absolute(columns["image"], path.absolute().parent)
    ids = _ids(columns, names, table, path)
    columns["id"] = pa.array(ids, pa.string())
    columns["latitude"], columns["longitude"] = pa.array(latitude), pa.array(longitude)
    columns.setdefault("source", pa.array(["table"] * len(table)))

    reasons, details = base.judge_positions(latitude, longitude)
    images = columns["image"].to_pylist() if "image" in columns else [None] * len(table)
    rejects, keep, seen = [], [], set()
    for row, (reason, detail) in enumerate(zip(reasons, details, strict=True)):
        for axis, bad in (("latitude", bad_latitude), ("longitude", bad_longitude)):
            if row in bad:
                reason, detail = base.IMPOSSIBLE_POSITION, f"{axis} is not a number: {bad[row]!r}"
        if not reason and ids[row] in seen:
            reason, detail = base.DUPLICATE_ID, f"id {ids[row]!r} stands in an earlier row"
        if reason:
            rejects.append((ids[row], images[row], reason, f"row {row + 1}: {detail}"))
        else:
            keep.append(row)
            seen.add(ids[row])
    rejects += [(None, None, base.BROKEN_ROW, detail) for detail in broken]
    records = Records(pa.table(columns))[np.array(keep, dtype=np.int64)]
    return base.Ingested(records, rejects_table(rejects), tuple(notes))


def _load(path: Path) -> tuple[pa.Table, list[str]]:
    """The table as it is, and a sentence for every row whose number of fields is wrong."""
    if not path.exists():
        raise InputError(f"{path}: no such file")
    if path.is_dir() or path.suffix.lower() == ".parquet":
        try:
            return pq.read_table(path), []
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(f"{path}: not a readable Parquet file ({error})") from error
    broken: list[str] = []

    def note(row: pyarrow.csv.InvalidRow) -> str:
        broken.append(f"{row.actual_columns} fields where {row.expected_columns} were expected: {row.text[:80]!r}")
        return "skip"

    delimiter = _delimiter(path)
    parsing = pyarrow.csv.ParseOptions(delimiter=delimiter, invalid_row_handler=note, newlines_in_values=True)
    for encoding in ("utf8", "latin-1"):
        reading = pyarrow.csv.ReadOptions(encoding=encoding, use_threads=False)
        converting = pyarrow.csv.ConvertOptions(decimal_point="," if delimiter == ";" else ".")
        try:
            return pyarrow.csv.read_csv(path, reading, parsing, converting), broken
        except pa.ArrowInvalid as error:
            if "UTF8" in str(error) and encoding == "utf8":
                broken.clear()
                continue
            raise InputError(f"{path}: not a readable table ({str(error).splitlines()[0]})") from error
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error})") from error
    raise InputError(f"{path}: neither UTF-8 nor Latin-1 text")


def _delimiter(path: Path) -> str:
    try:
        with path.open("rb") as file:
            header = file.readline(1 << 20).decode("utf-8-sig", "replace")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    if not header.strip():
        raise InputError(f"{path}: an empty table; the first line must name the columns")
    return max(",;\t|", key=header.count)


def _resolve(present: list[str], given: Mapping[str, str], path: Path) -> dict[str, str]:
    """Record column -> table column; raises InputError where a position column is missing or misnamed."""
    names: dict[str, str] = {}
    for target, name in given.items():
        if name not in present:
            raise InputError(f"{path}: no column {name!r}; {nearest_name(name, present)}")
        names[target] = name
    lowered = {name.lower().strip(): name for name in reversed(present)}
    for target in [*ALIASES, *(name for name in TARGETS if name not in ALIASES)]:
        for alias in ALIASES.get(target, (target,)):
            if target not in names and alias in lowered and lowered[alias] not in names.values():
                names[target] = lowered[alias]
    for target in ("latitude", "longitude"):
        if target not in names:
            raise InputError(
                f"{path}: no {target} column among {', '.join(present)}; name it with --column {target}=NAME"
            )
    return names


def _floats(column: pa.ChunkedArray) -> tuple[np.ndarray, dict[int, str]]:
    """A column as floats (n,), nulls as NaN, and the texts that are no numbers by row."""
    if not pa.types.is_string(column.type):
        try:
            return column.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64), {}
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            column = column.cast(pa.string())
    values, bad = np.full(len(column), np.nan), {}
    for row, text in enumerate(column.to_pylist()):
        cleaned = (text or "").strip()
        if not cleaned:
            continue
        try:
            values[row] = float(cleaned.replace(",", ".") if cleaned.count(",") == 1 else cleaned)
        except ValueError:
            bad[row] = cleaned[:40]
    return values, bad


def _times(column: pa.ChunkedArray) -> tuple[pa.Array, int]:
    times, lost = [], 0
    for text in column.to_pylist():
        try:
            time = datetime.datetime.fromisoformat(text) if text else None
        except ValueError:
            time, lost = None, lost + 1
        times.append(time if time is None or time.tzinfo else time.replace(tzinfo=datetime.UTC))
    return pa.array(times, pa.timestamp("us", tz="UTC")), lost


def _absolute(column: pa.Array | pa.ChunkedArray, folder: Path) -> pa.Array:
    texts = column.cast(pa.string()).to_pylist()
    return pa.array([None if not text else str(folder / text) for text in texts], pa.string())


def _ids(columns: dict, names: dict[str, str], table: pa.Table, path: Path) -> list[str]:
    source = names.get("id") or names.get("image")
    texts = table[source].cast(pa.string()).to_pylist() if source else [None] * len(table)
    return [text or f"{path.stem}:{row + 1}" for row, text in enumerate(texts)]


def _drop_repeats(records: Records) -> tuple[Records, pa.Table]:
    seen: set[str | None] = set()
    keep, rejects = [], []
    images = records.strings("image")
    for row, name in enumerate(records.strings("id")):
        if name in seen:
            rejects.append((name, images[row], base.DUPLICATE_ID, f"id {name!r} stands in an earlier table"))
        else:
            seen.add(name)
            keep.append(row)
    return records[np.array(keep, dtype=np.int64)], rejects_table(rejects)
