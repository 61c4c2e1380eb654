"""Run a command: its exit code, and one line on stderr for an error of the user.

Answers go to stdout, progress and remarks to stderr. Exit code 0: all went well; 1: some photos failed; 2: a usage or
input error; 130: Ctrl-C.
"""

from __future__ import annotations

import errno
import io
import os
import sys
import traceback
from typing import NoReturn

import typer

from whereshot.cli import base
from whereshot.cli.commands import app
from whereshot.foundation import library_caches, library_remarks
from whereshot.foundation.errors import WhereshotError
from whereshot.foundation.output_failures import cannot_write

INTERRUPTED = 130
"""The exit code after Ctrl-C."""


def main() -> NoReturn:
    """Run the command of ``sys.argv`` and exit. An error of the user is one line on stderr and exit code 2."""
    with library_remarks.hidden():
        _run()


def _run() -> NoReturn:
    base.begin()
    library_caches.keep_temporary()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # the name of a file may not be text
    try:
        stopped = _answer()
    except WhereshotError as error:
        _fail(str(error))
    except (typer.Abort, KeyboardInterrupt):  # in some versions of typer, Ctrl-C raises one of these
        _interrupted()
    except BrokenPipeError:
        _reader_left()
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # typer exits with 1, which means that photos failed
            _reader_left()
        raise
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        sys.stdout = None  # its buffered text cannot be written either
        _fail(str(cannot_write(error.filename or "the output", error)))
    except Exception as error:
        show = getattr(error, "format_message", None)  # a usage error of typer
        if show is None:
            raise
        if show().startswith("Usage:"):  # a group of commands without a command shows its help
            print(show(), file=sys.stderr)
            sys.exit(2)
        _fail(show().replace("Value error, ", ""))  # typer quotes pydantic
    if stopped == INTERRUPTED:
        _interrupted()
    sys.exit(stopped or base.exit_code())


def _answer() -> int | None:
    """Run the command and return its exit code. Where it fails, its progress bars end before the error is printed."""
    try:
        # this is also the exit code of help, and of Ctrl-C in some versions of typer
        stopped: int | None = app(standalone_mode=False)
        sys.stdout.flush()
    except Exception as error:
        _end_progress(error)
        raise
    return stopped


def _end_progress(error: BaseException | None) -> None:
    """Close what the frames of a failed command hold: the traceback keeps iterations, and so their bars, alive."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _reader_left() -> NoReturn:
    """Exit with 0 where the reader of stdout has left, as ``| head -1`` does."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)


def _interrupted() -> NoReturn:
    base.say(f"whereshot: {base.interrupted(sys.argv[1:])}")
    sys.exit(INTERRUPTED)


def _fail(message: str) -> NoReturn:
    base.say(f"whereshot: {' '.join(message.split())}")
    sys.exit(2)
