"""Make records from the dump of YFCC100M: photos with positions become records, all other lines rejects.

Thomee et al. 2016, "YFCC100M: The New Data in Multimedia Research". The lines are separated by tabs: 23 columns in the
original dump, 25 in the later release, whose first column is the number of the line and whose third column is the hash
of the photo. Texts are URL-encoded. All work is done on whole columns; only unusual rows are processed one by one.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.foundation.errors import InputError
from whereshot.foundation.jobs import DETAIL_COLUMN, REASON_COLUMN, RowJob, Unit, separated, split, units
from whereshot.foundation.progress import Track
from whereshot.photos.records import SCHEMA, Records
from whereshot.photos.reject_reasons import BROKEN_ROW, IMPOSSIBLE_POSITION, NO_POSITION
from whereshot.photos.sources import base
from whereshot.photos.sources.urlencoded import decoded
from whereshot.photos.sources.yfcc_keys import object_keys

COLUMNS = (
    "photo_id", "user", "nickname", "taken", "uploaded", "camera", "title", "description", "tags", "machine_tags",
    "longitude", "latitude", "accuracy", "page_url", "url", "license", "license_url", "server", "farm", "secret",
    "secret_original", "extension", "marker",
)  # fmt: skip
"""The columns of the original dump, in their order."""

RELEASE_COLUMNS = ("line_number", COLUMNS[0], "hash", *COLUMNS[1:])
"""The columns of the later release."""

READ = (
    "photo_id", "user", "taken", "uploaded", "camera", "title", "tags", "machine_tags", "longitude", "latitude",
    "accuracy", "page_url", "url", "license", "marker",
)  # fmt: skip

OUTPUT = pa.schema(
    [
        *SCHEMA,
        ("taken_at_is_local", pa.bool_()),
        ("camera", pa.string()),
        ("machine_tags", pa.list_(pa.string())),
        ("accuracy", pa.int8()),
        ("page_url", pa.string()),
        ("object_key", pa.string()),
        ("object_key_short", pa.string()),
        (REASON_COLUMN, pa.string()),
        (DETAIL_COLUMN, pa.string()),
    ]
)
"""The columns of the records. ``accuracy`` is Flickr's: 16 is a street, 1 the world; keys are the keys of the bucket.
"""

VIDEO = "video"

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_MOMENT = r"^[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]) ([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?$"


def read(inputs: Sequence[Path], columns: Mapping[str, str], track: Track) -> base.Ingested:
    """Return records of all photos with a usable position, in memory. For a whole dump use an engine and ``JOB``."""
    if columns:
        raise InputError("--column: the columns of YFCC100M are known; leave it out")
    pieces = split_all(inputs)
    parts = [_read_unit(unit) for unit in track(pieces, total=len(pieces), what="reading lines")]
    kept, rejects = zip(*parts, strict=True)
    return base.Ingested(Records(pa.concat_tables(kept)), pa.concat_tables(rejects))


def split_all(inputs: Sequence[Path]) -> list[Unit]:
    """Return the units of a dump. Raises InputError where it is missing or empty."""
    cut = split(inputs)
    if not cut:
        raise InputError(f"{', '.join(map(str, inputs))}: nothing in it")
    return cut


def _read_unit(unit: Unit) -> tuple[pa.Table, pa.Table]:
    made = [transform(batch) for batch in units.batches(unit)] or [pa.RecordBatch.from_pylist([], OUTPUT)]
    return separated(pa.Table.from_batches(made))


def transform(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Turn lines (see ``units.LINES``) into rows of OUTPUT: photos, then rejects, both in the order of the lines."""
    rows, broken = _parsed(batch["line"])
    reasons, details = _judged(rows)
    kept = np.flatnonzero(reasons == "")
    lost = np.flatnonzero(reasons != "")
    photos = _photos(rows.take(pa.array(kept)))
    rejects = pa.table(
        {
            "id": _filled_text(rows["photo_id"].take(pa.array(lost))),
            REASON_COLUMN: pa.array(reasons[lost], pa.string()),
            DETAIL_COLUMN: pa.array(details[lost], pa.string()),
        }
    )
    whole = pa.concat_tables([_filled(table) for table in (photos, rejects, broken)]).combine_chunks()
    return (whole.to_batches() or [pa.RecordBatch.from_pylist([], OUTPUT)])[0]


def _filled(table: pa.Table) -> pa.Table:
    """Return the table with the schema of OUTPUT; columns that it does not have are null."""
    have = set(table.column_names)
    return pa.table(
        [table[name] if name in have else pa.nulls(len(table), kind) for name, kind in _NAMED], schema=OUTPUT
    )


_NAMED = [(field.name, field.type) for field in OUTPUT]


# --- lines


def _parsed(lines: pa.Array) -> tuple[pa.Table, pa.Table]:
    """Return the fields of READ, and of "hash" where there is one, as text; and rejects for lines with other fields."""
    text = _as_text(lines)
    names = _layout(text)
    broken: list[tuple[str | None, str]] = []

    def note(row: pyarrow.csv.InvalidRow) -> str:
        fields = row.text.split("\t")
        number = next((field for field in fields[:2] if field.isdigit() and len(field) > 3), None)
        sentence = f"{row.actual_columns} fields where {row.expected_columns} were expected: {row.text[:80]!r}"
        broken.append((number, sentence))
        return "skip"

    wanted = [name for name in (*READ, "hash") if name in names]
    if not text:
        rows = pa.table({name: pa.array([], pa.string()) for name in wanted})
    else:
        rows = pyarrow.csv.read_csv(
            pa.BufferReader(text),
            pyarrow.csv.ReadOptions(column_names=names, use_threads=False, block_size=len(text) + 1),
            pyarrow.csv.ParseOptions(
                delimiter="\t",
                quote_char=False,
                escape_char=False,
                newlines_in_values=False,
                ignore_empty_lines=False,
                invalid_row_handler=note,
            ),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=wanted,
                strings_can_be_null=False,
                check_utf8=False,
            ),
        )
    return rows.combine_chunks(), pa.table(
        {
            "id": pa.array([number for number, _ in broken], pa.string()),
            REASON_COLUMN: pa.array([BROKEN_ROW] * len(broken), pa.string()),
            DETAIL_COLUMN: pa.array([sentence for _, sentence in broken], pa.string()),
        }
    )


def _as_text(lines: pa.Array) -> bytes | pa.Buffer:
    """Return the lines one after the other as UTF-8; wrong bytes become U+FFFD, a return inside a line "%0D"."""
    offsets = np.frombuffer(lines.buffers()[1], np.int32, len(lines) + 1, lines.offset * 4)
    if not len(lines) or offsets[0] == offsets[-1]:
        return b""
    text = lines.buffers()[2].slice(int(offsets[0]), int(offsets[-1] - offsets[0]))
    view = np.frombuffer(text, np.uint8)
    if (view == 0x0D).any():
        text = text.to_pybytes().replace(b"\r\n", b"\n").replace(b"\r", b"%0D")
    ends = pa.py_buffer(np.array([0, len(text)], np.int32))
    try:
        pa.Array.from_buffers(pa.binary(), 1, [None, ends, pa.py_buffer(text)]).cast(pa.string())
    except pa.ArrowInvalid:
        text = bytes(text).decode("utf-8", "replace").encode()
    return text


def _layout(text: bytes | pa.Buffer) -> list[str]:
    """Return the layout, of the two, that most of the first lines have."""
    head = bytes(memoryview(text)[: 1 << 16]).split(b"\n")[:100]
    counts = [line.count(b"\t") + 1 for line in head]
    release = counts.count(len(RELEASE_COLUMNS)) > counts.count(len(COLUMNS))
    return list(RELEASE_COLUMNS if release else COLUMNS)


# --- what is kept


def _judged(rows: pa.Table) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Return the reason and the detail (n each) of every row, "" where it is kept."""
    reasons, details = np.full(len(rows), "", object), np.full(len(rows), "", object)
    latitude, bad_latitude = _floats(rows["latitude"])
    longitude, bad_longitude = _floats(rows["longitude"])
    missing = np.isnan(latitude) | np.isnan(longitude)
    reasons[missing], details[missing] = NO_POSITION, "latitude or longitude is missing"
    with np.errstate(invalid="ignore"):
        fine = (np.abs(latitude) <= 90) & (np.abs(longitude) <= 180) & ~sphere.is_null_island(latitude, longitude)
    odd = np.flatnonzero(~fine & ~missing)
    if len(odd):
        reasons[odd], details[odd] = map(np.array, base.judge_positions(latitude[odd], longitude[odd]))
    for axis, bad in (("latitude", bad_latitude), ("longitude", bad_longitude)):
        for row in bad:
            reasons[row] = IMPOSSIBLE_POSITION
            details[row] = f"{axis} is not a number: {rows[axis][row].as_py()[:40]!r}"
    is_video = pc.equal(rows["marker"], "1").to_numpy(zero_copy_only=False)
    reasons[is_video], details[is_video] = VIDEO, "its marker is 1"
    for column, is_fine, meant in (
        ("marker", pc.is_in(rows["marker"], pa.array(["0", "1"])), "0 (a photo) or 1 (a video)"),
        ("photo_id", pc.match_substring_regex(rows["photo_id"], r"^\d{1,20}$"), "a number"),
    ):
        for row in np.flatnonzero(~is_fine.to_numpy(zero_copy_only=False)).tolist():
            reasons[row] = BROKEN_ROW
            details[row] = f"{column} must be {meant}; it is {rows[column][row].as_py()[:40]!r}"
    return reasons, details


def _photos(rows: pa.Table) -> pa.Table:
    """Return the columns of records, from rows whose positions can be used."""
    latitude, longitude = _floats(rows["latitude"])[0], _floats(rows["longitude"])[0]
    taken = _moments(rows["taken"])
    accuracy = _matching(rows["accuracy"], r"^\d{1,2}$").cast(pa.int8())
    hashes = _one(rows["hash"]) if "hash" in rows.column_names else None
    keys, short_keys = object_keys(_one(rows["url"]), hashes)
    return pa.table(
        {
            "id": rows["photo_id"],
            "latitude": latitude,
            "longitude": sphere.wrap_longitude(longitude),
            "url": _filled_text(rows["url"]),
            "user": _filled_text(decoded(rows["user"])),
            "taken_at": taken,
            "taken_at_is_local": pc.if_else(pc.is_valid(taken), True, None),
            "posted_at": _seconds(rows["uploaded"]),
            "title": _filled_text(decoded(rows["title"])),
            "tags": _tags(rows["tags"]),
            "license": _filled_text(rows["license"]),
            "source": pa.repeat(pa.scalar("yfcc"), len(rows)),
            "camera": _filled_text(decoded(rows["camera"])),
            "machine_tags": _tags(rows["machine_tags"]),
            "accuracy": accuracy,
            "page_url": _filled_text(rows["page_url"]),
            "object_key": keys,
            "object_key_short": short_keys,
        }
    )


def _one(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _filled_text(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return _matching(column, None)


def _matching(column: pa.ChunkedArray | pa.Array, pattern: str | None) -> pa.Array:
    """Return the texts that match the pattern, or that are not empty; the others are null."""
    column = _one(column)
    fits = pc.not_equal(column, "") if pattern is None else pc.match_substring_regex(column, pattern)
    return column if pc.all(fits).as_py() is not False else pc.if_else(fits, column, pa.scalar(None, pa.string()))


def _floats(column: pa.ChunkedArray) -> tuple[NDArray[np.float64], list[int]]:
    """Return numbers (n,), NaN where there is no number, and the rows whose text is neither empty nor a number."""
    column = _matching(column, None)
    bad: list[int] = []
    try:
        numbers = column.cast(pa.float64())
    except pa.ArrowInvalid:
        fits = pc.fill_null(pc.match_substring_regex(column, _NUMBER), True)
        bad = np.flatnonzero(~fits.to_numpy(zero_copy_only=False)).tolist()
        numbers = pc.if_else(fits, column, pa.scalar(None, pa.string())).cast(pa.float64())
    return numbers.to_numpy(zero_copy_only=False).astype(np.float64), bad


def _moments(column: pa.ChunkedArray) -> pa.Array:
    """Return local times unchanged, as if they were UTC; impossible times such as the year 0 are null."""
    fits = _matching(column, _MOMENT)
    try:
        moments = fits.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:  # the 30th of February
        moments = pa.array([_moment(text) for text in fits.to_pylist()], pa.timestamp("us"))
    return pc.assume_timezone(moments, "UTC")


def _moment(text: str | None) -> datetime.datetime | None:
    try:
        return None if text is None else datetime.datetime.fromisoformat(text)
    except ValueError:
        return None


def _seconds(column: pa.ChunkedArray) -> pa.Array:
    """Return Unix seconds as times; impossible times are null."""
    seconds = _matching(column, r"^\d{1,11}$").cast(pa.int64())
    return seconds.cast(pa.timestamp("s")).cast(pa.timestamp("us", tz="UTC"))


def _tags(column: pa.ChunkedArray) -> pa.Array:
    """Return tags, URL-encoded with commas between them, as lists; an encoded comma is a part of its tag."""
    lists = _one(pc.split_pattern(_filled_text(column), ","))
    return pa.ListArray.from_arrays(
        lists.offsets, decoded(lists.values), mask=pc.is_null(lists) if lists.null_count else None
    )


JOB = RowJob("ingest yfcc", transform, threads=True)
"""The job that an engine runs over the units of a dump."""
