"""Any CSV, TSV or Parquet table with positions -> Records; rows that cannot be used are rejects with reasons.

Columns are found by their usual names or named by the user; all others are kept as they are. Image paths are
relative to the table's own folder.
"""

from __future__ import annotations

import csv
import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
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

TYPES: dict[str, pa.DataType] = {field.name: field.type for field in [*SCHEMA, *RESERVED]}
"""Known column -> the type it is to have."""


def read(inputs: Sequence[Path], columns: Mapping[str, str], track: Track) -> base.Ingested:
    """Records of all rows with a usable position, from one table or several with the same columns."""
    for target in columns:
        if target not in TYPES:
            raise InputError(f"--column {target}=...: not a column of records; {nearest_name(target, TYPES)}")
    stems = Counter(path.stem for path in inputs)  # ids are made of them; two tables may have the same
    parts = [
        _read_one(path, columns, path.stem if stems[path.stem] == 1 else path.as_posix())
        for path in track(inputs, total=len(inputs), what="reading tables")
    ]
    records = Records.concat([part.records for part in parts])
    rejects = pa.concat_tables([part.rejects for part in parts])
    notes = tuple(note for part in parts for note in part.notes)
    if len(parts) > 1:
        records, repeated = _drop_repeats(records)
        rejects = pa.concat_tables([rejects, repeated])
    return base.Ingested(records, rejects, notes)


def _read_one(path: Path, given: Mapping[str, str], label: str) -> base.Ingested:
    table, broken = _load(path, given)
    numbers = np.setdiff1d(np.arange(1, len(table) + len(broken) + 1), list(broken))  # of the rows as in the file
    names = _resolve(table.column_names, given, path)
    latitude, bad_latitude = _floats(table[names["latitude"]])
    longitude, bad_longitude = _floats(table[names["longitude"]])
    columns: dict[str, pa.Array | pa.ChunkedArray] = {}
    notes = []
    for target, name in names.items():
        values = table[name]
        if target in ("latitude", "longitude"):
            continue
        is_time = pa.types.is_timestamp(values.type) or pa.types.is_date(values.type)
        if target in ("taken_at", "posted_at") and not is_time:
            values, lost = _times(values.cast(pa.string()))
            if lost:
                notes.append(f"{path.name}: {lost} values of {name!r} are no ISO times and were left empty")
        elif target == "tags" and not pa.types.is_nested(values.type):
            values = _tags(values.cast(pa.string()))
        elif pa.types.is_floating(TYPES[target]):
            values = pa.array(_floats(values)[0], from_pandas=True)
        elif pa.types.is_string(values.type):
            values = pc.if_else(pc.equal(pc.utf8_trim_whitespace(values), ""), pa.scalar(None, pa.string()), values)
        columns[target] = values
    kept_names = set(names.values())
    for name in table.column_names:
        if name not in kept_names and name not in columns:
            columns[name] = table[name]
    if "image" in columns:
        columns["image"] = _absolute(columns["image"], path.absolute().parent)
    given_ids = columns["id"] if "id" in columns else table[names["image"]] if "image" in names else None
    texts = [None] * len(table) if given_ids is None else given_ids.cast(pa.string()).to_pylist()
    ids = [text or f"{label}:{number}" for text, number in zip(texts, numbers, strict=True)]
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
            rejects.append((ids[row], images[row], reason, f"row {numbers[row]}: {detail}"))
        else:
            keep.append(row)
            seen.add(ids[row])
    rejects += [(None, None, base.BROKEN_ROW, f"row {number}: {detail}") for number, detail in broken.items()]
    records = Records(pa.table(columns))[np.array(keep, dtype=np.int64)]
    records = records.with_column("longitude", records.points[:, 1])  # one turn off is wrapped
    return base.Ingested(records, rejects_table(rejects), tuple(notes))


def _load(path: Path, given: Mapping[str, str]) -> tuple[pa.Table, dict[int, str]]:
    """The table as it is, and a sentence for every row, by its number, whose number of fields is wrong."""
    if not path.exists():
        raise InputError(f"{path}: no such file")
    if path.is_dir() or path.suffix.lower() == ".parquet":
        try:
            return pq.read_table(path), {}
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(f"{path}: not a readable Parquet file ({error})") from error
    delimiter, header, encodings = _header(path)
    # text stays text: an id such as 007, or one of 20 digits, would not survive as a number
    texts = [name for target, name in _resolve(header, given, path).items() if pa.types.is_string(TYPES[target])]
    broken: dict[int, str] = {}

    def note(row: pyarrow.csv.InvalidRow) -> str:
        sentence = f"{row.actual_columns} fields where {row.expected_columns} were expected: {row.text[:80]!r}"
        broken[row.number - 1] = sentence  # Arrow counts the header as row 1
        return "skip"

    parsing = pyarrow.csv.ParseOptions(delimiter=delimiter, invalid_row_handler=note, newlines_in_values=True)
    converting = pyarrow.csv.ConvertOptions(
        decimal_point="," if delimiter == ";" else ".", column_types=dict.fromkeys(texts, pa.string())
    )
    table = None
    for encoding in encodings:
        broken.clear()
        reading = pyarrow.csv.ReadOptions(encoding=encoding, use_threads=False)
        try:
            table = pyarrow.csv.read_csv(path, reading, parsing, converting)
        except pa.ArrowInvalid as error:
            if "UTF8" not in str(error):
                raise InputError(f"{path}: not a readable table ({str(error).splitlines()[0]})") from error
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error})") from error
        if table is not None and not any(pa.types.is_binary(kind) for kind in table.schema.types):
            return table, broken  # where text is not UTF-8, Arrow refuses it or gives it as bytes
    raise InputError(f"{path}: neither UTF-8 nor Latin-1 text")


def _header(path: Path) -> tuple[str, list[str], tuple[str, ...]]:
    """The delimiter, the names of the columns and the encodings that the rest may have, from the first line."""
    try:
        with path.open("rb") as file:
            line = file.readline(1 << 20)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        header = line.decode("utf-8-sig")
        encodings: tuple[str, ...] = ("utf8", "latin-1")
    except UnicodeDecodeError:
        header, encodings = line.decode("latin-1"), ("latin-1",)
    if not header.strip():
        raise InputError(f"{path}: an empty table; the first line must name the columns")
    delimiter = max(",;\t|", key=header.count)
    return delimiter, next(csv.reader([header], delimiter=delimiter)), encodings


def _resolve(present: list[str], given: Mapping[str, str], path: Path) -> dict[str, str]:
    """Record column -> table column; raises InputError where a position column is missing or misnamed."""
    names: dict[str, str] = {}
    twice = [name for name, count in Counter(present).items() if count > 1]
    if twice:
        raise InputError(f"{path}: more than one column is called {twice[0]!r}; rename all but one")
    for target, name in given.items():
        if name not in present:
            raise InputError(f"{path}: no column {name!r}; {nearest_name(name, present)}")
        names[target] = name
    lowered = {name.lower().strip(): name for name in reversed(present)}
    for target in [*ALIASES, *(name for name in TYPES if name not in ALIASES)]:
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


def _tags(column: pa.ChunkedArray) -> pa.Array:
    """Texts with commas between the tags, as Flickr gives them, as lists."""
    lists = [None if not text else [tag.strip() for tag in text.split(",")] for text in column.to_pylist()]
    return pa.array([tags and [tag for tag in tags if tag] for tags in lists], pa.list_(pa.string()))


def _absolute(column: pa.Array | pa.ChunkedArray, folder: Path) -> pa.Array:
    texts = column.cast(pa.string()).to_pylist()
    return pa.array([None if not text else str(folder / text) for text in texts], pa.string())


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
