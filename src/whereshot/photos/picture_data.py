"""Digest the coded pixels of a picture's file, so that files that differ only in metadata have the same digest.

Of a JPEG, the APPn and COM segments and everything after its end are left out. Of a PNG, only the chunks that code
pixels count. Nothing is decoded, so it takes no longer than reading the file. Other formats have no digest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])", re.DOTALL)
"""A marker in the scan of a JPEG: 0xFF is followed by 0x00 where it is data, by 0xD0 to 0xD7 where a part restarts."""
_END, _SCAN = 0xD9, 0xDA
_METADATA = {*range(0xE0, 0xF0), 0xFE}
_PNG_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")


def digest(content: bytes) -> bytes | None:
    """Return 16 bytes for the coded picture of a JPEG or PNG file; None for other formats and for a damaged file."""
    parts = _of_jpeg(content) if content.startswith(_JPEG) else _of_png(content) if content.startswith(_PNG) else None
    if parts is None:
        return None
    hashed = hashlib.blake2b(digest_size=16)
    try:
        for part in parts:
            hashed.update(part)
    except _DamagedError:
        return None
    return hashed.digest()


class _DamagedError(Exception):
    """The file ends too early, or has something other than a segment where a segment is expected."""


def _of_jpeg(content: bytes) -> Iterator[memoryview]:
    """Yield the segments of a JPEG without its metadata, with the data of its scans, up to its end."""
    view, at = memoryview(content), 2
    while True:
        marker = _MARKER.match(content, at)
        if marker is None:
            raise _DamagedError
        kind, at = marker[1][0], marker.end()
        if kind == _END:
            return
        length = int.from_bytes(content[at : at + 2], "big")
        if length < 2 or at + length > len(content):
            raise _DamagedError
        end = at + length
        if kind == _SCAN:
            following = _MARKER.search(content, end)
            if following is None:
                raise _DamagedError
            end = following.start()
        if kind not in _METADATA:
            yield view[marker.start(1) : end]
        at = end


def _of_png(content: bytes) -> Iterator[memoryview]:
    """Yield the chunks of a PNG that code pixels."""
    view, at = memoryview(content), len(_PNG)
    while True:
        length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(content):
            raise _DamagedError
        if kind in _PNG_PIXELS:
            yield view[at + 4 : at + 8 + length]
        if kind == b"IEND":
            return
        at = end
