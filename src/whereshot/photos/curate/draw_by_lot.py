"""Draw some photos of each group at random. Every run draws the same photos, also if the table has other rows too."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def lots(ids: pa.ChunkedArray, seed: int) -> NDArray[np.uint64]:
    """Return a random number (n,) for each id. It depends only on the id and the seed."""
    return _hashed(ids, f"{seed}:")


def numbered(column: pa.ChunkedArray) -> NDArray[np.uint64]:
    """Return a number (n,) for each text. Equal texts have equal numbers; all nulls have the same number."""
    return _hashed(column, "")


def drawn(
    groups: Sequence[NDArray[np.integer]], lot: NDArray[np.uint64], most: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Choose the ``most`` rows with the smallest numbers ``lot`` in each group.

    Rows of a group have the same values in all columns of ``groups``, each (n,). Returns which rows (n,) are chosen,
    and for each row (n,) the row with the smallest number in its group.
    """
    order = np.lexsort((np.arange(len(lot)), lot, *groups))
    begins = np.ones(len(lot), bool)
    if len(lot):
        begins[1:] = np.logical_or.reduce([group[order][1:] != group[order][:-1] for group in groups])
    start = np.flatnonzero(begins)[np.cumsum(begins) - 1] if len(lot) else np.empty(0, np.int64)
    chosen, winner = np.empty(len(lot), bool), np.empty(len(lot), np.int64)
    chosen[order] = np.arange(len(lot)) - start < most
    winner[order] = order[start]
    return chosen, winner


def _hashed(column: pa.ChunkedArray, salt: str) -> NDArray[np.uint64]:
    parts = [np.empty(0, np.uint64)]
    for chunk in column.chunks:
        texts = (f"{salt}{text}" if text is not None else "\0" for text in chunk.to_pylist())
        digests = (int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") for text in texts)
        parts.append(np.fromiter(digests, np.uint64, len(chunk)))
    return np.concatenate(parts)
