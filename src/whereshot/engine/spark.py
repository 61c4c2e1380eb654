"""The engine of a cluster: the same function through Spark's ``mapInArrow``, the same SQL through Spark.

Units go to the workers as a table; each worker reads its unit, writes its shards and leaves a mark, which the driver
counts in the manifest. So inputs and outputs must be on a disk that all workers see. Needs the extra ``spark``.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from whereshot.engine.base import Shards, Written, leave_mark
from whereshot.engine.jobs import RowJob, TableJob, run_unit, shards_of
from whereshot.engine.units import Unit
from whereshot.errors import MissingExtraError, WhereshotError, require
from whereshot.progress import Track, silent

POLL_S = 0.2
_DONE = pa.schema([("unit", pa.string()), ("error", pa.string())])


class Spark:
    """A session on ``master``: "local[2]" or the address of a cluster."""

    def __init__(self, master: str = "local[2]") -> None:
        self.master = master

    def run(self, job: RowJob, pending: Sequence[Unit], shards: Shards, track: Track = silent) -> None:
        """See ``jobs.Engine``."""
        if not pending:
            return
        session = self.session()
        # a worker's folder is not that of the driver
        table = pa.Table.from_pylist([asdict(unit) | {"path": os.path.abspath(unit.path)} for unit in pending])
        work = _worker(job, str(shards.folder.absolute()))
        done = session.createDataFrame(table).mapInArrow(work, "unit string, error string")
        outcome: dict[str, Any] = {}

        def collect() -> None:
            try:
                outcome["rows"] = done.collect()
            except Exception as error:
                outcome["failed"] = error

        driver = threading.Thread(target=collect, daemon=True)
        driver.start()
        for written in track(_marks_of(shards, driver), total=len(pending), what=job.name):
            shards.record(written)
        if "failed" in outcome:
            raise outcome["failed"]
        for row in outcome["rows"]:
            if row["error"]:
                raise WhereshotError(row["error"])

    def query(self, job: TableJob) -> pa.Table:
        """See ``jobs.Engine``."""
        session = self.session()
        for name, folder in job.tables.items():
            paths = [Path(path).absolute().as_uri() for path in shards_of(folder)]
            session.read.option("mergeSchema", "true").parquet(*paths).createOrReplaceTempView(name)
        return session.sql(job.sql).toArrow()

    def session(self) -> Any:
        """The session, started or found. Raises MissingExtraError where pyspark or Java is missing."""
        require("pandas", extra="spark")
        sql = require("pyspark.sql", extra="spark")
        java = Path(os.environ["JAVA_HOME"], "bin", "java") if "JAVA_HOME" in os.environ else "java"
        if shutil.which(java) is None:
            raise MissingExtraError("Spark needs Java 17, and there is no java: install it, or set JAVA_HOME")
        if self.master.startswith("local"):
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        builder = sql.SparkSession.builder.appName("whereshot").master(self.master)
        for key, value in SETTINGS.items():
            builder = builder.config(key, value)
        return builder.getOrCreate()


SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}


def _worker(job: RowJob, folder: str) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """The function that Spark's workers run on batches of units."""

    def work(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for row in batch.to_pylist():
                error = None
                try:
                    leave_mark(folder, run_unit(job, Unit(**row), folder))
                except WhereshotError as refused:  # a traceback through the JVM would bury its one line
                    error = str(refused)
                yield pa.RecordBatch.from_pylist([{"unit": row["name"], "error": error}], schema=_DONE)

    return work


def _marks_of(shards: Shards, driver: threading.Thread) -> Iterator[Written]:
    """The units that workers have done, as they do them, until the driver ends."""
    ended = False
    while not ended:
        driver.join(POLL_S)
        ended = not driver.is_alive()
        yield from shards.marked()
