"""Output files and folders: each is written beside its place, synced and renamed, so it is whole or not there.

    with new_file(path) as beside:        one file
        pq.write_table(table, beside)
    with new_folder(path) as beside:      one folder, which replaces the folder that is there
        write_text(beside / "model.toml", text)
    with new_files(path) as beside:       several files of one folder; other files of it stay
        write_text(beside / "report.md", text)

What is guaranteed:

- Until everything is on the disk, what was there before stays as it was: on a full disk, after Ctrl-C and ``kill -9``.
- An error removes the temporary file. ``kill -9`` leaves at most a hidden ``.NAME.XXXXXXXX.partial``. No reader takes
  it for a result; ``check_file`` and ``check_folder`` remove it in the next run.
- A new file has the mode that the umask gives; a replaced one keeps its mode.
- Symbolic links are followed: their target is replaced. A hard link keeps the old content.
- Pipes, terminals, ``/dev/stdout`` and other devices cannot be replaced: they get the finished bytes.
- No folder is made for a file. ``new_folder``, ``new_files`` and ``make_folder`` make the folder that they are given.

Every failure is an OutputError of one line: which path, why, and what to do.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import glob
import os
import shutil
import stat
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

from whereshot.foundation import output_streams
from whereshot.foundation.output_failures import PARTIAL, Failures, explained

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # None stands for the module where it is missing

_LONGEST_NAME = 200
_EXCHANGE, _HERE = 2, -100  # RENAME_EXCHANGE and AT_FDCWD of Linux


@contextlib.contextmanager
def new_file(path: str | Path, *, failures: Failures = ()) -> Iterator[Path]:
    """Yield the path of an empty temporary file to write; at the end it takes the place of ``path``.

    Raises OutputError for an OSError or one of ``failures`` in the block, and where ``path`` cannot be written.
    """
    path = Path(path)
    with explained(path, failures):
        if output_streams.is_stream(path):
            with tempfile.TemporaryDirectory() as scratch:
                beside = Path(scratch) / "content"
                beside.touch()
                yield beside
                output_streams.copy_to_stream(beside, path)
            return
        target = Path(os.path.realpath(path))
        _check_replaceable(target)
        beside = _beside(target)
        lock = _held(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666))
        try:
            mode = stat.S_IMODE((target if target.exists() else beside).stat().st_mode)
            yield beside
            _sync(beside)
            _set_mode(beside, mode)
            os.replace(beside, target)
            _sync(target.parent)
        finally:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
            _release(lock)


@contextlib.contextmanager
def new_folder(path: str | Path, *, failures: Failures = ()) -> Iterator[Path]:
    """Yield an empty temporary folder to fill; at the end it takes the place of ``path``, old content included.

    Whether an older folder may be replaced is for the caller to check. Raises OutputError as ``new_file``.
    """
    path = Path(path)
    target = Path(os.path.realpath(path))
    with explained(path, failures):
        if target.exists() and not target.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        with _temporary_folder(target) as beside:
            mode = stat.S_IMODE((target if target.exists() else beside).stat().st_mode)
            yield beside
            _sync_tree(beside)
            _set_mode(beside, mode)
            _swap(beside, target)
            _sync(target.parent)


@contextlib.contextmanager
def new_files(folder: str | Path, *, failures: Failures = ()) -> Iterator[Path]:
    """Yield an empty temporary folder to fill; at the end its files move into ``folder``, over older ones.

    No file moves before all are on the disk; other files of ``folder`` stay. Raises OutputError as ``new_file``.
    """
    folder = Path(folder)
    target = Path(os.path.realpath(folder))
    with explained(folder, failures):
        target.mkdir(parents=True, exist_ok=True)
        with _temporary_folder(target / "files") as beside:
            yield beside
            _sync_tree(beside)
            for file in sorted(beside.iterdir()):
                _check_replaceable(target / file.name)
            for file in sorted(beside.iterdir()):
                os.replace(file, target / file.name)
            _sync(target)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file as UTF-8, whole or not at all; what is no text (as in a file's name) as escapes."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    with new_file(path) as beside:
        beside.write_bytes(content)


def copy_file(source: str | Path, path: str | Path) -> None:
    """Copy a file's content, whole or not at all."""
    with new_file(path) as beside:
        shutil.copyfile(source, beside)


def append_line(path: str | Path, line: str) -> None:
    """Add a line to a file, and make sure that it is on the disk; a line that does not fit is taken back.

    The file is made where there is none; its folder is not.
    """
    path = Path(path)
    with explained(path), open(path, "ab", buffering=0) as file:
        end, left = file.tell(), memoryview(line.encode() + b"\n")
        try:
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except OSError:
            file.truncate(end)
            raise


def make_folder(path: str | Path) -> None:
    """Make a folder and those above it, where they are missing."""
    path = Path(path)
    with explained(path):
        path.mkdir(parents=True, exist_ok=True)


def rename(finished: str | Path, path: str | Path) -> None:
    """Put a file that was written piece by piece in the place of ``path``, once it is on the disk."""
    path = Path(path)
    with explained(path):
        _sync(Path(finished))
        os.replace(finished, path)
        _sync(path.parent)


def check_file(path: str | Path) -> None:
    """Raise OutputError where a file cannot be written, before the work; remove what a killed run left beside it."""
    path = Path(path)
    with explained(path):
        if output_streams.is_stream(path):
            return
        target = Path(os.path.realpath(path))
        _check_replaceable(target)
        _remove_stale(target)
        _try(target.parent)


def check_folder(path: str | Path, *, replaced: bool = False) -> None:
    """Raise OutputError where a folder cannot be filled, before the work; remove what a killed run left.

    ``replaced`` says that it is written by ``new_folder``: what must be writable is then the folder above it.
    """
    path = Path(path)
    target = Path(os.path.realpath(path))
    with explained(path):
        if target.exists() and not target.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
        _remove_stale(target)
        _remove_stale(target / "files")
        above = target.parent if replaced else target
        _try(next(folder for folder in (above, *above.parents) if os.path.lexists(folder)))


def _beside(target: Path) -> Path:
    """A fresh hidden name in the folder of ``target``."""
    name = target.name
    while len(os.fsencode(name)) > _LONGEST_NAME:
        name = name[:-1]
    return target.with_name(f".{name}.{uuid.uuid4().hex[:8]}{PARTIAL}")


@contextlib.contextmanager
def _temporary_folder(target: Path) -> Iterator[Path]:
    beside = _beside(target)
    beside.mkdir()
    lock = None
    try:
        lock = _held(os.open(beside, os.O_RDONLY)) if fcntl is not None else None
        yield beside
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        _release(lock)


def _held(lock: int) -> int | None:
    """Mark a temporary file as in use for as long as this process lives; on Windows an open file cannot be renamed."""
    if fcntl is None:
        os.close(lock)
        return None
    with contextlib.suppress(OSError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return lock


def _release(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)


def _remove_stale(target: Path) -> None:
    """Remove temporary files of ``target`` that no living process holds."""
    if fcntl is None:
        return
    for name in glob.glob(f".{glob.escape(target.name)}.????????{PARTIAL}", root_dir=target.parent):
        stale = target.parent / name
        with contextlib.suppress(OSError):
            lock = os.open(stale, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(stale) if stale.is_dir() else stale.unlink()
            finally:
                os.close(lock)


def _check_replaceable(target: Path) -> None:
    """Raise OSError for a folder, and for a file that this user may not change."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))


def _try(folder: Path) -> None:
    """Make a file in a folder and remove it: permissions alone do not tell whether that is possible."""
    beside = _beside(folder / "try")
    try:
        os.close(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666))
    except FileNotFoundError:
        if folder.is_dir():  # as /proc, where no file can be made
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder)) from None
        raise
    beside.unlink()


def _set_mode(path: Path, mode: int) -> None:
    if stat.S_IMODE(path.stat().st_mode) != mode:
        with contextlib.suppress(OSError):  # not every file system has modes
            path.chmod(mode)


def _sync(path: Path) -> None:
    """Wait until a file, or a folder's list of files, is on the disk."""
    try:
        handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    except OSError:
        if path.is_dir():  # Windows opens no folder
            return
        raise
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system without it
            raise
    finally:
        os.close(handle)


def _sync_tree(folder: Path) -> None:
    for inside, _, files in os.walk(folder):
        for file in files:
            _sync(Path(inside, file))
        _sync(Path(inside))


def _swap(new: Path, folder: Path) -> None:
    """Put a finished folder in its place; afterwards an older one stands in the place of ``new``, or is gone."""
    if not folder.exists():
        os.replace(new, folder)
    elif not _exchange(new, folder):
        old = _beside(folder)
        os.replace(folder, old)
        try:
            os.replace(new, folder)
        except OSError:
            os.replace(old, folder)
            raise
        shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step, so that neither is ever missing; False where the system cannot."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):
        return False
    failed: int = renameat2(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE)
    return failed == 0
