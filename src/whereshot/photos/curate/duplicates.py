"""The step ``--duplicates``: keep the first of all photos that have the same bytes or look the same.

The order is the order of the given records. Every dropped photo names the photo that is kept for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from whereshot.foundation.errors import InputError
from whereshot.photos.curate import hashes, near_hashes
from whereshot.photos.curate.base import CuratedPhoto, Dropped, Settings, Step

SAME_BYTES, SAME_LOOK = "duplicate bytes", "duplicate look"
LOOK_BITS = 8
EDGE_BITS = 12
"""The edge hashes of copies of a picture may differ in this number of the 64 bits: see docs/results-duplicates.md."""


def check(settings: Settings, _: Any) -> None:
    """Raise InputError for a number of bits that is out of range."""
    bits = settings.get("look_bits", LOOK_BITS)
    if not 0 <= bits <= near_hashes.MOST_BITS:
        raise InputError(f"--look-bits must be 0 to {near_hashes.MOST_BITS}; got {bits}")


def judge(photo: CuratedPhoto, _: Settings) -> None:
    """Hash the bytes and the look of a photo. Raises ImageError where it does not decode."""
    photo.columns["content_hash"] = hashes.content_hash(photo.data)
    photo.columns["look_hash"] = hashes.look_hash(photo.picture(hashes.DECODED_SIDE))
    photo.columns["edge_hash"] = hashes.edge_hash(photo.picture(hashes.DECODED_SIDE))


def choose(table: pa.Table, settings: Settings) -> Sequence[Dropped]:
    """Drop all but the first photo with the same bytes, then every photo that looks like an earlier photo that is
    kept.
    """
    digests = [np.array(chunk.to_pylist(), "S32") for chunk in table["content_hash"].chunks] or [np.array([], "S32")]
    _, first, inverse = np.unique(np.concatenate(digests), return_index=True, return_inverse=True)
    originals = first[inverse.ravel()]
    twin = originals.copy()
    rows = np.arange(len(table))
    copies = np.flatnonzero(twin != rows)
    others = np.flatnonzero(twin == rows)
    bits = settings.get("look_bits", LOOK_BITS)
    looks = np.stack([table[name].to_numpy().astype(np.uint64) for name in ("look_hash", "edge_hash")], axis=1)
    like = others[near_hashes.leaders(looks[others], (bits, EDGE_BITS))]
    twin[others] = like
    twin = twin[twin]  # its bytes equal those of a photo that is dropped because of its look
    alike = others[like != others]

    def same_bytes(k: int) -> str:
        original, stays = int(originals[copies[k]]), int(twin[copies[k]])
        similar = "" if stays == original else f", which looks like {_named(table, stays)}"
        return f"the same bytes as {_named(table, original)}{similar}"

    def same_look(k: int) -> str:
        row = alike[k]
        bits = int(hashes.distance(looks[row, 0], looks[twin[row], 0]))
        return f"looks like {_named(table, int(twin[row]))}: {bits} of 64 bits differ"

    return [Dropped(copies, SAME_BYTES, same_bytes), Dropped(alike, SAME_LOOK, same_look)]


def _named(table: pa.Table, row: int) -> str:
    return f"{table['id'][row].as_py()!r} ({table['image'][row].as_py()})"


STEP = Step(
    judge=judge,
    choose=choose,
    check=check,
    adds=pa.schema([("content_hash", pa.string()), ("look_hash", pa.uint64()), ("edge_hash", pa.uint64())]),
    chooses_by=lambda settings: ("id", "image", "content_hash", "look_hash", "edge_hash"),
    needs_picture=lambda settings: True,
)
