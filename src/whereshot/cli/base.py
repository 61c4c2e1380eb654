"""Shared parts of the commands: options, printing, remarks, checks of outputs, and reading records.

Answers go to stdout, progress and remarks to stderr.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from whereshot.foundation import output_files
from whereshot.foundation.errors import InputError, install_command, visible
from whereshot.foundation.text_direction import isolated
from whereshot.report.answer_formats import ReportFormat, json_text
from whereshot.report.answer_formats import finite as finite

if TYPE_CHECKING:
    from whereshot.photos.records import Records
    from whereshot.photos.unread_files import UnreadFiles


FormatOption = Annotated[ReportFormat, typer.Option("--format", help="table for people, json for programs.")]
ColumnOption = Annotated[
    list[str] | None, typer.Option("--column", help="Column of the table, as latitude=LAT. Repeatable.")
]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="Setting, as key=value. Repeatable.")]
ModelOption = Annotated[str | None, typer.Option("--model", help="Name or folder of a model; by default compact.")]


def _present(device: str | None) -> str | None:
    """Return the device, after checking that this machine has it. Raises InputError."""
    if device is not None:
        from whereshot.models import runtime

        runtime.check_device(device)
    return device


DeviceOption = Annotated[
    str | None, typer.Option("--device", help="Device to compute on: cpu, cuda, cuda:1, ...", callback=_present)
]
IncludeLearnedOption = Annotated[
    bool, typer.Option("--include-learned", help="Also score the photos that the model learned from.")
]
TopOption = Annotated[int, typer.Option("--top", min=1, help="Number of likely places to list.")]
WithinOption = Annotated[
    float | None,
    typer.Option(
        "--within", help="Choose the answer that is most likely right within this distance, in km.", show_default=False
    ),
]
LevelOption = Annotated[float, typer.Option("--level", help="Probability that the circle must hold, 0 to 1.")]
EngineOption = Annotated[
    str,
    typer.Option(
        "--engine", help=f"Where to compute: local, or spark (in the source folder: {install_command('spark')})."
    ),
]
MasterOption = Annotated[
    str | None, typer.Option("--master", help="Address of the Spark master, as local[2] or spark://host:7077.")
]
TextOption = Annotated[bool, typer.Option("--text/--no-text", help="Read signs in the picture.")]
ReaderOption = Annotated[
    str,
    typer.Option("--reader", help="Reader of signs: builtin, or tesseract for more scripts, where it is installed."),
]
UseExifOption = Annotated[
    bool, typer.Option("--use-exif", help="Use the position that the camera recorded, where there is one.")
]
StartAgainOption = Annotated[
    bool, typer.Option("--overwrite", help="Start again, and delete the result of an earlier run.")
]
ReplaceModelOption = Annotated[bool, typer.Option("--overwrite/--no-overwrite", help="Replace an existing model.")]
FeatureWorkersOption = Annotated[int | None, typer.Option(min=1, help="Number of processes that compute features.")]
OutFileOption = Annotated[Path | None, typer.Option("--out", help="File to write the answer to.", show_default=False)]
PhotoArgument = Annotated[Path, typer.Argument(help="Photo.", show_default=False)]


class _Outcome:
    """The state of the running command: failed photos (for its exit code), outputs, and how to resume it."""

    some_failed = False
    before: ClassVar[dict[Path, _State]] = {}
    """Each output of the running command, with its state before the work."""
    resumes: ClassVar[tuple[Sequence[str], Sequence[str]] | None] = None
    """Options to add, and options to leave out, when the user runs the command again to continue."""


def begin() -> None:
    """Reset the state that an earlier command of this process left."""
    _Outcome.some_failed, _Outcome.before, _Outcome.resumes = False, {}, None


def watch(path: Path) -> None:
    """Record the state of an output before the work, to report after Ctrl-C whether it was written."""
    _Outcome.before[path] = _state(path)


def resumable(*, add: Sequence[str] = (), drop: Sequence[str] = ()) -> None:
    """Declare that the running command can continue after Ctrl-C.

    To continue, the user must add the options ``add`` and leave out the options ``drop``, which would start again.
    """
    _Outcome.resumes = (add, drop)


def interrupted(arguments: Sequence[str]) -> str:
    """Return one line for the user after Ctrl-C: how to continue, or what was written.

    ``arguments`` are the arguments of the command.
    """
    changed = [path for path, before in _Outcome.before.items() if _state(path) != before]
    if _Outcome.resumes is not None:
        add, drop = _Outcome.resumes
        kept = [argument for argument in arguments if not (changed and argument in drop)]
        command = shlex.join(["whereshot", *kept, *(option for option in add if option not in kept)])
        return f"interrupted; finished work is kept; to continue, run: {command}"
    if changed:
        return f"interrupted; written before that: {', '.join(map(str, changed))}"
    return "interrupted; nothing was written"


_State = tuple[tuple[str, int, int], ...]


def _state(path: Path) -> _State:
    """Return name, inode and time of a file, or of each file in a folder. Hidden files are temporary and left out."""
    try:
        with os.scandir(path) as entries:
            found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries if entry.name[0] != "."]
    except NotADirectoryError:
        found = [("", path.stat())]
    except OSError:
        return ()
    return tuple(sorted((name, stat.st_ino, stat.st_mtime_ns) for name, stat in found))


def some_failed() -> None:
    """Record that a photo failed, so that the exit code is 1."""
    _Outcome.some_failed = True


def exit_code() -> int:
    """Return 0 when all went well, 1 when some photos failed."""
    return int(_Outcome.some_failed)


def say(text: str) -> None:
    """Print a remark to stderr, with control characters escaped."""
    line = visible(text)
    print(isolated(line) if sys.stderr.isatty() else line, file=sys.stderr)


def say_unread(unread: UnreadFiles) -> None:
    """Report the raw photos and videos that lie beside the pictures, which whereshot cannot read."""
    note = unread.describe()
    if note is not None:
        say(note)


def print_json(document: Any) -> None:
    """Print one JSON document to stdout."""
    print(json_text(document))


def print_words(text: str) -> None:
    """Print text for people to stdout. On a terminal, text from right to left gets marks without width around it."""
    print(isolated(text) if sys.stdout.isatty() else text)


def print_answer(answer: str, out: Path | None, *, is_words: bool = False) -> None:
    """Print an answer to stdout, or write it to the file ``out`` and remark that on stderr.

    ``is_words`` says that the answer is text for people and not a document for programs.
    """
    if out is None:
        print_words(answer) if is_words else print(answer)
    else:
        output_files.write_text(out, answer + "\n")
        say(f"wrote {out}")


def print_kept(
    document: dict[str, Any], out: Path, rejects: Path, form: ReportFormat, which: str = "rows can be used"
) -> None:
    """Print how many rows or pictures a job kept, and why it rejected the others.

    Raises InputError where it kept none.
    """
    if not document["kept"]:
        listed = ", ".join(f"{count} {reason}" for reason, count in document["rejected"].items()) or "there is none"
        raise InputError(f"none of {document['rows']} {which}: {listed}; see {rejects}")
    print_done(document, out, rejects, form, "kept", "rejected")


def print_done(
    document: dict[str, Any], out: Path, rejects: Path, form: ReportFormat, done: str, otherwise: str
) -> None:
    """Print the result of a job that may keep nothing; ``done`` and ``otherwise`` name its two outcomes."""
    if form == "json":
        print_json(document)
        return
    print(f"{document['kept']} of {document['rows']} {done} in {out} ({document['seconds']:.1f} s)")
    for reason, count in document["rejected"].items():
        print(f"  {otherwise}: {count} {reason}")
    if document["rejected"]:
        print(f"  listed in {rejects}")


def pairs(texts: Sequence[str] | None, option: str) -> dict[str, str]:
    """Return the values of a repeatable option NAME=VALUE, by name. Raises InputError for another form."""
    pairs = {}
    for text in texts or ():
        key, sign, value = text.partition("=")
        if not sign or not key or not value:
            raise InputError(f"{option} takes name=value; got {text!r}")
        pairs[key.strip()] = value.strip()
    return pairs


def check_file(path: Path | None, suffix: str = "") -> None:
    """Check before the work that an output file can be written, and that the name of ``--out`` has the suffix, if any.

    Raises InputError and OutputError.
    """
    if path is not None:
        if suffix and path.suffix != suffix:
            raise InputError(f"--out names a {suffix} file; got {path}")
        output_files.check_file(path)
        watch(path)


def check_folder(path: Path | None, *, replaced: bool = False) -> None:
    """Check before the work that an output folder can be filled, or replaced as a whole. Raises OutputError."""
    if path is not None:
        output_files.check_folder(path, replaced=replaced)
        watch(path)


def check_records(out: Path) -> None:
    """Check before the work that records can be written: into a folder, or as one .parquet file. Raises OutputError."""
    check_file(out) if out.suffix == ".parquet" else check_folder(out)


def read_records(path: Path, column: list[str] | None) -> Records:
    """Read Records, or any table with positions, and leave out rows without a position.

    A file is read as a table where ``column`` names its columns, or where it does not end in .parquet.
    """
    from whereshot.foundation import progress
    from whereshot.photos.records import Records
    from whereshot.photos.sources import SOURCES

    if path.is_file() and (column or path.suffix.lower() != ".parquet"):
        ingested = SOURCES["table"]([path], pairs(column, "--column"), progress.silent)
        records, lost = ingested.records, len(ingested.rejects)
    else:
        records = Records.read(path)
        lost = int((~records.has_position).sum())
        records = records[records.has_position]
    if lost:
        say(f"{path}: {lost} of {len(records) + lost} rows have no usable position and are left out")
    return records
