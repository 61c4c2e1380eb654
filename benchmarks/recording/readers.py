"""Reads a recorded file as values that can be compared: columns, fields, arrays, pixels, or prose.

Prose is text for people. Its words may change where numbers may not, so it is kept apart from text that is data.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tarfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, UnidentifiedImageError

DURATION = re.compile(r"\b\d+(\.\d+)?(?= ?(s|ms|seconds)\b)")
RATE = re.compile(r"\b[\d.,]+(?= (photos|rows|pictures)(/s| a second)\b)")
BAR = re.compile(r"[━╸╺]|\d+/\d+ [-\d]+:[-\d]{2}:[-\d]{2}|^\w[^.:]* \.\.\.$")
ADDRESS = re.compile(r"(?<=127\.0\.0\.1:)\d+")
DECIMAL = re.compile(r"[-+]?\d+(\.\d+(e[-+]?\d+)?)?")
CLOCK = r"([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(\+00:00|Z)?)?"
DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip
TECHNICAL_METADATA = (b"ARROW:schema", b"pandas")


@dataclass(frozen=True)
class Prose:
    """Text for people: messages, tables, pages."""

    text: str


@dataclass(frozen=True)
class Help:
    """The help of a command."""

    text: str


@dataclass(frozen=True)
class Raw:
    """Bytes of no known format."""

    content: bytes


@dataclass(frozen=True)
class Steady:
    """Makes texts of different recordings comparable: folders become names, the days of recording and durations go."""

    roots: dict[str, str]
    days: tuple[str, ...] = ()

    def data(self, text: str) -> str:
        """A text that is data."""
        for name, path in sorted(self.roots.items(), key=lambda item: -len(item[1])):
            text = text.replace(path, f"<{name}>")
        for day in self.days:
            text = re.sub(re.escape(day) + CLOCK, "<today>", text)
        return ADDRESS.sub("<port>", text)

    def prose(self, text: str) -> str:
        """A text for people, without progress."""
        lines = [line.rpartition("\r")[2].rstrip() for line in text.replace("\r\n", "\n").split("\n")]
        kept = "\n".join(line for line in lines if not BAR.search(line))
        return RATE.sub("<rate>", DURATION.sub("<seconds>", self.data(kept)))


def read(path: Path, steady: Steady) -> Any:
    """The values of a file. A file that is not what its name says is read as text, or as bytes."""
    reader = READERS.get(path.suffix.lower(), _text)
    try:
        return reader(path, steady)
    except (ValueError, pa.ArrowException, UnidentifiedImageError, tarfile.TarError, KeyError):
        return _text(path, steady)


def _text(path: Path, steady: Steady) -> Any:
    content = path.read_bytes()
    try:
        return Prose(steady.prose(content.decode("utf-8")))
    except UnicodeDecodeError:
        return Raw(content)


def _steadied(value: Any, steady: Steady) -> Any:
    if isinstance(value, str):
        return steady.data(value)
    if isinstance(value, dict):
        return {steady.data(str(key)): _steadied(inner, steady) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_steadied(inner, steady) for inner in value]
    return value


def _json(path: Path, steady: Steady) -> Any:
    return _steadied(json.loads(path.read_text("utf-8")), steady)


def _json_lines(path: Path, steady: Steady) -> Any:
    return [_steadied(json.loads(line), steady) for line in path.read_text("utf-8").splitlines() if line.strip()]


def _toml(path: Path, steady: Steady) -> Any:
    return _steadied(tomllib.loads(path.read_text("utf-8")), steady)


def _csv(path: Path, steady: Steady) -> Any:
    """Column -> cells, with numbers as numbers; rows that are longer or shorter than the header are kept whole."""
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8"))))
    if not rows:
        return []
    cells = [[_cell(cell, steady) for cell in row] for row in rows[1:]]
    if any(len(row) != len(rows[0]) for row in cells):
        return [rows[0], *cells]
    return {name: [row[at] for row in cells] for at, name in enumerate(rows[0])}


def _cell(text: str, steady: Steady) -> Any:
    return float(text) if DECIMAL.fullmatch(text) else steady.data(text)


def _parquet(path: Path, steady: Steady) -> Any:
    """Columns, their types, and what the schema says besides."""
    table = pq.read_table(path, partitioning=None)
    columns = {name: _column(table[name].combine_chunks(), steady) for name in table.column_names}
    types = {field.name: str(field.type) for field in table.schema}
    told = {key: value for key, value in (table.schema.metadata or {}).items() if key not in TECHNICAL_METADATA}
    metadata = {key.decode(): _metadata(value, steady) for key, value in told.items()}
    return {"rows": len(table), "types": types, "columns": columns, "metadata": metadata}


def _column(column: pa.Array, steady: Steady) -> Any:
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    is_number = pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
    if is_number and not column.null_count:
        return column.to_numpy(zero_copy_only=False)
    return [_steadied(value, steady) for value in column.to_pylist()]


def _metadata(value: bytes, steady: Steady) -> Any:
    try:
        return _steadied(json.loads(value), steady)
    except ValueError:
        return steady.data(value.decode("utf-8", "replace"))


def _safetensors(path: Path, steady: Steady) -> Any:
    """Arrays by their names; see https://github.com/huggingface/safetensors#format."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    told = _steadied(header.pop("__metadata__", {}), steady)
    arrays = {}
    for name, one in header.items():
        first, last = one["data_offsets"]
        data = np.frombuffer(content[start + first : start + last], DTYPES[one["dtype"]])
        arrays[name] = {"type": one["dtype"], "shape": one["shape"], "values": data}
    return {"metadata": told, "arrays": arrays}


def _pixels(path: Path, _: Steady) -> Any:
    with Image.open(path) as picture:
        return {"mode": picture.mode, "size": list(picture.size), "pixels": np.asarray(picture).ravel()}


def _tar(path: Path, _: Steady) -> Any:
    with tarfile.open(path) as archive:
        return {one.name: Raw(archive.extractfile(one).read()) for one in archive.getmembers() if one.isfile()}


def _metrics(path: Path, _: Steady) -> Any:
    """Samples of Prometheus: what is counted; of times and bytes only that they are there."""
    found: dict[str, Any] = {}
    for line in path.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            varies = re.search(r"_seconds|_bytes|_created|readyz", name)
            found[name] = "varies" if varies else float(value)
    return found


READERS: dict[str, Callable[[Path, Steady], Any]] = {
    ".json": _json, ".geojson": _json, ".jsonl": _json_lines, ".toml": _toml, ".csv": _csv, ".parquet": _parquet,
    ".geoparquet": _parquet, ".safetensors": _safetensors, ".png": _pixels, ".jpg": _pixels, ".webp": _pixels,
    ".tar": _tar, ".prom": _metrics,
}  # fmt: skip
