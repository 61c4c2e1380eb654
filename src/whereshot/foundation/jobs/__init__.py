"""Run a job on this machine or on Spark: both write the same shards.

ENGINES names every engine; adding one is one file and one line.
"""

from __future__ import annotations

from collections.abc import Callable

from whereshot.foundation.jobs.base import MANIFEST, Shards, Written, shard_path, write_unit
from whereshot.foundation.jobs.engine import (
    DETAIL_COLUMN,
    REASON_COLUMN,
    Engine,
    RowJob,
    TableJob,
    run_unit,
    separated,
    write_table,
)
from whereshot.foundation.jobs.local import Local
from whereshot.foundation.jobs.spark import Spark
from whereshot.foundation.jobs.units import Unit, split

ENGINES: dict[str, Callable[[str | None], Engine]] = {
    "local": lambda master: Local(),
    "spark": lambda master: Spark(master or "local[2]"),
}
"""Engines by name, each made from the address of its master, if one was given."""

__all__ = [
    "DETAIL_COLUMN",
    "ENGINES",
    "MANIFEST",
    "REASON_COLUMN",
    "Engine",
    "RowJob",
    "Shards",
    "TableJob",
    "Unit",
    "Written",
    "run_unit",
    "separated",
    "shard_path",
    "split",
    "write_table",
    "write_unit",
]
