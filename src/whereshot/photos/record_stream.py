"""Read any number of records in portions of some thousand rows, in order, the same in every run.

Only one portion is kept in memory, and eight bytes for each id, to find the rows that repeat an id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whereshot.foundation.errors import InputError, OutputError
from whereshot.foundation.tables import reading_parquet
from whereshot.photos.records import Records


@dataclass(frozen=True)
class Portion:
    """Some rows of Records: ``repeats`` (n,) are the rows whose id an earlier row has; ``unit`` is like "00003"."""

    unit: str
    records: Records
    repeats: NDArray[np.bool_]


class RecordFiles:
    """A folder of Parquet shards or one ``.parquet`` file, which is read in portions of ``portion_rows``."""

    def __init__(self, path: str | Path, portion_rows: int) -> None:
        """Raises InputError where there are no records."""
        self.path, self.portion_rows = Path(path), portion_rows
        if self.path.is_dir():
            self.shards = sorted(self.path.glob("*.parquet"))
        elif self.path.is_file():
            self.shards = [self.path]
        else:
            raise InputError(f"{path}: no such file or folder")
        if not self.shards:
            raise InputError(f"{path}: a folder without .parquet shards; make records with: whereshot ingest")
        self._files = [_opened(shard) for shard in self.shards]
        self.rows = sum(file.metadata.num_rows for file in self._files)
        for shard, file in zip(self.shards, self._files, strict=True):
            if "id" not in file.schema_arrow.names:
                raise InputError(f"{shard}: records need a column 'id'; make them with: whereshot ingest")

    def has_column(self, name: str) -> bool:
        """Return whether any shard has values in a column."""
        return any(
            name in file.schema_arrow.names and not pa.types.is_null(file.schema_arrow.field(name).type)
            for file in self._files
        )

    def check_apart(self, out: str | Path) -> None:
        """Raise OutputError where the output folder is the folder of the records themselves."""
        folder = self.path if self.path.is_dir() else self.path.parent
        if Path(out).resolve() == folder.resolve():
            raise OutputError(f"{out}: the records themselves are there; name another folder")

    def portions(self) -> Iterator[Portion]:
        """Yield all rows in order; the portions are the same in every run over the same records."""
        repeats, start, number = self._repeats(), 0, 0
        for file in self._files:
            for batch in file.iter_batches(batch_size=self.portion_rows):
                if batch.num_rows:
                    portion = Records(pa.Table.from_batches([batch]))
                    yield Portion(f"{number:05d}", portion, repeats[start : start + len(portion)])
                    start, number = start + len(portion), number + 1

    def _repeats(self) -> NDArray[np.bool_]:
        hashes = np.empty(self.rows, np.uint64)
        at = 0
        for file in self._files:
            for batch in file.iter_batches(batch_size=65_536, columns=["id"]):
                ids = batch.column(0).cast(pa.string()).to_pylist()
                hashes[at : at + len(ids)] = [_hash(value) for value in ids]
                at += len(ids)
        repeats = np.ones(self.rows, bool)
        repeats[np.unique(hashes, return_index=True)[1]] = False
        return repeats


def _opened(shard: Path) -> pq.ParquetFile:
    with reading_parquet(shard):
        return pq.ParquetFile(shard)


def _hash(value: str | None) -> int:
    return int.from_bytes(hashlib.blake2b((value or "").encode(), digest_size=8).digest(), "big")
