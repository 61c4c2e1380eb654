"""Write output files and folders so that each is complete or not there.

Each is written beside its place, waits until it is on the disk, and is renamed:

    with new_file(path) as beside:        one file
        pq.write_table(table, beside)
    with new_folder(path) as beside:      one folder, which replaces the folder that is there
        write_text(beside / "model.toml", text)
    with new_files(path) as beside:       several files of one folder; other files of it stay
        write_text(beside / "report.md", text)

Guarantees:

- What was there before stays until the new content is on the disk: on a full disk, after Ctrl-C and ``kill -9``.
- An error removes the temporary file. ``kill -9`` leaves at most a hidden ``.NAME.XXXXXXXX.partial``. No reader takes
  it for a result; ``check_file`` and ``check_folder`` remove it in a later run.
- ``new_folder`` replaces a folder in one step on Linux. Elsewhere, and on network disks, ``kill -9`` between two
  renames can leave the old folder under the name ``.NAME.XXXXXXXX.old``; the next ``check_folder`` or ``new_folder``
  of this path puts it back.
- ``new_files`` renames one file after the other: ``kill -9`` between two of them leaves new files beside old ones.
- A new file has the mode that the umask gives; a replaced file keeps its mode.
- Symbolic links are followed: their target is replaced. Other hard links to the file keep the old content.
- Pipes, terminals, ``/dev/stdout`` and other devices cannot be replaced: they get the finished bytes.
- No folder is made for a file. ``new_folder``, ``new_files`` and ``make_folder`` make the folder that they name.
- Inside the temporary folder of ``new_folder`` or ``new_files``, files are written directly: the folder is on the disk
  as a whole before it is renamed.

Every failure to write is an OutputError of one line: which path, why, and what to do. An OSError about another file,
which the block reads, passes unchanged.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from whereshot.foundation import output_streams
from whereshot.foundation.errors import InputError
from whereshot.foundation.folder_replacement import check_replaceable, put_back_old, replace_folder
from whereshot.foundation.output_failures import Failures, explained
from whereshot.foundation.output_sync import sync, sync_tree
from whereshot.foundation.output_temporary import (
    PARTIAL,
    hold,
    is_in_temporary_folder,
    release,
    remove_stale,
    temporary_folder,
    temporary_path,
)


@contextlib.contextmanager
def new_file(path: str | Path, *, failures: Failures = (), is_synced: bool = True) -> Iterator[Path]:
    """Yield the path of an empty temporary file to write; at the end it takes the place of ``path``.

    With ``is_synced=False`` it does not wait for the disk: call ``sync_files`` for many files at once, before anything
    says that they are complete. Raises OutputError for an OSError or one of ``failures`` in the block, and where
    ``path`` cannot be written.
    """
    path = Path(path)
    with explained(path, failures):
        target = Path(os.path.realpath(path))
        if output_streams.is_stream(path):
            with _new_stream(path) as beside:
                yield beside
        elif is_in_temporary_folder(target):
            target.touch()
            yield target
        else:
            with _new_regular_file(target, is_synced) as beside:
                yield beside


@contextlib.contextmanager
def _new_stream(path: Path) -> Iterator[Path]:
    """Yield a temporary file elsewhere; at the end its bytes go to the stream ``path``."""
    with tempfile.TemporaryDirectory(suffix=PARTIAL) as scratch:
        beside = Path(scratch) / "content"
        beside.touch()
        yield beside
        output_streams.copy_to_stream(beside, path)


@contextlib.contextmanager
def _new_regular_file(target: Path, is_synced: bool) -> Iterator[Path]:
    """Yield a temporary file beside ``target``, which it replaces at the end."""
    _check_replaceable_file(target)
    beside = temporary_path(target)
    os.close(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666))
    lock = None
    try:
        lock = hold(beside)
        mode = stat.S_IMODE((target if target.exists() else beside).stat().st_mode)
        yield beside
        if is_synced:
            sync(beside)
        _set_mode(beside, mode)
        os.replace(beside, target)
        if is_synced:
            sync(target.parent)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        release(lock)


@contextlib.contextmanager
def new_folder(path: str | Path, *, failures: Failures = ()) -> Iterator[Path]:
    """Yield an empty temporary folder to fill; at the end it takes the place of ``path``, old content included.

    The caller checks whether an older folder may be replaced. Raises OutputError as ``new_file`` does, and where
    ``path`` is a mounted disk.
    """
    path = Path(path)
    target = Path(os.path.realpath(path))
    with explained(path, failures):
        check_replaceable(path, target)
        target.parent.mkdir(parents=True, exist_ok=True)
        put_back_old(target)
        with temporary_folder(target) as beside:
            mode = stat.S_IMODE((target if target.exists() else beside).stat().st_mode)
            yield beside
            sync_tree(beside)
            _set_mode(beside, mode)
            replace_folder(beside, target)


@contextlib.contextmanager
def new_files(folder: str | Path, *, failures: Failures = ()) -> Iterator[Path]:
    """Yield an empty temporary folder to fill; at the end its files move into ``folder`` and replace older ones.

    No file moves before all are on the disk; other files of ``folder`` stay. Raises OutputError as ``new_file`` does.
    """
    folder = Path(folder)
    target = Path(os.path.realpath(folder))
    with explained(folder, failures):
        target.mkdir(parents=True, exist_ok=True)
        with temporary_folder(target / "files") as beside:
            yield beside
            sync_tree(beside)
            for file in sorted(beside.iterdir()):
                _check_replaceable_file(target / file.name)
            for file in sorted(beside.iterdir()):
                os.replace(file, target / file.name)
            sync(target)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file in UTF-8, complete or not at all; characters that are not valid text become escapes.

    Such characters are in file names that are not valid UTF-8. Raises OutputError.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: str | Path, content: bytes, *, is_synced: bool = True) -> None:
    """Write a file, complete or not at all; see ``new_file`` for ``is_synced``. Raises OutputError."""
    with new_file(path, is_synced=is_synced) as beside:
        beside.write_bytes(content)


def sync_files(paths: Iterable[str | Path]) -> None:
    """Wait until files that were written with ``is_synced=False`` are on the disk. Raises OutputError."""
    folders = set()
    for path in map(Path, paths):
        with explained(path):
            sync(path)
        folders.add(path.parent)
    for folder in sorted(folders):
        with explained(folder):
            sync(folder)


def copy_file(source: str | Path, path: str | Path) -> None:
    """Copy the content of a file, complete or not at all. Raises InputError where it cannot be read, OutputError."""
    try:
        with new_file(path) as beside:
            shutil.copyfile(source, beside)
    except OSError as error:  # new_file has explained the failures to write
        raise InputError(f"{source}: cannot be read ({error.strerror or error})") from error


def append_line(path: str | Path, line: str) -> None:
    """Add a line to a file and wait until it is on the disk; a line that does not fit is taken back.

    The file is made where there is none; its folder is not. Raises OutputError.
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
    """Make a folder and the folders above it, where they are missing. Raises OutputError."""
    path = Path(path)
    with explained(path):
        path.mkdir(parents=True, exist_ok=True)


def rename(finished: str | Path, path: str | Path) -> None:
    """Wait until the file ``finished`` is on the disk, then put it in the place of ``path``. Raises OutputError."""
    path = Path(path)
    with explained(path):
        sync(Path(finished))
        os.replace(finished, path)
        sync(path.parent)


def check_file(path: str | Path) -> None:
    """Raise OutputError where a file cannot be written; remove what a killed run left beside it.

    Call it before long work.
    """
    path = Path(path)
    with explained(path):
        if output_streams.is_stream(path):
            return
        target = Path(os.path.realpath(path))
        _check_replaceable_file(target)
        remove_stale(target)
        _try_to_write(target.parent)


def check_folder(path: str | Path, *, replaced: bool = False) -> None:
    """Raise OutputError where a folder cannot be filled; repair what a killed run left. Call it before long work.

    ``replaced`` means that ``new_folder`` writes it: then the folder above it must be writable.
    """
    path = Path(path)
    target = Path(os.path.realpath(path))
    with explained(path):
        if replaced:
            put_back_old(target)
            check_replaceable(path, target)
        elif target.exists() and not target.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
        remove_stale(target)
        remove_stale(target / "files")
        above = target.parent if replaced else target
        _try_to_write(next(folder for folder in (above, *above.parents) if os.path.lexists(folder)))


def _check_replaceable_file(target: Path) -> None:
    """Raise OSError for a folder, and for a file that this user may not change."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))


def _try_to_write(folder: Path) -> None:
    """Make a file in a folder and remove it: the permissions alone do not show whether that is possible."""
    beside = temporary_path(folder / "try")
    try:
        os.close(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666))
    except FileNotFoundError:
        if folder.is_dir():  # for example /proc, where no file can be made
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder)) from None
        raise
    beside.unlink()


def _set_mode(path: Path, mode: int) -> None:
    if stat.S_IMODE(path.stat().st_mode) != mode:
        with contextlib.suppress(OSError):  # not every file system has modes
            path.chmod(mode)
