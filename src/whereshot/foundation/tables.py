"""Read columns of Arrow tables as NumPy arrays, write Parquet files, and keep rejected rows with their reasons.

Arrow's own ``to_numpy`` imports pandas wherever it is installed, which costs a quarter of a second and 40 MB.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whereshot.foundation import output_files
from whereshot.foundation.errors import InputError, first_line

REJECTS = pa.schema([("id", pa.string()), ("image", pa.string()), ("reason", pa.string()), ("detail", pa.string())])
"""Schema of a table of rejects: ``reason`` is a short kind to count by, ``detail`` a whole sentence."""

SHARD_ROWS = 1_000_000
"""Most rows of one Parquet file of records."""


def rejects_path(records: str | Path) -> Path:
    """Return the path of the rejects of a records folder or file: it is in ``rejects/`` beside the shards."""
    path = Path(records)
    return path.parent / "rejects" / path.name if path.suffix == ".parquet" else path / "rejects" / "part-00000.parquet"


@contextmanager
def reading_parquet(path: str | Path) -> Iterator[None]:
    """Turn a failure to read a Parquet file inside the ``with`` block into an InputError of one line."""
    try:
        yield
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: not a readable Parquet file ({first_line(error)})") from error


def write_parquet(table: pa.Table, path: Path, group_rows: int | None = None) -> None:
    """Write a table as a Parquet file, complete or not at all; its folder must exist. Raises OutputError.

    ``group_rows`` is the number of rows that are read together; the default is a million.
    """
    with output_files.new_file(path) as beside:
        pq.write_table(table, beside, compression="zstd", row_group_size=group_rows)


def write_rejects(rejects: pa.Table, records: str | Path) -> None:
    """Write the rejects of records; without rejects, remove the file of an earlier run. Raises OutputError."""
    path = rejects_path(records)
    if len(rejects):
        output_files.make_folder(path.parent)
        write_parquet(rejects, path)
    else:
        path.unlink(missing_ok=True)


Reject = tuple[str | None, str | None, str, str]
"""A record that was dropped: its id, its image, the reason and the detail."""


def rejects_table(rows: Iterable[Reject]) -> pa.Table:
    """Return a table of rejects made from (id, image, reason, detail) rows."""
    columns: list[tuple[str | None, ...]] = list(zip(*rows, strict=True)) or [(), (), (), ()]
    return pa.table([pa.array(values, pa.string()) for values in columns], schema=REJECTS)


def count_reasons(rejects: pa.Table) -> dict[str, int]:
    """Return the number of rejected rows for each reason, the most frequent first."""
    counted = pc.value_counts(rejects["reason"]).to_pylist()
    return {row["values"]: row["counts"] for row in sorted(counted, key=lambda row: (-row["counts"], row["values"]))}


def hashed_share(keys: Sequence[str] | NDArray[np.str_], seed: int = 0) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each key, (n,): uniform over the keys and the same on every machine."""
    unique, inverse = np.unique(np.asarray(keys, dtype=str), return_inverse=True)
    digests = (hashlib.blake2b(f"{seed}:{key}".encode(), digest_size=8).digest() for key in unique)
    shares = np.array([int.from_bytes(digest, "big") / 2**64 for digest in digests])
    result: NDArray[np.float64] = np.minimum(shares[inverse], np.nextafter(1.0, 0.0))
    return result


def numbers(column: pa.ChunkedArray | pa.Array) -> NDArray[Any]:
    """Return a numeric column without nulls as an array (n,); it may be read-only."""
    return np.from_dlpack(_whole(column))


def strings(column: pa.ChunkedArray | pa.Array) -> tuple[NDArray[np.object_], NDArray[Any]]:
    """Return the different texts of a column without nulls, and for each row the index of its text, (n,)."""
    column = _whole(column)
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    return np.array(coded.dictionary.to_pylist(), dtype=object), np.from_dlpack(coded.indices)


def _whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
