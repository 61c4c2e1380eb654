"""Run jobs on this machine: row jobs in threads or processes, table jobs in DuckDB."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial

import pyarrow as pa

from whereshot.foundation.jobs.base import Shards, Written
from whereshot.foundation.jobs.engine import RowJob, TableJob, run_unit, shards_of
from whereshot.foundation.jobs.units import Unit
from whereshot.foundation.processes import cores, spread
from whereshot.foundation.progress import Track, silent

NO_DOWNLOADS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
"""Settings of DuckDB; without them it fetches an extension that a query needs into the home folder."""


class Local:
    """The engine of this machine."""

    def __init__(self, workers: int | None = None) -> None:
        """Take the number of units that run at a time; the default is one for each core."""
        self.workers = workers or cores()

    def run(self, job: RowJob, pending: Sequence[Unit], shards: Shards, track: Track = silent) -> None:
        """See ``jobs.Engine``."""
        for written in track(self._written(job, pending, shards), total=len(pending), what=job.name):
            shards.record(written)

    def _written(self, job: RowJob, pending: Sequence[Unit], shards: Shards) -> Iterator[Written]:
        work = partial(_work, job, str(shards.folder))
        workers = min(self.workers, len(pending))
        if workers <= 1:
            yield from map(work, pending)
        elif job.threads:
            with ThreadPoolExecutor(workers) as pool:
                running = [pool.submit(work, unit) for unit in pending]
                try:
                    for done in as_completed(running):  # a slow unit does not delay the record of others
                        yield done.result()
                finally:
                    for future in running:
                        future.cancel()
        else:
            yield from spread(pending, _start, (), work, workers)

    def query(self, job: TableJob) -> pa.Table:
        """See ``jobs.Engine``."""
        import duckdb

        with duckdb.connect(config=NO_DOWNLOADS) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"SET threads = {self.workers}")
            for name, folder in job.tables.items():
                connection.read_parquet(shards_of(folder), union_by_name=True).create_view(name)
            return connection.sql(job.sql).to_arrow_table()


def _work(job: RowJob, folder: str, unit: Unit) -> Written:
    return run_unit(job, unit, folder)


def _start() -> None:
    """Worker processes need no preparation."""
