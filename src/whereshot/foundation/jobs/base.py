"""Shards: a folder that is filled unit by unit, survives ``kill -9``, and says what is done.

Tables of kept and rejected rows flow in, one pair for each unit of work; out come Parquet shards and their counts:

    part-UNIT.parquet            the kept rows of a unit
    rejects/part-UNIT.parquet    its rejects, where it has some
    _manifest.jsonl              the job's fingerprint, then one line for each unit that is done

A unit counts once its line stands in the manifest; the files are on the disk by then. A unit whose files were written
and whose line was not is written again under the same names, so no row is ever there twice. A file is whole or not
there. The manifest grows line by line, and half a line at its end, of a full disk or a kill, is dropped when the folder
is opened again. So after a full disk, Ctrl-C or ``kill -9`` the same command goes on with the units that are missing.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from whereshot.foundation import output_files
from whereshot.foundation.errors import OutputError
from whereshot.foundation.output_failures import explained
from whereshot.foundation.tables import REJECTS, count_reasons, write_parquet

MANIFEST = "_manifest.jsonl"
"""The underscore hides it from whoever reads the folder as one Parquet table."""


@dataclass(frozen=True)
class Written:
    """What became of one unit: how many rows were kept, and how many each reason rejected."""

    unit: str
    kept: int
    rejected: Mapping[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return self.kept + sum(self.rejected.values())


class Shards:
    """A folder of shards that one job fills; to be used in a ``with``, for it is locked while it is open.

    ``settings`` (JSON values) and ``inputs`` (files, with their sizes and times) make the fingerprint of the job:
    everything that the rows depend on. Opening a folder again goes on where the job stopped; raises OutputError where
    another job has begun it, unless ``overwrite`` is given, which drops what is there.
    """

    def __init__(
        self,
        folder: str | Path,
        job: str,
        settings: Mapping[str, Any],
        inputs: Sequence[str | Path] = (),
        *,
        overwrite: bool = False,
    ) -> None:
        self.folder = Path(folder)
        self.done: dict[str, Written] = {}
        self._started = time.monotonic()
        self._seconds_before = 0.0
        if self.folder.exists() and not self.folder.is_dir():
            raise OutputError(f"{self.folder}: a file is in the way; name a folder")
        fingerprint = {"job": job, "settings": dict(settings), "inputs": [_identity(path) for path in inputs]}
        fingerprint = json.loads(json.dumps(fingerprint))  # tuples become lists, as they will be when read again
        output_files.make_folder(self.folder)
        with explained(self.folder):
            self._manifest = open(self.folder / MANIFEST, "a+b")  # noqa: SIM115
        try:
            _lock(self._manifest, self.folder)
            self._open(fingerprint, overwrite)
        except BaseException:
            self._manifest.close()
            raise

    def pending(self, units: Iterable[str]) -> list[str]:
        """The units that are not done yet, in their order."""
        return [unit for unit in units if unit not in self.done]

    def write(self, unit: str, kept: pa.Table, rejects: pa.Table) -> Written:
        """Write a unit's rows and count it as done; raises OutputError where it cannot be written."""
        written = write_unit(self.folder, unit, kept, rejects)
        self.record(written)
        return written

    def record(self, written: Written) -> None:
        """Count a unit as done whose files ``write_unit`` has written, here or in another process."""
        line = {**asdict(written), "seconds": round(self.seconds, 3)}
        self._append(line)
        self.done[written.unit] = written

    @property
    def seconds(self) -> float:
        """Wall time of this run and of those that it goes on from."""
        return self._seconds_before + time.monotonic() - self._started

    def summary(self) -> dict[str, Any]:
        """{"rows", "kept", "rejected": {reason: count}, "seconds"} of everything done so far, in all runs."""
        rejected: Counter[str] = Counter()
        for written in self.done.values():
            rejected.update(written.rejected)
        return {
            "rows": sum(written.rows for written in self.done.values()),
            "kept": sum(written.kept for written in self.done.values()),
            "rejected": dict(sorted(rejected.items(), key=lambda item: (-item[1], item[0]))),
            "seconds": round(self.seconds, 3),
        }

    def close(self) -> None:
        """Let the folder go; what is done stays done."""
        self._manifest.close()

    def __enter__(self) -> Shards:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self, fingerprint: dict[str, Any], overwrite: bool) -> None:
        lines = _complete_lines(self._manifest)
        if lines and not overwrite and lines[0] != fingerprint:
            raise OutputError(
                f"{self.folder}: begun by another job ({_difference(lines[0], fingerprint)}); "
                "choose another --out, or start again with --overwrite"
            )
        foreign = [path.name for path in self.folder.glob("*.parquet") if not path.name.startswith("part-")]
        if foreign:
            raise OutputError(f"{self.folder}: {foreign[0]} is there, which is no shard of a job; choose another --out")
        if not lines and not overwrite and any(self.folder.glob("part-*.parquet")):
            raise OutputError(
                f"{self.folder}: holds records that no resumable job has written; "
                "choose another --out, or replace them with --overwrite"
            )
        if overwrite:
            for stale in [*self.folder.glob("part-*.parquet"), *self.folder.glob("rejects/part-*.parquet")]:
                stale.unlink()
        if overwrite:
            for mark in self.folder.glob(".done-*"):
                mark.unlink()
        left = [found for name in (".part-*", "rejects/.part-*", ".done-*.partial") for found in self.folder.glob(name)]
        for beside in left:  # of a run that was killed
            beside.unlink(missing_ok=True)
        if overwrite or not lines:
            self._manifest.truncate(0)
            self._append(fingerprint)
            return
        for line in lines[1:]:
            self._seconds_before = line.pop("seconds")
            self.done[line["unit"]] = Written(**line)
        for written in self.marked():
            self.record(written)

    def marked(self) -> Iterator[Written]:
        """The units that other processes have marked as written since the last call, each to be recorded."""
        for mark in sorted(self.folder.glob(".done-*.json")):
            yield Written(**json.loads(mark.read_text("utf-8")))
            mark.unlink()  # the manifest has its line by now

    def _append(self, line: Mapping[str, Any]) -> None:
        with explained(self.folder / MANIFEST):
            self._manifest.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            self._manifest.flush()
            os.fsync(self._manifest.fileno())


def write_unit(
    folder: str | Path, unit: str, kept: pa.Table, rejects: pa.Table, *, failures_stay: bool = False
) -> Written:
    """Write the shards of one unit, so that they are on the disk when this returns; ``Shards.record`` counts them.

    ``failures_stay`` says that ``kept`` has the rejected rows, too.
    """
    shard = shard_path(folder, unit)
    rejected = shard.parent / "rejects" / shard.name
    if len(rejects):
        output_files.make_folder(rejected.parent)
        write_parquet(rejects.select(REJECTS.names).cast(REJECTS), rejected)
    else:
        rejected.unlink(missing_ok=True)  # of an attempt that was killed
    write_parquet(kept, shard)
    count = len(kept) - (len(rejects) if failures_stay else 0)
    return Written(unit, count, count_reasons(rejects) if len(rejects) else {})


def leave_mark(folder: str | Path, written: Written) -> None:
    """Say, from a machine that does not keep the manifest, that a unit's shards are whole; see ``Shards.marked``."""
    place = Path(folder, f".done-{written.unit}.json")
    output_files.write_text(place, json.dumps(asdict(written)))


def shard_path(folder: str | Path, unit: str) -> Path:
    """Where the kept rows of a unit are."""
    return Path(folder) / f"part-{unit}.parquet"


def _identity(path: str | Path) -> dict[str, Any]:
    try:
        stat = os.stat(path)
    except OSError:  # an address, or a file that the reader will miss
        return {"path": str(path)}
    return {"path": os.path.abspath(path), "bytes": stat.st_size, "modified_ns": stat.st_mtime_ns}


def _complete_lines(manifest: Any) -> list[dict[str, Any]]:
    """The lines as they were written; half a line at the end, of a power cut, is dropped from the file."""
    manifest.seek(0)
    lines, end = [], 0
    for text in manifest:
        try:
            line = json.loads(text)
        except ValueError:
            break
        if not text.endswith(b"\n"):
            break
        lines.append(line)
        end += len(text)
    manifest.truncate(end)
    return lines


def _difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """The first few things in which two fingerprints differ, in words."""
    if old["job"] != new["job"]:
        return f"it is of {old['job']!r}, this is {new['job']!r}"
    told = [
        f"{key} was {old['settings'].get(key)!r}, is {new['settings'].get(key)!r}"
        for key in sorted({*old["settings"], *new["settings"]})
        if old["settings"].get(key) != new["settings"].get(key)
    ]
    before = {one["path"]: one for one in old["inputs"]}
    after = {one["path"]: one for one in new["inputs"]}
    told += [f"input {path} was not there" for path in after if path not in before]
    told += [f"input {path} is missing" for path in before if path not in after]
    told += [f"input {path} has changed" for path in after if path in before and before[path] != after[path]]
    told = told or ["the inputs are in another order"]
    return "; ".join(told[:3]) + (f"; {len(told) - 3} more" if len(told) > 3 else "")


def _lock(file: Any, folder: Path) -> None:
    """Only one job at a time; the lock goes with the process, however it ends."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise OutputError(
            f"{folder}: another whereshot is at work there; wait for it or choose another --out"
        ) from error
