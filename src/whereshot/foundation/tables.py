"""Arrow tables: columns as NumPy arrays without pandas, Parquet files, rejected rows with their reasons.

Arrow's own ``to_numpy`` imports pandas wherever it is installed, which costs a quarter of a second and 40 MB.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whereshot.foundation import output_files

REJECTS = pa.schema([("id", pa.string()), ("image", pa.string()), ("reason", pa.string()), ("detail", pa.string())])
"""A rejects table: ``reason`` is a short kind to count by, ``detail`` the whole sentence."""


SHARD_ROWS = 1_000_000


def rejects_path(records: str | Path) -> Path:
    """Where the rejects of a records folder or file belong: in ``rejects/`` beside the shards."""
    path = Path(records)
    return path.parent / "rejects" / path.name if path.suffix == ".parquet" else path / "rejects" / "part-00000.parquet"


def write_parquet(table: pa.Table, path: Path, group_rows: int | None = None) -> None:
    """Write a table, whole or not at all, into a folder that is there. Raises OutputError.

    ``group_rows`` are the rows that a reader of some rows must read at least; by default a million.
    """
    with output_files.new_file(path) as beside:
        pq.write_table(table, beside, compression="zstd", row_group_size=group_rows)


def write_rejects(rejects: pa.Table, records: str | Path) -> None:
    """Write the rejects of records, or remove those of an earlier run where there are none now. Raises OutputError."""
    path = rejects_path(records)
    if len(rejects):
        output_files.make_folder(path.parent)
        write_parquet(rejects, path)
    else:
        path.unlink(missing_ok=True)


Reject = tuple[str | None, str | None, str, str]
"""A record that was dropped: its id, its image, the reason and the detail."""


def rejects_table(rows: Iterable[Reject]) -> pa.Table:
    """A rejects table of (id, image, reason, detail) rows."""
    columns: list[tuple[str | None, ...]] = list(zip(*rows, strict=True)) or [(), (), (), ()]
    return pa.table([pa.array(values, pa.string()) for values in columns], schema=REJECTS)


def count_reasons(rejects: pa.Table) -> dict[str, int]:
    """How many rows each reason rejected, most frequent first."""
    counted = pc.value_counts(rejects["reason"]).to_pylist()
    return {row["values"]: row["counts"] for row in sorted(counted, key=lambda row: (-row["counts"], row["values"]))}


def hashed_share(keys: Sequence[str] | NDArray[np.str_], seed: int = 0) -> NDArray[np.float64]:
    """A number (n,) in [0, 1) for each key, uniform over keys and the same on every machine."""
    unique, inverse = np.unique(np.asarray(keys, dtype=str), return_inverse=True)
    digests = (hashlib.blake2b(f"{seed}:{key}".encode(), digest_size=8).digest() for key in unique)
    shares = np.array([int.from_bytes(digest, "big") / 2**64 for digest in digests])
    result: NDArray[np.float64] = np.minimum(shares[inverse], np.nextafter(1.0, 0.0))
    return result


def numbers(column: pa.ChunkedArray | pa.Array) -> NDArray[Any]:
    """A numeric column without nulls (n,), read-only where it is one piece."""
    return np.from_dlpack(_whole(column))


def strings(column: pa.ChunkedArray | pa.Array) -> tuple[NDArray[np.object_], NDArray[Any]]:
    """The different texts of a column without nulls, and the number (n,) of each row's."""
    column = _whole(column)
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    return np.array(coded.dictionary.to_pylist(), dtype=object), np.from_dlpack(coded.indices)


def _whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
