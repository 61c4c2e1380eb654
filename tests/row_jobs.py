"""Row jobs for tests: functions of an importable module, as processes and Spark's workers need them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from whereshot.foundation.errors import InputError
from whereshot.foundation.jobs import Engine, RowJob, Shards, split


def double(batch: pa.RecordBatch, *, factor: int) -> pa.RecordBatch:
    """A job: odd numbers are rejects, the others are multiplied."""
    odd = pc.equal(pc.bit_wise_and(batch["number"], 1), 1)
    columns = {
        "id": batch["number"].cast(pa.string()),
        "number": pc.multiply(batch["number"], factor),
        "taken_at": pc.cast(pc.multiply(batch["number"], 10**6), pa.timestamp("us", tz="UTC")),
        "tags": pa.array([[str(number)] for number in batch["number"].to_pylist()], pa.list_(pa.string())),
        "reject_reason": pc.if_else(odd, "odd", pa.scalar(None, pa.string())),
        "reject_detail": pc.if_else(odd, "an odd number", pa.scalar(None, pa.string())),
    }
    return pa.RecordBatch.from_pydict(columns)


def refuse(batch: pa.RecordBatch) -> pa.RecordBatch:
    raise InputError("no such thing")


def sleep(batch: pa.RecordBatch, *, pids: str) -> pa.RecordBatch:
    """A job that says which process it is in, and never ends."""
    Path(pids, str(os.getpid())).touch()
    time.sleep(600)
    return batch


def run_over_numbers(engine: Engine, job: RowJob, source: Path, out: Path) -> dict[str, bytes]:
    found = split([source], unit_rows=9)
    with Shards(out, job.name, job.settings, [source]) as shards:
        pending = set(shards.pending([unit.name for unit in found]))
        engine.run(job, [unit for unit in found if unit.name in pending], shards)
        summary = shards.summary()
    assert {**summary, "seconds": 0} == {"rows": 100, "kept": 50, "rejected": {"odd": 50}, "seconds": 0}
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*.parquet")}
