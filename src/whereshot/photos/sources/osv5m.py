"""Make records of OpenStreetView-5M from its CSVs or tar shards: pictures, labels and split.

Astruc et al. 2024, "OpenStreetView-5M: The Many Roads to Global Visual Geolocation". Two layouts are read:

    osv5m        train.csv, test.csv; images/train/00/ID.jpg, images/train/ID.jpg or images/train/00.zip
    osv5m-wds    train/*.tar, val/*.tar, test/*.tar with ID.jpg and ID.json

Zips are not unpacked: the path of a picture names its place in the zip. Tables are read in parts of about ten thousand
rows; of each picture only its place is kept in memory.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from whereshot.foundation import csv_tables
from whereshot.foundation.errors import InputError, first_line
from whereshot.foundation.jobs import Shards, shard_path
from whereshot.foundation.tables import rejects_table
from whereshot.photos.records import SCHEMA
from whereshot.photos.reject_reasons import BROKEN_ROW
from whereshot.photos.sources import base, row_conditions
from whereshot.photos.sources.archives import Pictures, members
from whereshot.photos.sources.seen_ids import SeenIds

LICENSE = "CC BY-SA 4.0"
SPLITS = ("train", "val", "test")

TEXTS = (
    "country", "region", "sub-region", "city", "cell", "unique_country", "unique_region", "unique_sub-region",
    "unique_city", "creator_id",
)  # fmt: skip
NUMBERS = ("lon_bin", "lat_bin", "land_cover", "road_index", "drive_side", "climate", "soil", "dist_sea")
CELLS = tuple(f"quadtree_10_{size}" for size in (500, 1000, 2500, 5000, 12500, 25000, 50000))

OUTPUT = pa.schema(
    [
        *SCHEMA,
        ("split", pa.string()),
        *((name, pa.string()) for name in TEXTS),
        *((name, pa.float64()) for name in NUMBERS),
        *((name, pa.int64()) for name in CELLS),
    ]
)
"""The columns of the records: labels, strata and quadtree cells under their names in OSV-5M."""

_RENAMED = {"album": "sequence", "user": "creator_username", "url": "thumb_original_url"}
_NEEDED = ("id", "latitude", "longitude")
_EMPTY = ["", "nan", "NaN", "None"]


Reject = tuple[None, None, str, str]


Rows = tuple[pa.Table, list[Reject]]


class _Portion(NamedTuple):
    unit: str
    read: Callable[[], Rows]


def _unchanged(rows: Rows) -> Rows:
    return rows


def collect(order: base.Order) -> base.Collected:
    """Fill a folder with the rows of OSV-5M: of its folder, or of some of its CSVs. See ``base.Collector``."""
    if order.settings:
        raise InputError(f"osv5m has no settings; got {order.settings[0]!r}")
    conditions = row_conditions.parse(order.where)
    files = find(order.inputs)
    settings = {"where": [str(condition) for condition in conditions]}
    with Shards(order.out, "ingest osv5m", settings, files, overwrite=order.overwrite) as shards:
        seen = SeenIds()
        seen.add_shards(shard_path(shards.folder, unit) for unit in shards.done)
        without = 0
        for number, file in enumerate(order.track(files, total=len(files), what="reading OSV-5M")):
            split = split_of(file)
            read = _tar if file.suffix.lower() == ".tar" else _csv
            pictures = None
            for portion in read(file, f"{number:04d}"):
                if portion.unit in shards.done:
                    continue
                if pictures is None:
                    pictures = Pictures([file] if read is _tar else picture_folders(file, split))
                rows, broken = portion.read()
                kept, rejects = transform(rows, split, pictures)
                kept, unselected = row_conditions.select(kept, conditions)
                new = seen.add(kept["id"].to_pylist())
                repeated = base.repeats(kept.filter(pa.array(~new)))
                kept = kept.filter(pa.array(new))
                without += kept["image"].null_count if len(pictures) else 0
                shards.write(
                    portion.unit, kept, pa.concat_tables([rejects, unselected, repeated, rejects_table(broken)])
                )
        notes = (f"{without} records have no picture among those that are there",) if without else ()
        return base.Collected(shards.summary(), notes)


def find(inputs: Sequence[Path]) -> list[Path]:
    """Return the CSVs, or tar shards, of the inputs in their order. Raises InputError where there are none."""
    found: list[Path] = []
    for given in inputs:
        if not given.exists():
            raise InputError(f"{given}: no such file or folder")
        if not given.is_dir():
            found.append(given)
            continue
        inside = [given / f"{split}.csv" for split in SPLITS if (given / f"{split}.csv").is_file()]
        inside = inside or [tar for split in SPLITS for tar in sorted(given.glob(f"**/{split}/*.tar"))]
        inside = inside or sorted(given.glob("*.tar"))
        if not inside:
            raise InputError(f"{given}: neither train.csv or test.csv nor train/*.tar is there; name OSV-5M's folder")
        found += inside
    return found


def split_of(file: Path) -> str | None:
    """Return the split, which the name of a CSV or the folder of a shard states."""
    name = file.stem if file.suffix.lower() != ".tar" else file.absolute().parent.name
    return next((split for split in SPLITS if name.lower() == split), None)


def picture_folders(table: Path, split: str | None) -> list[Path]:
    """Return the folders in which the pictures of a CSV may be: in ``images`` beside it."""
    folder = table.absolute().parent / "images"
    return [place for place in ([folder / split] if split else [folder]) if place.is_dir()]


def transform(rows: pa.Table, split: str | None, pictures: Pictures) -> tuple[pa.Table, pa.Table]:
    """Turn rows of text, under the names of OSV-5M, into (rows of OUTPUT, rejects)."""
    names = rows["id"].to_pylist()
    latitude, longitude = _numbers(rows["latitude"]), _numbers(rows["longitude"])
    reasons, details = base.judge_positions(latitude, longitude)
    usable = np.array([not reason and bool(name) for name, reason in zip(names, reasons, strict=True)], bool)
    images = pictures.places([name or "" for name in names])
    rejects = []
    for row in np.flatnonzero(~usable):
        reason, detail = (reasons[row], details[row]) if names[row] else (BROKEN_ROW, "no id")
        rejects.append((names[row], images[row], reason, detail))
    have = set(rows.column_names)

    def column(field: pa.Field) -> pa.Array | pa.ChunkedArray:
        name = _RENAMED.get(field.name, field.name)
        if field.name == "user":
            known = [rows[given] for given in ("creator_username", "creator_id") if given in have]
            return pc.coalesce(*known) if known else pa.nulls(len(rows), pa.string())
        if field.name == "taken_at":
            return _times(rows["captured_at"]) if "captured_at" in have else pa.nulls(len(rows), field.type)
        fixed = {"source": "osv5m", "license": LICENSE, "split": split}.get(field.name)
        if fixed is not None:
            return pa.repeat(pa.scalar(fixed, pa.string()), len(rows))
        if field.name in ("latitude", "longitude"):
            return pa.array(latitude if field.name == "latitude" else longitude)
        if field.name == "image":
            return pa.array(images, pa.string())
        if name not in have:
            return pa.nulls(len(rows), field.type)
        if pa.types.is_string(field.type):
            return rows[name]
        numbers = pa.array(_numbers(rows[name]), from_pandas=True)
        return numbers if pa.types.is_floating(field.type) else pc.round(numbers).cast(field.type)

    made = pa.table([column(field) for field in OUTPUT], schema=OUTPUT)
    return made.filter(pa.array(usable)), rejects_table(rejects)


def _tar(path: Path, name: str) -> Iterator[_Portion]:
    """Return one part: the JSON of all pictures of a shard."""

    def read() -> tuple[pa.Table, list[Reject]]:
        found: list[dict[str, str | None]] = []
        broken: list[Reject] = []
        for stem, suffix, member, tar in members(path):
            if suffix != ".json":
                continue
            file = tar.extractfile(member)
            try:
                document = json.loads(file.read() if file is not None and member.size < 2**20 else b"")
            except ValueError:
                document = None
            if isinstance(document, dict):
                found.append({"id": stem, **{key: _text(value) for key, value in document.items()}})
            else:
                broken.append((None, None, BROKEN_ROW, f"{path.name}: {member.name} is no JSON object"))
        columns = dict.fromkeys([*_NEEDED, *(key for row in found for key in row)])
        return pa.table({key: pa.array([row.get(key) for row in found], pa.string()) for key in columns}), broken

    yield _Portion(name, read)


def _csv(path: Path, name: str) -> Iterator[_Portion]:
    """Yield parts of a CSV, which are the same in every run."""
    broken: list[Reject] = []

    def note(_: int, sentence: str) -> None:
        broken.append((None, None, BROKEN_ROW, f"{path.name}: {sentence}"))

    def taken() -> list[Reject]:
        found = broken.copy()
        broken.clear()
        return found

    delimiter, names = csv_tables.read_header(path)
    missing = [needed for needed in _NEEDED if needed not in names]
    if missing:
        raise InputError(f"{path}: no column {missing[0]!r}, as OSV-5M has; other tables: whereshot ingest table")
    reading, parsing, converting = csv_tables.options(names, delimiter, note, null_values=_EMPTY)
    number = 0
    try:
        with pyarrow.csv.open_csv(path, reading, parsing, converting) as batches:
            for number, batch in enumerate(batches):
                portion = pa.Table.from_batches([batch]), taken()
                yield _Portion(f"{name}-{number:05d}", functools.partial(_unchanged, portion))
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: not a readable CSV ({first_line(error)})") from error
    if broken:
        rest = pa.table({column: pa.array([], pa.string()) for column in names}), taken()
        yield _Portion(f"{name}-{number + 1:05d}", lambda: rest)


def _text(value: Any) -> str | None:
    text = "" if value is None else str(value)
    return None if text in _EMPTY else text


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return texts as numbers (n,), NaN where a text is not a number."""
    try:
        result: NDArray[np.float64] = column.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
        return result
    except pa.ArrowInvalid:
        return np.array([_number(text) for text in column.to_pylist()], dtype=np.float64)


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return np.nan


def _times(column: pa.ChunkedArray) -> pa.Array:
    """Return milliseconds since 1970 as times; null where a text is not a number, or before 2000 or after 2100."""
    seconds = _numbers(column) / 1000
    known = (seconds > 946_684_800) & (seconds < 4_102_444_800)
    milliseconds = pa.array(np.where(known, seconds * 1000, 0).astype(np.int64), mask=~known)
    return milliseconds.cast(pa.timestamp("ms", tz="UTC")).cast(pa.timestamp("us", tz="UTC"))
