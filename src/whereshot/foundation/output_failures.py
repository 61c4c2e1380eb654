"""Explain a failure to write, of the system or of a library, in one line that says what to do."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

from whereshot.foundation.errors import OutputError, one_line
from whereshot.foundation.output_temporary import PARTIAL

_HINTS = {
    errno.ENOSPC: "make room there, or choose another place",
    errno.EDQUOT: "make room there, or choose another place",
    errno.EFBIG: "files may not grow so large there; choose another place",
    errno.EROFS: "choose a place that you may write to",
    errno.EACCES: "choose a place that you may write to",
    errno.EPERM: "choose a place that you may write to",
    errno.ENAMETOOLONG: "choose a shorter name",
}

Failures = tuple[type[Exception], ...]
"""Exceptions by which a library that writes files reports a failure of the disk, besides OSError."""


def cannot_write(path: str | Path, error: Exception) -> OutputError:
    """Return the error for a failure to write ``path``: one line with the path, the reason and what to do."""
    path, number = Path(path), _number_of(error)
    if number == errno.EISDIR:
        return OutputError(f"{path}: a folder; name a file")
    if number in (errno.ENOTDIR, errno.EEXIST) and path.is_file():
        return OutputError(f"{path}: a file is in the way; name a folder")
    text = one_line(error, 200)
    reason = text if number is None else os.strerror(number)
    hint = _HINTS.get(number or 0, "choose another place")
    if number == errno.ENOENT and not path.parent.exists():
        reason, hint = f"the folder {path.parent} does not exist", "make it first, or choose another place"
    elif number in (errno.ENOTDIR, errno.EEXIST):
        files = [str(above) for above in path.parents if above.is_file()]
        reason = f"{files[0]} is a file" if files else reason
    return OutputError(f"{path}: cannot be written ({reason}); {hint}")


def _number_of(error: Exception) -> int | None:
    """Return the errno of a failure, or None. Libraries wrap it: copytree in a list, safetensors in a text."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    found = re.search(r"(?:os error|\[Errno) (\d+)", str(error))
    return int(found[1]) if found else None


def _report_failures(failures: Failures) -> Failures:
    """Return the exceptions that report a failure to write."""
    return (OSError, *failures)


def concerns(error: Exception, path: Path) -> bool:
    """Return whether a failure is about writing ``path``, and not about another file that was read meanwhile.

    It is about ``path`` if it names no file, a temporary file, ``path`` itself, or a folder above or a file below it.
    """
    names = [getattr(error, name, None) for name in ("filename", "filename2")]
    places = [os.path.realpath(os.fsdecode(name)) for name in names if isinstance(name, (str, bytes, os.PathLike))]
    if not places:
        return True
    target = Path(os.path.realpath(path))
    return any(
        PARTIAL in place or target in (Path(place), *Path(place).parents) or Path(place) in target.parents
        for place in places
    )


@contextlib.contextmanager
def explained(path: Path, failures: Failures = ()) -> Iterator[None]:
    """Turn a failure to write ``path`` inside the ``with`` block into an OutputError that names ``path``.

    A failure is an OSError, or one of ``failures``. An OSError about another file, such as an input that is missing,
    passes unchanged, as does BrokenPipeError: the reader of a pipe may leave.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except _report_failures(failures) as error:
        if not concerns(error, path):
            raise
        raise cannot_write(path, error) from error
    except OutputError as error:
        if error.__cause__ is None or PARTIAL not in str(error) or not isinstance(error.__cause__, Exception):
            raise
        raise cannot_write(path, error.__cause__) from error.__cause__
