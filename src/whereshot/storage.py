"""Where pictures' bytes are: a file, a place inside a tar, or bytes already in memory -> bytes. Limits come first.

The place is part of the path: "shard-00000.tar#1536+48213" is the 48,213 bytes from byte 1,536 on.
"""

from __future__ import annotations

import re
from pathlib import Path

from whereshot.errors import ImageError

Stored = str | Path | bytes

MAX_BYTES = 256 * 1024**2
"""Bytes above which a picture is refused."""

_MEMBER = re.compile(r"(.+\.tar)#(\d+)\+(\d+)", re.DOTALL)


def member(tar: str | Path, offset: int, length: int) -> str:
    """The path of a picture inside a tar, where its bytes begin at ``offset``.

    >>> member("shard-00000.tar", 1536, 48213)
    'shard-00000.tar#1536+48213'
    """
    return f"{tar}#{offset}+{length}"


def is_member(source: Stored) -> bool:
    """Whether this is a place inside a tar."""
    return not isinstance(source, bytes) and _MEMBER.fullmatch(str(source)) is not None


def contents(source: Stored) -> bytes:
    """All bytes of a picture. Raises ImageError, also where there are none or more than MAX_BYTES."""
    checked_size(source)
    if isinstance(source, bytes):
        return source
    place = _MEMBER.fullmatch(str(source))
    try:
        with open(source if place is None else place[1], "rb") as file:
            if place is None:
                return file.read()
            file.seek(int(place[2]))
            data = file.read(int(place[3]))
    except OSError as error:
        raise ImageError(f"{source}: cannot be opened ({error.strerror or error})") from error
    if len(data) < int(place[3]):
        raise ImageError(f"{source}: the tar ends before it; pack it again with: whereshot pack")
    return data


def checked_size(source: Stored) -> int:
    """Bytes of a picture, from the file's entry or its place. Raises ImageError where they cannot be read."""
    if isinstance(source, bytes):
        name, size = f"picture of {len(source)} bytes", len(source)
    else:
        place = _MEMBER.fullmatch(str(source))
        name, size = str(source), _file_size(Path(source if place is None else place[1]))
        size = size if place is None else int(place[3])
    if size == 0:
        raise ImageError(f"{name}: the file is empty")
    if size > MAX_BYTES:
        raise ImageError(f"{name}: {size / 1024**2:.0f} MiB; the limit is {MAX_BYTES // 1024**2} MiB")
    return size


def _file_size(path: Path) -> int:
    try:
        if path.is_dir():
            raise ImageError(f"{path}: a folder, not a picture")
        return path.stat().st_size
    except FileNotFoundError:
        raise ImageError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise ImageError(f"{path}: cannot be opened ({getattr(error, 'strerror', error)})") from error
