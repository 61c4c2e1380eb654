"""Run jobs on a cluster: row jobs through Spark's ``mapInArrow``, table jobs through its SQL.

Units go to the workers as a table. Each worker reads its unit, writes its shards and leaves a mark; the driver counts
the mark in the manifest. Inputs and outputs must be on a disk that all workers see. Needs the extra ``spark``.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from whereshot.foundation import download
from whereshot.foundation.errors import MissingExtraError, WhereshotError, require
from whereshot.foundation.jobs.base import Shards, Written, leave_mark
from whereshot.foundation.jobs.engine import RowJob, TableJob, run_unit, shards_of
from whereshot.foundation.jobs.units import Unit
from whereshot.foundation.progress import Track, silent

POLL_S = 0.2
"""Seconds between two looks for new marks."""

CONNECT_S = 5.0
"""Seconds that a master may take to accept a connection."""

SESSION_S = 20.0
"""Seconds that a master may take for a session, the start of Java included."""

REGISTER_S = 8.0
"""Least seconds that a master may take after Java has started, however long that took."""

_DONE = pa.schema([("unit", pa.string()), ("error", pa.string())])


class Spark:
    """The engine of a cluster."""

    def __init__(self, master: str = "local[2]") -> None:
        """Take the address of the master: "local[2]", two threads of this machine, or spark://HOST:PORT."""
        self.master = master

    def run(self, job: RowJob, pending: Sequence[Unit], shards: Shards, track: Track = silent) -> None:
        """See ``jobs.Engine``."""
        if not pending:
            return
        session = self.session()
        # a worker has another current folder than the driver
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
        """Return the Spark session, a new one or the one of this process.

        Raises MissingExtraError where pyspark or Java is missing, WhereshotError where Spark cannot be started or its
        master does not answer, the latter after SESSION_S.
        """
        deadline = time.monotonic() + SESSION_S
        require("pandas", extra="spark")
        sql = require("pyspark.sql", extra="spark")
        java = Path(os.environ["JAVA_HOME"], "bin", "java") if "JAVA_HOME" in os.environ else "java"
        if shutil.which(java) is None:
            raise MissingExtraError("Spark needs Java 17, and there is no java: install it, or set JAVA_HOME")
        check_master(self.master)
        if self.master.startswith("local"):
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
            os.environ.setdefault("SPARK_LOCAL_DIRS", tempfile.gettempdir())  # Java does not know TMPDIR
        builder = sql.SparkSession.builder.appName("whereshot").master(self.master)
        for key, value in SETTINGS.items():
            builder = builder.config(key, value)
        with explained_start(self.master):
            _start_java()
        waits = self.master.startswith("spark:")  # YARN and Kubernetes may wait for machines
        return start_session(builder, self.master, max(deadline - time.monotonic(), REGISTER_S) if waits else None)


SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}


def check_master(master: str) -> None:
    """Connect once to the master spark://HOST:PORT, or to one of several; Spark itself would try for a minute.

    Commas stand between several addresses. Raises WhereshotError where none of them accepts the connection. Other
    kinds of masters are left to Spark.
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


@contextlib.contextmanager
def explained_start(master: str) -> Iterator[None]:
    """Turn an error of Java or py4j inside the ``with`` block into a WhereshotError of one line."""
    try:
        yield
    except Exception as error:  # they are of many kinds
        raise WhereshotError(f"{master}: Spark cannot be started ({_first_line(error)})") from None


def _start_java() -> None:
    """Start Java, which may take long, so that the patience with the master begins afterwards.

    pyspark has no public function for it. Where a version has another private one, Java starts with the session.
    """
    start = getattr(require("pyspark", extra="spark").SparkContext, "_ensure_initialized", None)
    if callable(start):
        start()


def start_session(builder: Any, master: str, patience_s: float | None) -> Any:
    """Return the session of a builder; wait at most ``patience_s`` seconds, or as long as it takes where it is None.

    A session that starts later is stopped, because it would take resources of the cluster that nobody uses. Raises
    WhereshotError.
    """
    outcome: dict[str, Any] = {}
    ended = threading.Condition()
    is_late = False

    def start() -> None:
        try:
            session, failed = builder.getOrCreate(), None
        except Exception as error:  # of Java and py4j, of many kinds
            session, failed = None, error
        with ended:
            outcome.update(session=session, failed=failed)
            ended.notify()
        if is_late and session is not None:
            session.stop()

    threading.Thread(target=start, daemon=True).start()
    with ended:
        ended.wait_for(lambda: bool(outcome), patience_s)
        is_late = not outcome
    if is_late:
        raise WhereshotError(
            f"{master}: the Spark master did not answer in {patience_s:.0f} s; check that it is a master of Spark 4"
        )
    with explained_start(master):
        if outcome["failed"] is not None:
            raise outcome["failed"]
    return outcome["session"]


def _first_line(error: Exception) -> str:
    """Return the first line of an error of Java, without its stack trace."""
    cause = getattr(error, "java_exception", None)
    text = str(error) if cause is None else str(cause.getMessage())
    return next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)[:200]


def _worker(job: RowJob, folder: str) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return the function that Spark's workers run on batches of units."""

    def work(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for row in batch.to_pylist():
                error = None
                try:
                    leave_mark(folder, run_unit(job, Unit(**row), folder))
                except WhereshotError as refused:  # the traceback of the JVM would hide this line
                    error = str(refused)
                yield pa.RecordBatch.from_pylist([{"unit": row["name"], "error": error}], schema=_DONE)

    return work


def _marks_of(shards: Shards, driver: threading.Thread) -> Iterator[Written]:
    """Yield the units that workers have finished, as they finish them, until the driver ends."""
    ended = False
    while not ended:
        driver.join(POLL_S)
        ended = not driver.is_alive()
        yield from shards.marked()
