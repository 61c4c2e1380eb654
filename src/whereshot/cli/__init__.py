"""The command line: one command per stage, no logic of its own.

Answers go to stdout, progress and remarks to stderr. Exit 0 when all went well, 1 when some photos failed, 2 on a
usage or input error, which is one line.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Annotated, NoReturn

import typer

from whereshot.cli import (
    base,
    batch,
    cells,
    curate,
    evaluate,
    explain,
    hours,
    learn,
    locate,
    models,
    pictures,
    query,
    records,
    refine,
    serve,
    train,
)
from whereshot.foundation import quiet
from whereshot.foundation.errors import WhereshotError, visible
from whereshot.foundation.output_failures import cannot_write
from whereshot.foundation.own_stderr import own_stderr
from whereshot.foundation.version import VERSION

INTERRUPTED = 130
"""The exit code after Ctrl-C."""

app = typer.Typer(
    name="whereshot",
    help="Tells where a photo was taken, with an honest probability map.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    """Print the version and end, where --version was given."""
    if wanted:
        print(f"whereshot {VERSION}")
        raise typer.Exit


@app.callback()
def everywhere(
    offline: Annotated[bool, typer.Option("--offline", help="Use no network, as WHERESHOT_OFFLINE=1 says.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """What is asked of every command."""
    if offline:
        from whereshot.foundation import download  # with all of Python's HTTP, which others do not need

        download.forbid()


app.command()(locate.locate)
app.command()(locate.check)
app.command()(explain.explain)
app.command()(query.query)
app.command()(batch.batch)
app.command()(serve.serve)
app.command()(serve.gallery)
app.command()(records.ingest)
app.command()(curate.curate)
app.command()(curate.audit)
app.command()(pictures.fetch)
app.command()(pictures.pack)
app.add_typer(cells.app, name="cells")
app.add_typer(hours.app, name="hours")
app.add_typer(refine.app, name="refine")
app.command()(train.train)
app.command()(learn.learn)
app.command()(learn.export)
app.command()(evaluate.evaluate)
app.command()(evaluate.calibrate)
app.add_typer(models.app, name="models")


def main() -> NoReturn:
    """Run a command; an error of the user's becomes one line on stderr and exit 2."""
    with own_stderr():
        _run()


def _run() -> NoReturn:
    base.begin()
    quiet.ignore_warnings()
    quiet.keep_caches_temporary()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may be no text
    try:
        stopped = app(standalone_mode=False)  # the exit code of help (0) and, in some versions of typer, of Ctrl-C
        sys.stdout.flush()
    except WhereshotError as error:
        _fail(str(error))
    except (typer.Abort, KeyboardInterrupt):  # versions of typer make either of Ctrl-C
        _interrupted()
    except BrokenPipeError:
        _reader_left()
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # typer makes of it exit 1, which is for failed photos
            _reader_left()
        raise
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        sys.stdout = None  # what it still holds cannot be written either
        _fail(str(cannot_write(error.filename or "the output", error)))
    except Exception as error:
        show = getattr(error, "format_message", None)  # typer's own usage errors
        if show is None:
            raise
        if show().startswith("Usage:"):  # a group of commands without a command: its help
            print(show(), file=sys.stderr)
            sys.exit(2)
        _fail(show())
    if stopped == INTERRUPTED:
        _interrupted()
    sys.exit(stopped or base.exit_code())


def _reader_left() -> NoReturn:
    """As with ``| head -1``: there is nothing to complain about."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)


def _interrupted() -> NoReturn:
    base.say(f"whereshot: {base.interrupted(sys.argv[1:])}")
    sys.exit(INTERRUPTED)


def _fail(message: str) -> NoReturn:
    print("whereshot: " + visible(" ".join(message.split())), file=sys.stderr)
    sys.exit(2)
