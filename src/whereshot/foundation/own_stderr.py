"""Stderr is for the lines of this program: what libraries remark on strangers' files does not reach it.

Libraries remark in three ways: by Python's warnings (Pillow), by its logging, and by writing to file descriptor 2 from
C (libtiff, libjpeg and libpng inside OpenCV, pyarrow). The reason why a file cannot be used is in its reject or in the
``error`` of its prediction. ``WHERESHOT_REMARKS=1`` and ``python -W`` show the remarks.
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
"""Set to anything but 0 or nothing, this variable lets libraries write to stderr."""


@contextlib.contextmanager
def own_stderr() -> Iterator[None]:
    """While in it, stderr has the lines of this program alone."""
    if os.environ.get(SHOW, "") not in ("", "0"):
        yield
        return
    with contextlib.ExitStack() as undo:
        if not sys.warnoptions:
            undo.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
        _move_stderr(undo)
        _silence_logging(undo)
        yield


def descriptor() -> int | None:
    """The file descriptor of stderr, for a process that is started; None, its own number 2, where there is none."""
    try:
        return sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # no stderr at all, or one that is no file
        return None


def _silence_logging(undo: contextlib.ExitStack) -> None:
    """Drop what libraries log and nobody handles; keep what whereshot logs."""
    root, own = logging.getLogger(), logging.getLogger("whereshot")
    for logger, handler in ((root, logging.NullHandler()), (own, logging.StreamHandler(sys.stderr))):
        logger.addHandler(handler)
        undo.callback(logger.removeHandler, handler)


def _move_stderr(undo: contextlib.ExitStack) -> None:
    """Give Python's stderr a file descriptor of its own, and let number 2, which libraries write to, lead nowhere.

    A crash inside a library still shows where it happened: faulthandler writes to the new one. Where stderr is not
    number 2 (a test captures it), nothing is moved.
    """
    if descriptor() != 2:
        return
    before = sys.stderr
    before.flush()
    kept = os.dup(2)
    sys.stderr = os.fdopen(kept, "w", buffering=1, encoding=before.encoding, errors="backslashreplace", closefd=False)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    faulthandler.enable(sys.stderr)

    def put_back() -> None:
        faulthandler.disable()
        sys.stderr.flush()
        os.dup2(kept, 2)
        sys.stderr = before
        os.close(kept)

    undo.callback(put_back)
