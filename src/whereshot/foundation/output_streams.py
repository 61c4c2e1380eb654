"""Pipes, terminals, devices and open files such as /dev/stdout: places that take bytes and cannot be replaced."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
from pathlib import Path

_OPEN_FILE = re.compile(r"/dev/fd/(\d+)|/proc/(?:self|thread-self|\d+)/fd/(\d+)")
_MOST_LINKS = 40


def is_stream(path: Path) -> bool:
    """Whether a path is a pipe, a device or an open file, which takes bytes and cannot be replaced."""
    if _descriptor(path) is not None:
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def copy_to_stream(source: Path, path: Path) -> None:
    """Send the bytes of a file to a stream. Raises OSError."""
    descriptor = _descriptor(path)
    if descriptor is not None and sys.stdout is not None:
        sys.stdout.flush()  # in the order in which it was printed
    with source.open("rb") as file, open(path if descriptor is None else os.dup(descriptor), "wb") as stream:
        shutil.copyfileobj(file, stream)


def _descriptor(path: Path) -> int | None:
    """The open file of this process that a path such as /dev/stdout stands for."""
    place = os.path.abspath(path)
    for _ in range(_MOST_LINKS):
        found = _OPEN_FILE.fullmatch(place)
        if found is not None:
            return int(found[1] or found[2])
        if not os.path.islink(place):
            return None
        place = os.path.normpath(os.path.join(os.path.dirname(place), os.readlink(place)))
    return None
