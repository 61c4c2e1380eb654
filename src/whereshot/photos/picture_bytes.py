"""Read the bytes of a picture: from a file, from a place in a tar or zip, or from memory. Limits are checked first.

The place is part of the path: "shard-00000.tar#1536+48213" is the 48,213 bytes from byte 1,536 on. In a zip,
"00.zip#1536+48213" is the member whose header is at byte 1,536. In "00.zip#1536+48213~50000", the 48,213 bytes of the
member inflate to 50,000 bytes.
"""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

from whereshot.foundation.errors import ImageError

Stored = str | Path | bytes

MAX_BYTES = 256 * 1024**2
"""Pictures with more bytes are refused."""
LEAST_BYTES = 1025
"""Servers give a file of at most 1,024 bytes in place of a photo that they no longer have."""

_MEMBER = re.compile(r"(.+\.(?:tar|zip))#(\d+)\+(\d+)(?:~(\d+))?", re.DOTALL | re.IGNORECASE)
_ZIP_HEADER = struct.Struct("<4s22xHH")
"""The header of a member: its mark, and the lengths of its name and extra fields, which lie before its bytes."""


def member(tar: str | Path, offset: int, length: int) -> str:
    """Return the path of a picture inside a tar, whose bytes begin at ``offset``.

    >>> member("shard-00000.tar", 1536, 48213)
    'shard-00000.tar#1536+48213'
    """
    return f"{tar}#{offset}+{length}"


def zip_member(archive: str | Path, header: int, packed: int, length: int | None = None) -> str:
    """Return the path of a picture inside a zip by the place of its header: stored, or deflated to ``packed`` bytes.

    >>> zip_member("00.zip", 1536, 48213), zip_member("00.zip", 1536, 48213, 50000)
    ('00.zip#1536+48213', '00.zip#1536+48213~50000')
    """
    return f"{archive}#{header}+{packed}" + ("" if length is None else f"~{length}")


def is_member(source: Stored) -> bool:
    """Return whether this is a place inside a tar or a zip."""
    return not isinstance(source, bytes) and _MEMBER.fullmatch(str(source)) is not None


def contents(source: Stored) -> bytes:
    """Return all bytes of a picture. Raises ImageError, also where there are no bytes or more than MAX_BYTES."""
    checked_size(source)
    if isinstance(source, bytes):
        return source
    place = _MEMBER.fullmatch(str(source))
    try:
        with open(source if place is None else place[1], "rb") as file:
            if place is None:
                return file.read()
            start = int(place[2])
            if place[1].lower().endswith(".zip"):
                start = _zip_data(file, start, source)
            file.seek(start)
            data = file.read(int(place[3]))
    except OSError as error:
        raise ImageError(f"cannot be opened ({error.strerror or error})", source) from error
    if len(data) < int(place[3]):
        if place[1].lower().endswith(".zip"):
            raise ImageError("the zip ends before it; download it again", source)
        raise ImageError("the tar ends before it; pack it again with: whereshot pack", source)
    return data if place[4] is None else _inflated(data, int(place[4]), source)


def _zip_data(file: BinaryIO, header: int, source: str | Path) -> int:
    """Return where the bytes of a zip's member begin."""
    file.seek(header)
    fields = file.read(_ZIP_HEADER.size)
    if not fields.startswith(b"PK\3\4") or len(fields) < _ZIP_HEADER.size:
        raise ImageError("no member of the zip begins there; the file has changed, ingest it again", source)
    _, name, extra = _ZIP_HEADER.unpack(fields)
    begins: int = header + _ZIP_HEADER.size + name + extra
    return begins


def _inflated(data: bytes, length: int, source: str | Path) -> bytes:
    try:
        inflated = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, length + 1)
    except zlib.error as error:
        raise ImageError(f"the member of the zip is damaged ({error})", source) from error
    if len(inflated) != length:
        raise ImageError(f"the member of the zip does not inflate to {length} bytes; download it again", source)
    return inflated


def checked_size(source: Stored, name: str | None = None) -> int:
    """Return the size of a picture's file in bytes, without reading the file; ``name`` stands in errors.

    Raises ImageError where there is no such file, or it is empty or larger than MAX_BYTES.
    """
    if isinstance(source, bytes):
        name, size = name or f"picture of {len(source)} bytes", len(source)
    else:
        place = _MEMBER.fullmatch(str(source))
        name, size = name or str(source), _file_size(Path(source if place is None else place[1]))
        size = size if place is None else max(int(place[3]), int(place[4] or 0))
    if size == 0:
        raise ImageError("the file is empty", name)
    if size > MAX_BYTES:
        raise ImageError(f"{size / 1024**2:.0f} MiB; the limit is {MAX_BYTES // 1024**2} MiB", name)
    return size


def _file_size(path: Path) -> int:
    try:
        if path.is_dir():
            raise ImageError("a folder, not a picture", path)
        return path.stat().st_size
    except FileNotFoundError:
        raise ImageError("no such file", path) from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise ImageError(f"cannot be opened ({getattr(error, 'strerror', error)})", path) from error
