"""Records of any number, some thousand rows at a time -> a folder of shards, one for each such portion.

A portion is done when its shard is there, so a run that was killed goes on where it stopped. Nothing is held in memory
but the portions at hand and eight bytes for each id, to know the rows that repeat one.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whereshot.errors import InputError, OutputError
from whereshot.records import Records, count_reasons, write_parquet

DUPLICATE_ID = "duplicate id"
_MADE_FROM = b"whereshot.made_from"


@dataclass(frozen=True)
class Portion:
    """Some rows of Records: ``repeats`` (n,) are those whose id an earlier row has."""

    number: int
    records: Records
    repeats: NDArray[np.bool_]


class Source:
    """A folder of Parquet shards or one ``.parquet`` file, to be read in portions of ``portion_rows``."""

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
        """Whether any shard has values in a column."""
        return any(
            name in file.schema_arrow.names and not pa.types.is_null(file.schema_arrow.field(name).type)
            for file in self._files
        )

    def fingerprint(self, **settings: object) -> str:
        """A short name of these records and of what is done with them."""
        shards = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in self.shards]
        told = json.dumps([self.portion_rows, shards, sorted(settings.items())])
        return hashlib.blake2b(told.encode(), digest_size=8).hexdigest()

    def portions(self) -> Iterator[Portion]:
        """All rows in order; the same portions in every run over the same records."""
        repeats, start, number = self._repeats(), 0, 0
        for file in self._files:
            for batch in file.iter_batches(batch_size=self.portion_rows):
                if batch.num_rows:
                    portion = Records(pa.Table.from_batches([batch]))
                    yield Portion(number, portion, repeats[start : start + len(portion)])
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


class Output:
    """A folder of Records: a shard for each portion, rejects in ``rejects/``, what is half written in ``partial``."""

    def __init__(self, path: str | Path, source: Source, **settings: object) -> None:
        """Make the folder, and clear what a killed run left half written. Raises OutputError."""
        self.path = Path(path).absolute()
        self.partial = self.path / ".partial"
        self._made_from = source.fingerprint(**settings)
        if self.path.resolve() == source.path.resolve():
            raise OutputError(f"{path}: these are the records themselves; name another folder")
        try:
            self.partial.mkdir(parents=True, exist_ok=True)
            for left in self.partial.iterdir():
                left.unlink()
        except OSError as error:
            raise OutputError(f"{path}: cannot be written ({error.strerror})") from error

    def is_done(self, number: int) -> bool:
        """Whether the portion's shard is there. Raises OutputError where it is another job's."""
        shard = self._shard(number)
        if not shard.is_file():
            return False
        try:
            made_from = (pq.read_schema(shard).metadata or {}).get(_MADE_FROM, b"").decode()
        except (pa.ArrowInvalid, OSError):
            return False  # a disk's fault; it is made again
        if made_from != self._made_from:
            raise OutputError(f"{self.path}: made from other records or with other settings; name another folder")
        return True

    def finish(self, number: int, kept: pa.Table, rejects: pa.Table) -> None:
        """Write both tables of a portion; the shard comes last and says that all is there. Raises OutputError."""
        if len(rejects):
            write_parquet(rejects, self._rejects(number))
        metadata = {**(kept.schema.metadata or {}), _MADE_FROM: self._made_from.encode()}
        write_parquet(kept.replace_schema_metadata(metadata), self._shard(number))

    def close(self) -> None:
        """Remove what only a run needs."""
        shutil.rmtree(self.partial, ignore_errors=True)

    def counted(self) -> tuple[int, dict[str, int]]:
        """Rows in the shards, and rejects by reason, most frequent first."""
        kept = sum(pq.read_metadata(path).num_rows for path in self.path.glob("part-*.parquet"))
        reasons: Counter[str] = Counter()
        for path in (self.path / "rejects").glob("part-*.parquet"):
            reasons.update(count_reasons(pq.read_table(path, columns=["reason"])))
        return kept, dict(sorted(reasons.items(), key=lambda entry: (-entry[1], entry[0])))

    def _shard(self, number: int) -> Path:
        return self.path / f"part-{number:05d}.parquet"

    def _rejects(self, number: int) -> Path:
        return self.path / "rejects" / f"part-{number:05d}.parquet"


@dataclass(frozen=True)
class Counted:
    """What a folder holds, also from earlier runs: rows that went in, rows kept, rejects by reason."""

    rows: int
    kept: int
    rejected: Mapping[str, int]


def _opened(shard: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(shard)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{shard}: not a readable Parquet file ({str(error).splitlines()[0]})") from error


def _hash(value: str | None) -> int:
    return int.from_bytes(hashlib.blake2b((value or "").encode(), digest_size=8).digest(), "big")
