"""Decode URL-encoded texts, a whole Arrow column at a time, with the same result in every engine."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def decoded(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Decode URL-encoded texts: + is a space, %XX a byte of UTF-8. A broken sequence stays; wrong UTF-8 becomes U+FFFD.

    >>> decoded(pa.array(["caf%C3%A9+noir", "100%", "%zz", "%E9"])).to_pylist()
    ['café noir', '100%', '%zz', '\ufffd']
    """
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if column.offset or column.null_count:
        column = pa.concat_arrays([column])  # copies of the buffers that begin at the first value
    if not len(column) or column.buffers()[2] is None:
        return column
    offsets = np.frombuffer(column.buffers()[1], np.int32, len(column) + 1)
    text = np.frombuffer(column.buffers()[2], np.uint8, offsets[-1])
    text = np.where(text == ord("+"), np.uint8(ord(" ")), text)
    percent = np.flatnonzero(text == ord("%"))
    if len(percent):
        # each % needs two hexadecimal digits after it in the same string
        ends = offsets[np.searchsorted(offsets, percent, side="right")]
        percent = percent[percent + 2 < ends]
        high, low = _HEX[text[percent + 1]], _HEX[text[percent + 2]]
        sound = (high < 16) & (low < 16)
        percent, value = percent[sound], (high[sound] << 4 | low[sound]).astype(np.uint8)
        text[percent] = value
        stays = np.ones(len(text), bool)
        stays[percent + 1] = stays[percent + 2] = False
        dropped = 2 * np.searchsorted(percent, offsets)
        text, offsets = text[stays], (offsets - dropped).astype(np.int32)
        if (value >= 0x80).any():
            text, offsets = _sound_utf8(text, offsets)
    return pa.Array.from_buffers(
        pa.string(), len(column), [column.buffers()[0], pa.py_buffer(offsets), pa.py_buffer(text)], column.null_count
    )


_HEX = np.full(256, 255, np.uint8)
for _digit in "0123456789abcdefABCDEF":
    _HEX[ord(_digit)] = int(_digit, 16)


def _sound_utf8(text: NDArray[np.uint8], offsets: NDArray[np.int32]) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Return the same strings, with U+FFFD for bytes that are not UTF-8."""
    starts = offsets[:-1][offsets[:-1] < offsets[1:]]
    whole = not ((text[starts] & 0xC0) == 0x80).any()  # no string begins inside a character ...
    if whole:
        try:
            bytes(text).decode()  # ... and all of them together are valid, so each of them is valid
            return text, offsets
        except UnicodeDecodeError:
            pass
    parts = [bytes(text[start:stop]) for start, stop in pairwise(offsets)]
    parts = [part.decode("utf-8", "replace").encode() for part in parts]
    lengths = np.cumsum([0, *map(len, parts)]).astype(np.int32)
    return np.frombuffer(b"".join(parts), np.uint8), lengths
