"""Find repeated ids, with eight bytes for each id, so that many millions fit into memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray


class SeenIds:
    """The ids that occurred so far."""

    def __init__(self) -> None:
        self._hashes = np.empty(0, np.uint64)

    def __len__(self) -> int:
        return len(self._hashes)

    def add(self, ids: Sequence[str]) -> NDArray[np.bool_]:
        """Return which ids (n,) are new, neither added before nor earlier in ``ids``, and add all of them."""
        hashes, first = np.unique(hashed(ids), return_index=True)
        places = np.searchsorted(self._hashes, hashes)
        known = np.zeros(len(hashes), bool)
        inside = places < len(self._hashes)
        known[inside] = self._hashes[places[inside]] == hashes[inside]
        self._hashes = np.insert(self._hashes, places[~known], hashes[~known])
        new = np.zeros(len(ids), bool)
        new[first[~known]] = True
        return new

    def add_shards(self, shards: Iterable[Path]) -> None:
        """Add the ids of Parquet shards that an earlier run wrote."""
        for shard in shards:
            self.add(pq.read_table(shard, columns=["id"])["id"].to_pylist())


def hashed(ids: Sequence[str]) -> NDArray[np.uint64]:
    """Return a number (n,) for each id, the same on every machine."""
    digests = (int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") for name in ids)
    return np.fromiter(digests, np.uint64, len(ids))
