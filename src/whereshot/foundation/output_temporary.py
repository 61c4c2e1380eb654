"""Name, hold and remove the temporary files and folders that become an output when they are complete.

A temporary file lies in the folder of its output: ``.NAME.XXXXXXXX.partial``. Its process holds a lock on it, so that
``remove_stale`` can tell whether that process is still alive. Windows has no such lock; nothing is removed there.
"""

from __future__ import annotations

import contextlib
import fnmatch
import glob
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # None stands for the module where it is missing

PARTIAL = ".partial"
"""Ending of temporary files and folders."""

STALE_S = 60.0
"""Seconds without a change after which a temporary file without a lock is stale: a new one is not locked at once."""

_LONGEST_NAME_BYTES = 200
_open_folders: set[Path] = set()


def temporary_path(target: Path, ending: str = PARTIAL) -> Path:
    """Return a new hidden path in the folder of ``target``; nothing is there yet."""
    return target.with_name(f".{_short_name(target)}.{uuid.uuid4().hex[:8]}{ending}")


def temporary_paths(target: Path, ending: str = PARTIAL) -> list[Path]:
    """Return the files and folders that ``temporary_path`` named for ``target``, in any process."""
    pattern = f".{glob.escape(_short_name(target))}.????????{ending}"
    try:
        names = os.listdir(target.parent)
    except OSError:
        return []
    return sorted(target.parent / name for name in names if fnmatch.fnmatchcase(name, pattern))


@contextlib.contextmanager
def temporary_folder(target: Path) -> Iterator[Path]:
    """Make an empty temporary folder beside ``target`` and yield it; remove what is there at the end.

    Raises OSError where the folder cannot be made.
    """
    beside = temporary_path(target)
    beside.mkdir()
    lock = None
    _open_folders.add(beside)
    try:
        lock = hold(beside)
        yield beside
    finally:
        _open_folders.discard(beside)
        shutil.rmtree(beside, ignore_errors=True)
        release(lock)


def is_in_temporary_folder(path: Path) -> bool:
    """Return whether a resolved path lies in a temporary folder that this process fills."""
    return not _open_folders.isdisjoint(path.parents)


def hold(path: Path) -> int | None:
    """Lock a temporary file or folder for as long as this process lives; return what ``release`` takes.

    Returns None on Windows, where an open file cannot be renamed. Raises OSError where the path cannot be opened.
    """
    if fcntl is None:
        return None
    lock = _open(path)
    with contextlib.suppress(OSError):  # not every file system has locks
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return lock


def release(lock: int | None) -> None:
    """Give back what ``hold`` returned."""
    if lock is not None:
        os.close(lock)


@contextlib.contextmanager
def unheld(path: Path) -> Iterator[None]:
    """Lock a file or folder inside the ``with`` block. Raises OSError where a living process holds it."""
    if fcntl is None:
        yield
        return
    lock = _open(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(lock)


def remove_stale(target: Path) -> None:
    """Remove the temporary files and folders of ``target`` that a killed process left."""
    if fcntl is None:
        return
    for stale in temporary_paths(target):
        with contextlib.suppress(OSError):
            if time.time() - stale.stat().st_mtime < STALE_S:
                continue
            with unheld(stale):
                shutil.rmtree(stale) if stale.is_dir() else stale.unlink()


def _open(path: Path) -> int:
    """Open a file or folder so that it can be locked; network disks lock only what is open for writing."""
    return os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)


def _short_name(target: Path) -> str:
    """Return the name of ``target``, cut so that a temporary name with it is not too long for a file system."""
    name = target.name
    while len(os.fsencode(name)) > _LONGEST_NAME_BYTES:
        name = name[:-1]
    return name
