"""Replace a folder by a finished new one, so that a kill at any moment loses neither of them.

Linux exchanges two folders in one step. Other systems, and network disks, need two renames: the old folder first moves
to ``.NAME.XXXXXXXX.old`` beside it. After a kill between the two renames NAME is missing; ``put_back_old`` then renames
the old folder back. Nothing else touches a folder of that name.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
from pathlib import Path

from whereshot.foundation.errors import OutputError
from whereshot.foundation.output_sync import sync
from whereshot.foundation.output_temporary import hold, release, temporary_path, temporary_paths, unheld

OLD = ".old"
"""Ending of a folder that is being replaced."""

_RENAME_EXCHANGE, _AT_FDCWD = 2, -100  # of Linux


def check_replaceable(path: Path, target: Path) -> None:
    """Raise OutputError or OSError where the folder ``target`` cannot be replaced; ``path`` is its name in messages."""
    if target.exists() and not target.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    if is_mount_point(target):
        raise OutputError(f"{path}: a mounted disk, which cannot be replaced; name a folder inside it")


def is_mount_point(folder: Path) -> bool:
    """Return whether another file system, or a folder from elsewhere (a bind mount), is mounted at ``folder``."""
    if os.path.ismount(folder):
        return True
    try:  # Linux also lists bind mounts; spaces and similar characters are octal escapes
        lines = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return False
    places = (re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), line.split(" ")[4]) for line in lines)
    return str(folder) in places


def replace_folder(new: Path, folder: Path) -> None:
    """Put the finished folder ``new`` in the place of ``folder``, which may not be there yet. Raises OSError.

    Afterwards an older folder is at ``new``.
    """
    if not folder.exists():
        os.replace(new, folder)
    elif not exchange(new, folder):
        _replace_by_two_renames(new, folder)
    sync(folder.parent)


def put_back_old(folder: Path) -> None:
    """Rename the old folder back to ``folder`` where a run was killed between the two renames."""
    if os.path.lexists(folder):
        return
    with contextlib.suppress(OSError):
        old = max(temporary_paths(folder, OLD), key=lambda path: path.stat().st_ctime, default=None)
        if old is not None:
            with unheld(old):  # else a living process is between the two renames
                os.replace(old, folder)
                sync(folder.parent)


def exchange(one: Path, other: Path) -> bool:
    """Exchange the names of two folders in one step; return False where the system or the disk cannot."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):
        return False
    failed: int = renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    return failed == 0


def _replace_by_two_renames(new: Path, folder: Path) -> None:
    old = temporary_path(folder, OLD)
    lock = hold(folder)
    try:
        os.replace(folder, old)
        try:
            os.replace(new, folder)
        except BaseException:
            if not os.path.lexists(folder):
                os.replace(old, folder)
            raise
        sync(folder.parent)
        with contextlib.suppress(OSError):
            os.replace(old, new)  # where the caller, or a later run, removes it
    finally:
        release(lock)
