"""Write the images of records as small JPEGs into WebDataset tars, and records with the place of each JPEG.

    shard-00000.tar      id.jpg and id.json of some photos, in the order of the records
    part-00000.parquet   their Records, with shard, offset, length and position: ``image`` is the place in the tar

A part is written after its tar and shows that the tar is complete, so a killed run continues and ends with the same
bytes.
"""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import math
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from PIL import Image

from whereshot.foundation import output_files, processes
from whereshot.foundation.errors import ImageError, InputError
from whereshot.foundation.jobs import Shards
from whereshot.foundation.progress import Track, silent
from whereshot.foundation.tables import Reject, rejects_table
from whereshot.photos import images, picture_bytes
from whereshot.photos.record_stream import Portion, RecordFiles
from whereshot.photos.reject_reasons import DUPLICATE_ID, NO_FILE, NO_FILE_DETAIL, UNREADABLE

SHARD_PHOTOS = 1000
LEAST_SIZE, LARGEST_SIZE = 16, 4096

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST = 16  # if the longer side is more than this times the shorter side, only the middle is kept, as in the loader


def pack(
    records: str | Path,
    out: str | Path,
    *,
    size: int = 336,
    quality: int = 90,
    workers: int | None = None,
    overwrite: bool = False,
    track: Track = silent,
) -> dict[str, Any]:
    """Pack the photos with a shorter side of ``size`` pixels; return {"rows", "kept", "rejected", "seconds"} of all
    runs.

    A smaller photo keeps its size. Raises InputError for settings out of range and where no record has an image,
    OutputError where nothing can be written.
    """
    if not LEAST_SIZE <= size <= LARGEST_SIZE:
        raise InputError(f"size must be {LEAST_SIZE} to {LARGEST_SIZE} pixels; got {size}")
    if not 1 <= quality <= 100:
        raise InputError(f"quality must be 1 to 100; got {quality}")
    source, out = RecordFiles(records, SHARD_PHOTOS), Path(out)
    if not source.has_column("image"):
        raise InputError(f"{records}: no column 'image' that names files; download them with: whereshot fetch")
    source.check_apart(out)
    settings = {"size": size, "quality": quality, "portion_rows": source.portion_rows}
    workers = min(workers or processes.cores(), math.ceil(source.rows / source.portion_rows) or 1)
    with Shards(out, "pack", settings, source.shards, overwrite=overwrite) as shards:
        for stale in [*out.glob(".shard-*"), *(out.glob("shard-*.tar") if overwrite else [])]:
            stale.unlink()
        job = (str(out.absolute()), size, quality)
        for _ in track(_written(source, shards, job, workers), total=source.rows, what="packing pictures"):
            pass
        return shards.summary()


def _written(source: RecordFiles, shards: Shards, job: tuple[str, int, int], workers: int) -> Iterator[None]:
    """Yield one None for every photo of a shard that is written."""
    todo = (portion for portion in source.portions() if portion.unit not in shards.done)
    yield from [None] * sum(written.rows for written in shards.done.values())
    if workers == 1:
        _start(*job)
        packed: Iterator[tuple[str, pa.Table, pa.Table]] = map(_pack, todo)
    else:
        packed = processes.spread(todo, _start, job, _pack, workers)
    for unit, kept, rejects in packed:
        yield from [None] * shards.write(unit, kept, rejects).rows


_job: tuple[Path, int, int] | None = None


def _start(out: str, size: int, quality: int) -> None:
    global _job
    _job = (Path(out), size, quality)


def _pack(portion: Portion) -> tuple[str, pa.Table, pa.Table]:
    """Write one tar and return the tables of its part."""
    if _job is None:
        raise RuntimeError("_start has not been called in this process")
    folder, size, quality = _job
    name = f"shard-{portion.unit}.tar"
    with output_files.new_file(folder / name) as beside, open(beside, "wb") as file:
        places, rejects = _fill(file, portion, size, quality)
    rows, offsets, lengths = ([place[part] for place in places] for part in range(3))
    paths = [picture_bytes.member(folder / name, *place) for place in zip(offsets, lengths, strict=True)]
    kept = portion.records[rows].table
    index = {
        "image": pa.array(paths, pa.string()),
        "shard": pa.array([name] * len(rows), pa.string()),
        "offset": pa.array(offsets, pa.int64()),
        "length": pa.array(lengths, pa.int64()),
        "position": pa.array(range(len(rows)), pa.int64()),
    }
    kept = kept.drop_columns([column for column in index if column in kept.column_names and column != "image"])
    for column, values in index.items():
        at = kept.schema.get_field_index(column)
        kept = kept.append_column(column, values) if at < 0 else kept.set_column(at, column, values)
    return portion.unit, kept, rejects_table(rejects)


def _fill(
    file: io.BufferedWriter, portion: Portion, size: int, quality: int
) -> tuple[list[tuple[int, int, int]], list[Reject]]:
    """Write the members and return (row, offset, length) of each picture in the tar, and the rejects."""
    places: list[tuple[int, int, int]] = []
    rejects: list[Reject] = []
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for row, record in enumerate(portion.records.table.to_pylist()):
            name, image = record["id"], record["image"]
            if portion.repeats[row]:
                rejects.append((name, image, DUPLICATE_ID, f"id {name!r} stands in an earlier row"))
            elif image is None:
                rejects.append((name, image, NO_FILE, NO_FILE_DETAIL))
            else:
                try:
                    data = presized(image, size, quality)
                except ImageError as error:
                    rejects.append((name, image, UNREADABLE, str(error)))
                    continue
                key = key_of(name)
                _add(tar, f"{key}.jpg", data)
                places.append((row, tar.offset - _padded(len(data)), len(data)))
                _add(tar, f"{key}.json", _metadata(record))
    return places, rejects


def presized(source: images.Source, size: int, quality: int) -> bytes:
    """Return an upright JPEG of a picture whose shorter side has at most ``size`` pixels. Raises ImageError."""
    image = images.open_rgb(source, min_side=size * 3 // 2)
    if max(image.size) > _LONGEST * min(image.size):
        left, top = (max(0, length - _LONGEST * min(image.size)) // 2 for length in image.size)
        image = image.crop((left, top, image.width - left, image.height - top))
    scale = size / min(image.size)
    if scale < 1:
        wanted = (max(size, round(image.width * scale)), max(size, round(image.height * scale)))
        image = image.resize(wanted, Image.Resampling.BICUBIC, reducing_gap=3.0)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def key_of(name: str) -> str:
    """Return the name of an id's files in a tar: the id if it has only plain letters, else its plain part and a hash.

    >>> key_of("2143_a"), key_of("a/b.jpg")
    ('2143_a', 'a-b-jpg~67ed673b4d9fccae')
    """
    if _PLAIN.fullmatch(name):
        return name
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '-', name)[:40].strip('-')}~{digest}"


def _metadata(record: dict[str, Any]) -> bytes:
    """Return the record of a photo as JSON, without the path of its picture on this disk."""
    values = {key: value for key, value in record.items() if value is not None and key != "image"}
    return json.dumps(values, ensure_ascii=False, default=_plain).encode("utf-8", "backslashreplace")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (datetime.date, datetime.time)) else str(value)


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def _padded(length: int) -> int:
    return math.ceil(length / tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
