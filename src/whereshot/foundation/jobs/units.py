"""Divide input files into units: pieces of bounded size, so that a kill costs little work and memory stays small.

Text files and .bz2 files are divided by lines, .parquet files by rows. Each unit gives its rows as Arrow batches. Every
line belongs to exactly one unit, wherever the cuts are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from whereshot.foundation.errors import InputError
from whereshot.foundation.jobs import bzip2
from whereshot.foundation.tables import reading_parquet

UNIT_BYTES = 64 * 1024**2
"""Bytes of a unit of text. A compressed unit has a fifth of these bytes, which is about as much text."""

UNIT_ROWS = 500_000
BATCH_BYTES = 8 * 1024**2
BATCH_ROWS = 65_536

LINES = pa.schema([("line", pa.binary())])
"""A batch of text: its lines, each with its end."""


@dataclass(frozen=True)
class Unit:
    """A piece of one input: its bytes, or rows, [start, stop). ``name`` orders the shards as the inputs are."""

    name: str
    path: str
    start: int
    stop: int


class _Kind(NamedTuple):
    size: Callable[[Path], int]
    step: Callable[[int, int], int]
    batches: Callable[[Unit], Iterator[pa.RecordBatch]]


def split(inputs: Sequence[str | Path], unit_bytes: int = UNIT_BYTES, unit_rows: int = UNIT_ROWS) -> list[Unit]:
    """Return the units of all inputs, in their order. Raises InputError where a file is missing or cannot be read."""
    units = []
    for number, given in enumerate(inputs):
        path = Path(given)
        if not path.is_file():
            raise InputError(f"{path}: a folder; name its files" if path.is_dir() else f"{path}: no such file")
        kind = _kind(path)
        size, step = kind.size(path), max(kind.step(unit_bytes, unit_rows), 1)
        for piece, start in enumerate(range(0, size, step)):
            units.append(Unit(f"{number:04d}-{piece:05d}", str(path), start, min(start + step, size)))
    return units


def batches(unit: Unit) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a unit: the lines of a text (see LINES), or the columns of a Parquet file."""
    return _kind(Path(unit.path)).batches(unit)


def _kind(path: Path) -> _Kind:
    return KINDS.get(path.suffix.lower(), KINDS[""])


def _text(unit: Unit) -> Iterator[pa.RecordBatch]:
    with open(unit.path, "rb") as file:

        def pieces(stop: int | None, size: int) -> Iterator[bytes]:
            while piece := file.read(size if stop is None else min(size, stop - file.tell())):
                yield piece

        file.seek(unit.start)
        yield from _own_lines(pieces(unit.stop, BATCH_BYTES), lambda: pieces(None, 1 << 16), unit.start == 0)


def _bzip2(unit: Unit) -> Iterator[pa.RecordBatch]:
    own = _gathered(bzip2.blocks(unit.path, unit.start, unit.stop))
    yield from _own_lines(own, lambda: bzip2.blocks(unit.path, unit.stop), unit.start == 0)


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Join small pieces into pieces of about BATCH_BYTES."""
    held: list[bytes] = []
    for piece in pieces:
        held.append(piece)
        if sum(map(len, held)) >= BATCH_BYTES:
            yield b"".join(held)
            held = []
    if held:
        yield b"".join(held)


def _own_lines(
    own: Iterable[bytes], following: Callable[[], Iterable[bytes]], is_first: bool
) -> Iterator[pa.RecordBatch]:
    """Return the lines of a unit: from the first line end in its own text to the first line end after it."""
    rest, begun = b"", is_first
    for piece in own:
        if not begun:
            end = piece.find(b"\n") + 1
            if end == 0:
                continue
            piece, begun = piece[end:], True
        end = piece.rfind(b"\n") + 1
        if end == 0:
            rest += piece
            continue
        yield _lines(rest + piece[:end])
        rest = piece[end:]
    if not begun:
        return
    for piece in following():
        end = piece.find(b"\n") + 1
        rest += piece[: end or len(piece)]
        if end:
            break
    if rest:
        yield _lines(rest)


def _lines(text: bytes) -> pa.RecordBatch:
    ends = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n")) + 1
    if len(ends) == 0 or ends[-1] != len(text):
        ends = np.append(ends, len(text))
    offsets = np.concatenate([[0], ends]).astype(np.int32)
    lines = pa.Array.from_buffers(pa.binary(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(text)])
    return pa.RecordBatch.from_arrays([lines], schema=LINES)


def _parquet(unit: Unit) -> Iterator[pa.RecordBatch]:
    with _parquet_file(Path(unit.path)) as file:
        first = 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            low, high = max(unit.start - first, 0), min(unit.stop - first, rows)
            if low < high:
                for batch in file.iter_batches(BATCH_ROWS, row_groups=[group]):
                    part = batch.slice(max(low, 0), max(min(high, len(batch)) - max(low, 0), 0))
                    low, high = low - len(batch), high - len(batch)
                    if len(part):
                        yield part
                    if high <= 0:  # what follows belongs to other units
                        break
            first += rows


def _parquet_rows(path: Path) -> int:
    with _parquet_file(path) as file:
        result: int = file.metadata.num_rows
        return result


def _parquet_file(path: Path) -> pq.ParquetFile:
    with reading_parquet(path):
        return pq.ParquetFile(path)


def _bytes(path: Path) -> int:
    return path.stat().st_size


KINDS: dict[str, _Kind] = {
    "": _Kind(_bytes, lambda unit_bytes, _: unit_bytes, _text),
    ".bz2": _Kind(_bytes, lambda unit_bytes, _: unit_bytes // 5, _bzip2),
    ".parquet": _Kind(_parquet_rows, lambda _, unit_rows: unit_rows, _parquet),
}
"""How a file is cut and read, by the end of its name; "" is any other: lines of text."""
