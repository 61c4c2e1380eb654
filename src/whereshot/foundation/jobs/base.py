"""Fill a folder with shards, unit by unit, so that a run that was killed can go on.

Each unit of work gives a table of kept rows and a table of rejects. The folder holds:

    part-UNIT.parquet            the kept rows of a unit
    rejects/part-UNIT.parquet    its rejects, where it has some
    _manifest.jsonl              the job's fingerprint, then one line for each unit that is done

A unit is done when its line is in the manifest; its files are on the disk before. If a run is killed after the files
and before the line, the unit is written again under the same names, so no row is there twice. A file is whole or not
there. The manifest grows line by line. A full disk or a kill can leave half a line at its end; it is dropped when the
folder is opened again. So after a full disk, Ctrl-C or ``kill -9`` the same command goes on with the units that are
missing.
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
"""Readers that take the folder as one Parquet table skip names that begin with an underscore."""


@dataclass(frozen=True)
class Written:
    """The result of one unit: the number of kept rows, and of rejected rows for each reason."""

    unit: str
    kept: int
    rejected: Mapping[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Return the number of all rows of the unit."""
        return self.kept + sum(self.rejected.values())


class Shards:
    """A folder of shards that one job fills. Use it in a ``with``: the folder is locked while it is open.

    ``settings`` (JSON values) and ``inputs`` (files, with their sizes and times) make the fingerprint of the job:
    everything that the rows depend on. Opening a folder again continues where the job stopped. If another job has begun
    the folder, this raises OutputError; with ``overwrite`` the old shards are deleted.
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
        """Open or make the folder; see the class. Raises OutputError."""
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
        """Return the units that are not done yet, in their order."""
        return [unit for unit in units if unit not in self.done]

    def write(self, unit: str, kept: pa.Table, rejects: pa.Table) -> Written:
        """Write the rows of a unit and count it as done. Raises OutputError."""
        written = write_unit(self.folder, unit, kept, rejects)
        self.record(written)
        return written

    def record(self, written: Written) -> None:
        """Count a unit as done; ``write_unit`` has written its files, here or in another process."""
        line = {**asdict(written), "seconds": round(self.seconds, 3)}
        self._append(line)
        self.done[written.unit] = written

    @property
    def seconds(self) -> float:
        """Return the wall time in seconds of this run and of the earlier runs of this job."""
        return self._seconds_before + time.monotonic() - self._started

    def summary(self) -> dict[str, Any]:
        """Return {"rows", "kept", "rejected": {reason: count}, "seconds"} of all runs of this job."""
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
        """Release the folder; units that are done stay done."""
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
            raise OutputError(f"{self.folder}: {foreign[0]} is not a shard of a job; choose another --out")
        if not lines and not overwrite and any(self.folder.glob("part-*.parquet")):
            raise OutputError(
                f"{self.folder}: has records of a job that cannot continue; "
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
        """Yield the units that other processes have marked as written since the last call; record each of them."""
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

    With ``failures_stay`` the rejected rows are in ``kept`` as well.
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
    """Mark the shards of a unit as complete, from a process without the manifest; see ``Shards.marked``."""
    place = Path(folder, f".done-{written.unit}.json")
    output_files.write_text(place, json.dumps(asdict(written)))


def shard_path(folder: str | Path, unit: str) -> Path:
    """Return the path of the kept rows of a unit."""
    return Path(folder) / f"part-{unit}.parquet"


def _identity(path: str | Path) -> dict[str, Any]:
    try:
        stat = os.stat(path)
    except OSError:  # an address; where a file is missing, its reader says so
        return {"path": str(path)}
    return {"path": os.path.abspath(path), "bytes": stat.st_size, "modified_ns": stat.st_mtime_ns}


def _complete_lines(manifest: Any) -> list[dict[str, Any]]:
    """Return the complete lines of a manifest; remove half a line at its end, which a power cut left."""
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
    """Describe the first three differences of two fingerprints."""
    if old["job"] != new["job"]:
        return f"it is of {old['job']!r}, this is {new['job']!r}"
    changes = [
        f"{key} was {old['settings'].get(key)!r}, is {new['settings'].get(key)!r}"
        for key in sorted({*old["settings"], *new["settings"]})
        if old["settings"].get(key) != new["settings"].get(key)
    ]
    before = {file["path"]: file for file in old["inputs"]}
    after = {file["path"]: file for file in new["inputs"]}
    changes += [f"input {path} was not there" for path in after if path not in before]
    changes += [f"input {path} is missing" for path in before if path not in after]
    changes += [f"input {path} has changed" for path in after if path in before and before[path] != after[path]]
    changes = changes or ["the inputs are in another order"]
    return "; ".join(changes[:3]) + (f"; {len(changes) - 3} more" if len(changes) > 3 else "")


def _lock(file: Any, folder: Path) -> None:
    """Lock the folder for this process; the lock ends with the process. Raises OutputError."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise OutputError(
            f"{folder}: another whereshot process writes there; wait until it ends, or choose another --out"
        ) from error
