"""The engine of a cluster: the same function through Spark's ``mapInArrow``, the same SQL through Spark.

Units go to the workers as a table; each worker reads its unit, writes its shards and leaves a mark, which the driver
counts in the manifest. So inputs and outputs must be on a disk that all workers see. Needs the extra ``spark``.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from whereshot.foundation import download
from whereshot.foundation.errors import MissingExtraError, WhereshotError, require
from whereshot.foundation.jobs.base import Shards, Written, leave_mark
from whereshot.foundation.jobs.jobs import RowJob, TableJob, run_unit, shards_of
from whereshot.foundation.jobs.units import Unit
from whereshot.foundation.progress import Track, silent

POLL_S = 0.2
CONNECT_S = 5.0
"""How long a master may take to accept a connection."""
REGISTER_S = 8.0
"""How long a master may take to know a session, once Java has started."""
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
        """The session, started or found.

        Raises MissingExtraError where pyspark or Java is missing, WhereshotError where Spark cannot be started or its
        master cannot be reached, the latter within 20 s.
        """
        require("pandas", extra="spark")
        sql = require("pyspark.sql", extra="spark")
        java = Path(os.environ["JAVA_HOME"], "bin", "java") if "JAVA_HOME" in os.environ else "java"
        if shutil.which(java) is None:
            raise MissingExtraError("Spark needs Java 17, and there is no java: install it, or set JAVA_HOME")
        check_master(self.master)
        if self.master.startswith("local"):
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        builder = sql.SparkSession.builder.appName("whereshot").master(self.master)
        for key, value in SETTINGS.items():
            builder = builder.config(key, value)
        return _started(builder, self.master)


SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}


def check_master(master: str) -> None:
    """Connect once to a master of spark://HOST:PORT, several divided by commas: Spark itself would try for a minute.

    Raises WhereshotError where none of them takes the connection. Other kinds of masters are left to Spark.
    """
    scheme, _, rest = master.partition("://")
    if scheme != "spark":
        return
    why = "no address"
    for address in rest.split(","):
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise WhereshotError(f"--master is local[2] or spark://HOST:PORT; got {master!r}")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S).close()
            return
        except OSError as error:
            why = download.why_no_answer(error, CONNECT_S)
    raise WhereshotError(f"{master}: no Spark master can be reached there ({why}); start it, or correct --master")


def _started(builder: Any, master: str) -> Any:
    """The session of a builder, or one line that says why there is none."""
    outcome: dict[str, Any] = {}

    def start() -> None:
        try:
            outcome["session"] = builder.getOrCreate()
        except Exception as error:  # Java's and py4j's are of many kinds
            outcome["failed"] = error

    require("pyspark", extra="spark").SparkContext._ensure_initialized()  # Java starts, which may take long
    starter = threading.Thread(target=start, daemon=True)
    starter.start()
    starter.join(REGISTER_S if master.startswith("spark:") else None)  # YARN and Kubernetes may wait for machines
    if "session" in outcome:
        return outcome["session"]
    if "failed" in outcome:
        raise WhereshotError(f"{master}: Spark cannot be started ({_first_line(outcome['failed'])})") from None
    raise WhereshotError(f"{master}: the Spark master did not answer in {REGISTER_S:g} s; is it one, of Spark 4?")


def _first_line(error: Exception) -> str:
    """What went wrong in Java, without the stack."""
    cause = getattr(error, "java_exception", None)
    text = str(error) if cause is None else str(cause.getMessage())
    return next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)[:200]


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
