"""Spark: it ends with the same shards as this machine, and every failure is one line."""

from __future__ import annotations

import bz2
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import row_jobs
from row_jobs import double, refuse, run_over_numbers
from waiting import PATIENCE_S
from whereshot.foundation.errors import MissingExtraError, WhereshotError
from whereshot.foundation.jobs import (
    ENGINES,
    Engine,
    RowJob,
    Shards,
    TableJob,
    split,
)
from whereshot.foundation.jobs.local import Local
from whereshot.foundation.jobs.spark import Spark, check_master, start_session
from whereshot.photos.records import Records


@pytest.fixture(scope="module")
def spark() -> Iterator[Engine]:
    pytest.importorskip("pyspark", reason="needs pyspark (extra spark)")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("needs Java 17")
    engine = ENGINES["spark"]("local[2]")
    assert isinstance(engine, Spark)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(
            "PYTHONPATH", os.pathsep.join([str(Path(row_jobs.__file__).parent), os.environ.get("PYTHONPATH", "")])
        )
        patch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")  # it starts sooner
        yield engine
        engine.session().stop()


def test_a_master_that_is_not_there_is_one_line_at_once() -> None:
    """Spark itself tries three times for 20 s, and ends in a traceback of Java."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"spark://127.0.0.1:{taken.getsockname()[1]}"
        check_master(nobody)  # somebody takes the connection
    for master in (nobody, f"{nobody},{nobody.removeprefix('spark://')}"):
        with pytest.raises(WhereshotError) as caught:
            check_master(master)
        refused = "(Connection refused); start it, or correct --master"
        assert str(caught.value) == f"{master}: no Spark master can be reached there {refused}"


@pytest.mark.parametrize("master", ["spark://", "spark://host", "spark://host:port", "spark://host:0", "spark://:7077"])
def test_a_master_that_is_no_address_is_named(master: str) -> None:
    with pytest.raises(WhereshotError) as caught:
        check_master(master)
    assert str(caught.value) == f"--master is local[2] or spark://HOST:PORT; got {master!r}"


SESSION = """
import sys
from whereshot.foundation.jobs import ENGINES, spark
spark.SESSION_S = spark.REGISTER_S = 1.0  # a master that is deaf for a second stays deaf
from whereshot.foundation.errors import WhereshotError
try:
    ENGINES["spark"](sys.argv[1]).session()
except WhereshotError as error:
    print(error)
"""


def start_in_a_process(master: str) -> str:
    """Start a session in a process of its own, as Java holds one session; return what it prints."""
    command = [sys.executable, "-c", SESSION, master]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S).stdout


@pytest.mark.slow
def test_a_master_that_does_not_answer_is_one_line(spark: Engine) -> None:
    """``test_a_session_that_comes_too_late_is_stopped`` has the same error without Java."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes the connection and knows nothing of Spark
        master = f"spark://127.0.0.1:{deaf.getsockname()[1]}"
        text = "the Spark master did not answer in 1 s; check that it is a master of Spark 4"
        assert start_in_a_process(master) == f"{master}: {text}\n"


@pytest.mark.slow
def test_a_session_that_cannot_begin_is_one_line_in_spark(spark: Engine) -> None:
    """``test_a_session_that_cannot_begin_is_one_line`` has the same error without Java."""
    text = "Spark cannot be started (Could not parse Master URL: 'nonsense')"
    assert start_in_a_process("nonsense") == f"nonsense: {text}\n"


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    pq.write_table(pa.table({"number": list(range(100))}), tmp_path / "numbers.parquet")
    return tmp_path / "numbers.parquet"


def test_engines_end_with_the_same_shards(numbers: Path, tmp_path: Path, spark: Engine) -> None:
    job = RowJob("double", double, {"factor": 2})
    expected = run_over_numbers(Local(1), job, numbers, tmp_path / "one")
    assert len(expected) == 24
    assert run_over_numbers(spark, job, numbers, tmp_path / "spark") == expected

    # half of it here, the rest there
    for name in list(expected)[::2]:
        (tmp_path / "spark" / name).unlink(missing_ok=True)
    manifest = tmp_path / "spark" / "_manifest.jsonl"
    lines = manifest.read_text().splitlines()
    kept = [row for row in lines[1:] if (tmp_path / "spark" / f"part-{json.loads(row)['unit']}.parquet").exists()]
    manifest.write_text("\n".join([lines[0], *kept]) + "\n")
    assert run_over_numbers(spark, job, numbers, tmp_path / "spark") == expected

    sql = "SELECT id, number, taken_at FROM doubled WHERE number > 20 ORDER BY number"
    counted = "SELECT number % 8 AS rest, count(*) AS copies FROM doubled GROUP BY number % 8 ORDER BY rest"
    for query in (sql, counted):
        job_ = TableJob("query", query, {"doubled": tmp_path / "one"})
        here, there = Local(1).query(job_), spark.query(job_)
        assert there.cast(here.schema).equals(here)
        assert here.schema.types == there.schema.types
        assert len(here) in (44, 2)


def test_a_dump_is_the_same_on_both_engines(tmp_path: Path, spark: Engine) -> None:
    """URL-encoded texts, times, lists of tags, keys and rejects, to the byte."""
    from whereshot.photos.sources import JOBS

    odd = ["caf%C3%A9+noir,%E9,100%", "", "a%2Cb,%zz", "日本,tokyo+tower", "%", "+", "%F0%9F%98%80", "x" * 300]
    taken = ["2010-04-16 11:00:49.0", "0000-00-00 00:00:00.0", "2011-02-30 10:00:00.0", ""]
    rows = [
        f"{number}\t1@N00\tn\t{taken[number % 4]}\t{number * 10**6}\tc+1\t{odd[number % 8]}\td\t{odd[number % 7]}\t\t"
        f"{number % 400 - 200}\t{number % 93}.25\t{number % 17}\tp\thttp://x/{number}.jpg\tl\tu\t1\t1\ts\to\tjpg\t0"
        for number in range(1, 2000)
    ]
    source = tmp_path / "dump.tsv.bz2"
    source.write_bytes(bz2.compress("\n".join([*rows, "cut short", rows[0][:40]]).encode(), 1))
    found, made = split([source], unit_bytes=20_000), []
    assert len(found) > 4
    for name, engine in (("here", Local(1)), ("spark", spark)):
        with Shards(tmp_path / name, "ingest", {}) as shards:
            engine.run(JOBS["yfcc"], found, shards)
            assert shards.summary()["rows"] == 2001
        files = sorted((tmp_path / name).rglob("*.parquet"))
        made.append({path.relative_to(tmp_path / name): path.read_bytes() for path in files})
    assert made[0] == made[1]
    assert len(Records.read(tmp_path / "here")) > 1000


def test_an_error_in_a_worker_is_one_line(numbers: Path, tmp_path: Path, spark: Engine) -> None:
    with Shards(tmp_path / "out", "refuse", {}) as shards, pytest.raises(WhereshotError) as caught:
        spark.run(RowJob("refuse", refuse), split([numbers], unit_rows=50), shards)
    assert str(caught.value) == "no such thing"


def test_spark_without_java(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark", reason="needs pyspark (extra spark)")
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    with pytest.raises(MissingExtraError, match="Spark needs Java 17, and there is no java: install it"):
        Spark().session()


class Session:
    """What a builder of Spark makes."""

    def __init__(self) -> None:
        self.stopped = threading.Event()

    def stop(self) -> None:
        self.stopped.set()


class Builder:
    """A builder of Spark whose master answers when the test lets it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.answers, self.session, self.error = threading.Event(), Session(), error

    def getOrCreate(self) -> Session:  # noqa: N802  # the name in pyspark
        self.answers.wait(PATIENCE_S)
        if self.error is not None:
            raise self.error
        return self.session


def test_a_session_in_time_stays() -> None:
    builder = Builder()
    builder.answers.set()
    assert start_session(builder, "spark://host:7077", 60.0) is builder.session
    assert start_session(builder, "yarn", None) is builder.session
    assert not builder.session.stopped.is_set()


def test_a_session_that_comes_too_late_is_stopped() -> None:
    """Nobody waits for it any more, and it would hold its cores of the cluster."""
    builder = Builder()
    with pytest.raises(WhereshotError) as caught:  # the builder would answer in the end
        start_session(builder, "spark://host:7077", 0.01)
    assert str(caught.value) == (
        "spark://host:7077: the Spark master did not answer in 0 s; check that it is a master of Spark 4"
    )
    builder.answers.set()
    assert builder.session.stopped.wait(PATIENCE_S)


def test_a_session_that_cannot_begin_is_one_line() -> None:
    builder = Builder(RuntimeError("\nCould not parse Master URL: 'x'\n\tat org.apache.spark"))
    builder.answers.set()
    with pytest.raises(WhereshotError) as caught:
        start_session(builder, "x", 60.0)
    assert str(caught.value) == "x: Spark cannot be started (Could not parse Master URL: 'x')"
