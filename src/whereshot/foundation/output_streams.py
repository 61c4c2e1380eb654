"""Write to pipes, terminals, devices and open files such as /dev/stdout: they take bytes and cannot be replaced."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
from pathlib import Path

from whereshot.foundation import library_remarks

_OPEN_FILE = re.compile(r"/dev/fd/(?P<dev>\d+)|/proc/(?P<process>self|thread-self|\d+)/fd/(?P<proc>\d+)")
_MOST_LINKS = 40


def is_stream(path: Path) -> bool:
    """Return whether a path is a pipe, a device or an open file of this process."""
    if _descriptor(path) is not None:
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def copy_to_stream(source: Path, path: Path) -> None:
    """Write the bytes of the file ``source`` to the stream ``path``. Raises OSError."""
    descriptor = _descriptor(path)
    if descriptor is not None and sys.stdout is not None:
        sys.stdout.flush()  # printed text comes first
    with source.open("rb") as file, open(path if descriptor is None else os.dup(descriptor), "wb") as stream:
        shutil.copyfileobj(file, stream)


def _descriptor(path: Path) -> int | None:
    """Return the file descriptor of this process that a path such as /dev/stdout stands for, or None.

    Number 2 is the user's stderr, also while ``library_remarks`` has moved it to another number.
    """
    place = os.path.abspath(path)
    for _ in range(_MOST_LINKS):
        found = _OPEN_FILE.fullmatch(place)
        if found is not None:
            if found["process"] not in (None, "self", "thread-self", str(os.getpid())):
                return None  # an open file of another process
            number = int(found["dev"] or found["proc"])
            return library_remarks.stderr_descriptor() if number == library_remarks.STDERR else number
        if not os.path.islink(place):
            return None
        place = os.path.normpath(os.path.join(os.path.dirname(place), os.readlink(place)))
    return None
