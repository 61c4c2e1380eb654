"""What the commands share: options, one way to say, to print, to refuse and to read records.

Answers go to stdout, progress and remarks to stderr.
"""

from __future__ import annotations

import enum
import json
import math
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from whereshot.foundation import output_files
from whereshot.foundation.errors import InputError, install_command, visible

if TYPE_CHECKING:
    from whereshot.photos.records import Records


class ReportFormat(enum.StrEnum):
    table = "table"
    json = "json"


FormatOption = Annotated[ReportFormat, typer.Option("--format", help="table for people, json for programs.")]
ColumnOption = Annotated[list[str] | None, typer.Option("--column", help="Name a column, as latitude=LAT. Repeatable.")]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="A setting, as key=value. Repeatable.")]
ModelOption = Annotated[str | None, typer.Option("--model", help="A model's name or folder; by default compact.")]


def _present(device: str | None) -> str | None:
    """A device that this machine has: refused here, so that no command and no model takes another one."""
    if device is not None:
        from whereshot.models import runtime

        runtime.check_device(device)
    return device


DeviceOption = Annotated[str | None, typer.Option("--device", help="cpu, cuda, cuda:1, ...", callback=_present)]
IncludeLearnedOption = Annotated[
    bool, typer.Option("--include-learned", help="Count the photos, too, that the model learned from.")
]
TopOption = Annotated[int, typer.Option("--top", min=1, help="How many likely places to list.")]
WithinOption = Annotated[
    float | None, typer.Option("--within", help="Decide to be right within so many km.", show_default=False)
]
LevelOption = Annotated[float, typer.Option("--level", help="What the circle holds.")]
EngineOption = Annotated[
    str, typer.Option("--engine", help=f"local, or spark (in the source folder: {install_command('spark')}).")
]
MasterOption = Annotated[str | None, typer.Option("--master", help="Spark's master, as local[2] or spark://host:7077.")]
TextOption = Annotated[bool, typer.Option("--text/--no-text", help="Read signs in the picture.")]


class _Outcome:
    """Whether the running command had photos that failed, which its exit code tells."""

    some_failed = False
    before: ClassVar[dict[Path, _State]] = {}
    """The outputs of the running command, each with its state before the work."""
    resumes: ClassVar[tuple[Sequence[str], Sequence[str]] | None] = None
    """Options to add, and options to drop once it has begun, to go on with the running command."""


def begin() -> None:
    """Forget what an earlier command in this process left."""
    _Outcome.some_failed, _Outcome.before, _Outcome.resumes = False, {}, None


def watch(path: Path) -> None:
    """Remember an output as it is before the work, to say after Ctrl-C whether it was written."""
    _Outcome.before[path] = _state(path)


def resumable(*, add: Sequence[str] = (), drop: Sequence[str] = ()) -> None:
    """Say that the running command goes on where Ctrl-C stops it.

    ``add`` are options that it needs for that; ``drop`` are options that would start again what has begun.
    """
    _Outcome.resumes = (add, drop)


def interrupted(arguments: Sequence[str]) -> str:
    """What Ctrl-C left, in one line: how to go on, or what was written. ``arguments`` are those of the command."""
    changed = [path for path, before in _Outcome.before.items() if _state(path) != before]
    if _Outcome.resumes is not None:
        add, drop = _Outcome.resumes
        kept = [one for one in arguments if not (changed and one in drop)]
        command = shlex.join(["whereshot", *kept, *(one for one in add if one not in kept)])
        return f"interrupted; what is done is kept; go on with: {command}"
    if changed:
        return f"interrupted; written before that: {', '.join(map(str, changed))}"
    return "interrupted; nothing was written"


_State = tuple[tuple[str, int, int], ...]


def _state(path: Path) -> _State:
    """Name, inode and time of a file, or of what is in a folder; hidden files are temporary and do not count."""
    try:
        with os.scandir(path) as entries:
            found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries if entry.name[0] != "."]
    except NotADirectoryError:
        found = [("", path.stat())]
    except OSError:
        return ()
    return tuple(sorted((name, stat.st_ino, stat.st_mtime_ns) for name, stat in found))


def some_failed() -> None:
    """Exit 1 at the end: not every photo was answered."""
    _Outcome.some_failed = True


def exit_code() -> int:
    """0 when all went well, 1 when some photos failed."""
    return int(_Outcome.some_failed)


def say(text: str) -> None:
    print(visible(text), file=sys.stderr)


def say_unread(inputs: Sequence[Path]) -> None:
    """Name the raw photos and videos that lie in the folders of the inputs: nobody should miss them in silence."""
    if not any(path.is_dir() for path in inputs):
        return
    from whereshot.photos.sources import describe_unread

    unread = describe_unread(inputs)
    if unread is not None:
        say(unread)


def print_json(document: Any) -> None:
    print(json.dumps(finite(document), indent=1, ensure_ascii=False, default=str))


def print_kept(
    document: dict[str, Any], out: Path, rejects: Path, form: ReportFormat, which: str = "rows can be used"
) -> None:
    """How many of a job's rows or pictures were kept, and why the others were not.

    Raises InputError where nothing was.
    """
    if not document["kept"]:
        listed = ", ".join(f"{count} {reason}" for reason, count in document["rejected"].items()) or "there is none"
        raise InputError(f"none of {document['rows']} {which}: {listed}; see {rejects}")
    print_done(document, out, rejects, form, "kept", "rejected")


def print_done(
    document: dict[str, Any], out: Path, rejects: Path, form: ReportFormat, done: str, otherwise: str
) -> None:
    """The same of a job that may leave nothing, in the words for what was done and for what was not."""
    if form is ReportFormat.json:
        print_json(document)
        return
    print(f"{document['kept']} of {document['rows']} {done} in {out} ({document['seconds']:.1f} s)")
    for reason, count in document["rejected"].items():
        print(f"  {otherwise}: {count} {reason}")
    if document["rejected"]:
        print(f"  listed in {rejects}")


def finite(value: Any) -> Any:
    """The document without NaN and infinity, which are no JSON."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(inner) for inner in value]
    return value


def pairs(texts: Sequence[str] | None, option: str) -> dict[str, str]:
    pairs = {}
    for text in texts or ():
        key, sign, value = text.partition("=")
        if not sign or not key or not value:
            raise InputError(f"{option} takes name=value; got {text!r}")
        pairs[key.strip()] = value.strip()
    return pairs


def check_file(path: Path | None) -> None:
    """Fail before the work, not after it, where an output file cannot be written."""
    if path is not None:
        output_files.check_file(path)
        watch(path)


def check_folder(path: Path | None, *, replaced: bool = False) -> None:
    """Fail before the work, not after it, where an output folder cannot be filled, or replaced as a whole."""
    if path is not None:
        output_files.check_folder(path, replaced=replaced)
        watch(path)


def check_records(out: Path) -> None:
    """Fail before the work where records cannot be written: into a folder, or as one .parquet file."""
    check_file(out) if out.suffix == ".parquet" else check_folder(out)


def read_records(path: Path, column: list[str] | None) -> Records:
    """Records as they are, or any table with positions; a table is what --column names columns of."""
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
