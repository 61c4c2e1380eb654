"""Keep the remarks of libraries away from stderr, which is for the lines of this program.

Libraries remark in three ways: by Python's warnings (Pillow), by its logging, and by writing to file descriptor 2 from
C (libtiff, libjpeg and libpng inside OpenCV, pyarrow). The reason why a file cannot be used is in its reject or in the
``error`` of its prediction. ``WHERESHOT_REMARKS=1`` shows all remarks; ``python -W`` and PYTHONWARNINGS show warnings.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import sys
import warnings
from collections.abc import Iterator

SHOW = "WHERESHOT_REMARKS"
"""Name of an environment variable. Any value but "" and "0" lets libraries write to stderr."""

STDERR = 2
"""Number of the file descriptor of stderr in a new process."""

_moved: list[int] = []
"""File descriptors that stderr has been moved to; the last is in use."""


def are_shown() -> bool:
    """Return whether WHERESHOT_REMARKS asks to show the remarks of libraries."""
    return os.environ.get(SHOW, "") not in ("", "0")


@contextlib.contextmanager
def hidden() -> Iterator[None]:
    """Let only this program write to stderr inside the ``with`` block.

    Processes that are started in the block are silent, too: their file descriptor 2 leads nowhere. Where
    WHERESHOT_REMARKS asks for the remarks, the block changes nothing.
    """
    if are_shown():
        yield
        return
    with contextlib.ExitStack() as undo:
        if not sys.warnoptions:
            _ignore_warnings(undo)
        _move_stderr(undo)
        _silence_logging(undo)
        yield


def stderr_descriptor() -> int:
    """Return the file descriptor that leads to the user's stderr: 2, or another number while remarks are hidden."""
    return _moved[-1] if _moved else STDERR


def _ignore_warnings(undo: contextlib.ExitStack) -> None:
    """Show no Python warnings, in this process and in the Python processes that it starts."""
    undo.enter_context(warnings.catch_warnings())
    warnings.simplefilter("ignore")
    os.environ["PYTHONWARNINGS"] = "ignore"
    undo.callback(os.environ.pop, "PYTHONWARNINGS", None)  # it was empty: sys.warnoptions would have its value


def _silence_logging(undo: contextlib.ExitStack) -> None:
    """Drop the log records of libraries that nobody handles; keep the records of whereshot."""
    root, own = logging.getLogger(), logging.getLogger("whereshot")
    for logger, handler in ((root, logging.NullHandler()), (own, logging.StreamHandler(sys.stderr))):
        logger.addHandler(handler)
        undo.callback(logger.removeHandler, handler)


def _move_stderr(undo: contextlib.ExitStack) -> None:
    """Give Python's stderr a new file descriptor, and let number 2, which libraries write to, lead nowhere.

    faulthandler writes to the new descriptor, so a crash inside a library still shows where it happened. Where
    Python's stderr is not descriptor 2 (a test captures it), nothing is moved.
    """
    before = sys.stderr
    try:
        if before.fileno() != STDERR:
            return
    except (AttributeError, OSError, ValueError):  # there is no stderr, or it is no file
        return
    before.flush()
    kept = os.dup(STDERR)
    sys.stderr = os.fdopen(kept, "w", buffering=1, encoding=before.encoding, errors="backslashreplace", closefd=False)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, STDERR)
    os.close(nowhere)
    _moved.append(kept)
    faulthandler.enable(sys.stderr)

    def put_back() -> None:
        faulthandler.disable()
        sys.stderr.flush()
        os.dup2(kept, STDERR)
        sys.stderr = before
        _moved.remove(kept)
        os.close(kept)

    undo.callback(put_back)
