"""Read the photos of a source into Records: unit by unit on an engine, by a source that collects them itself, or all at
once.

Each way writes ``out`` and its rejects, and returns {"rows", "kept", "rejected": {reason: count}, "seconds"}.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whereshot.foundation.errors import InputError, nearest_name
from whereshot.foundation.jobs import ENGINES, MANIFEST, Shards, split
from whereshot.foundation.progress import Track, silent
from whereshot.foundation.tables import count_reasons, write_rejects
from whereshot.photos.sources import COLLECTORS, JOBS, SOURCES, Order, picture_exists
from whereshot.photos.sources.row_conditions import choose, parse, selected

Say = Callable[[str], None]
"""Takes a remark for the user."""


def _quiet(_: str) -> None:
    """Drop a remark."""


@dataclass(frozen=True)
class Units:
    """How a source is read unit by unit: the engine, its master, the size of a unit, and whether to start again."""

    engine: str = "local"
    master: str | None = None
    unit_mb: float = 64.0
    """Megabytes of text in one unit."""
    overwrite: bool = False


def by_units(
    source: str,
    inputs: Sequence[Path],
    out: Path,
    units: Units,
    *,
    check: str | None = None,
    where: Sequence[str] = (),
    say: Say = _quiet,
    track: Track = silent,
) -> dict[str, Any]:
    """Read a source of ``JOBS`` unit by unit into a folder, and continue an earlier run of the same job.

    ``check`` is the place of the pictures that must exist; ``where`` are conditions on rows. Raises InputError for an
    unknown engine or a wrong size, OutputError where the folder holds another job.
    """
    if units.engine not in ENGINES:
        raise InputError(f"no engine {units.engine!r}; {nearest_name(units.engine, ENGINES)}")
    if units.unit_mb <= 0:
        raise InputError(f"--unit-mb must be more than 0; got {units.unit_mb:g}")
    job = selected(JOBS[source], where)
    job = job if check is None else picture_exists.checked(job, check)
    parts = split(inputs, unit_bytes=int(units.unit_mb * 1024**2))
    settings = {**job.settings, "unit_mb": units.unit_mb}
    with Shards(out, job.name, settings, inputs, overwrite=units.overwrite) as shards:
        pending = set(shards.pending([unit.name for unit in parts]))
        if shards.done:
            say(f"{out}: {len(shards.done)} of {len(parts)} units are done; continuing")
        left = [unit for unit in parts if unit.name in pending]
        if left:
            ENGINES[units.engine](units.master).run(job, left, shards, track)
        return shards.summary()


def collect(source: str, order: Order) -> dict[str, Any]:
    """Run a source of ``COLLECTORS``, which fills its folder itself, and continue an earlier run.

    Raises InputError where ``order.out`` is not a folder.
    """
    if order.out.suffix == ".parquet":
        raise InputError(f"{order.out}: {source} fills a folder; name one without .parquet")
    collected = COLLECTORS[source](order)
    for note in collected.notes:
        order.notify(note)
    return collected.summary


def at_once(
    source: str,
    inputs: Sequence[Path],
    out: Path,
    columns: Mapping[str, str],
    *,
    where: Sequence[str] = (),
    say: Say = _quiet,
    track: Track = silent,
) -> dict[str, Any]:
    """Read all rows of a source of ``SOURCES`` into memory, and replace the output as a whole or not at all.

    ``columns`` names the columns of a table. Raises InputError where ``out`` holds a job that can continue.
    """
    started = time.perf_counter()
    if (out / MANIFEST).exists():
        raise InputError(f"{out}: holds the shards of a job that can continue; name another --out, or remove it")
    conditions = parse(where)
    ingested = choose(SOURCES[source](inputs, columns, track), conditions)
    write_rejects(ingested.rejects, out)
    for note in ingested.notes:
        say(note)
    if len(ingested.records):
        ingested.records.write(out)
    return {
        "rows": ingested.rows,
        "kept": len(ingested.records),
        "rejected": count_reasons(ingested.rejects),
        "seconds": round(time.perf_counter() - started, 3),
    }
