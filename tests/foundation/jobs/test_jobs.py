"""Engines: what is done stays done, nothing is there twice, both engines end with the same bytes."""

from __future__ import annotations

import bz2
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whereshot.foundation.errors import InputError, MissingExtraError, OutputError, WhereshotError
from whereshot.foundation.jobs import (
    ENGINES,
    Engine,
    RowJob,
    Shards,
    TableJob,
    Unit,
    bzip2,
    split,
    units,
    write_table,
    write_unit,
)
from whereshot.foundation.jobs.base import leave_mark
from whereshot.foundation.jobs.local import Local
from whereshot.foundation.jobs.spark import Spark, check_master
from whereshot.foundation.tables import rejects_table
from whereshot.photos.records import Records


def kept(*ids: str) -> pa.Table:
    return pa.table({"id": list(ids)})


def rejects(*ids: str, reason: str = "no position") -> pa.Table:
    return rejects_table([(name, None, reason, "latitude is missing") for name in ids])


def open_shards(folder: Path, **changes: object) -> Shards:
    return Shards(folder, **{"job": "clean", "settings": {"least": 3}, "inputs": [], **changes})


def test_shards_go_on_where_they_stopped(tmp_path: Path) -> None:
    with open_shards(tmp_path / "out") as shards:
        assert shards.pending(["a", "b", "c"]) == ["a", "b", "c"]
        shards.write("b", kept("3", "4"), rejects("5"))
        write_unit(shards.folder, "a", kept("half"), rejects("half"))  # killed before its line: not done
    with open_shards(tmp_path / "out") as shards:
        assert shards.pending(["a", "b", "c"]) == ["a", "c"]
        shards.write("a", kept("1", "2"), rejects())
        shards.write("c", kept(), rejects("6", "7", reason="too small"))
        summary = shards.summary()
    assert summary.pop("seconds") >= 0
    assert summary == {"rows": 7, "kept": 4, "rejected": {"too small": 2, "no position": 1}}
    assert Records.read(tmp_path / "out").strings("id") == ["1", "2", "3", "4"]
    told = pq.read_table(tmp_path / "out" / "rejects")
    assert sorted(told["id"].to_pylist()) == ["5", "6", "7"]  # the rejects of the killed attempt are gone


def test_half_a_line_in_the_manifest_is_not_done(tmp_path: Path) -> None:
    with open_shards(tmp_path) as shards:
        shards.write("a", kept("1"), rejects())
    manifest = tmp_path / "_manifest.jsonl"
    manifest.write_bytes(manifest.read_bytes() + b'{"unit": "b", "kep')
    (tmp_path / ".part-b.parquet.12345678").write_bytes(b"PAR1")
    with open_shards(tmp_path) as shards:
        assert shards.pending(["a", "b"]) == ["b"]
        assert not list(tmp_path.glob(".part-*"))
        shards.write("b", kept("2"), rejects())
    with open_shards(tmp_path) as shards:
        assert shards.pending(["a", "b"]) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"job": "fetch"}, "it is of 'clean', this is 'fetch'"),
        ({"settings": {"least": 4}}, "least was 3, is 4"),
        ({"settings": {}}, "least was 3, is None"),
        ({"inputs": ["s3://b/x"]}, "input s3://b/x was not there"),
    ],
)
def test_another_job_is_refused_and_may_overwrite(tmp_path: Path, changes: dict, told: str) -> None:
    with open_shards(tmp_path) as shards:
        shards.write("a", kept("1"), rejects("2"))
    with pytest.raises(OutputError) as caught:
        open_shards(tmp_path, **changes)
    assert str(caught.value) == (
        f"{tmp_path}: begun by another job ({told}); choose another --out, or start again with --overwrite"
    )
    with open_shards(tmp_path, **changes, overwrite=True) as shards:
        assert shards.pending(["a"]) == ["a"]
        assert not list(tmp_path.rglob("*.parquet"))


def test_a_changed_input_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "in.tsv"
    source.write_text("one")
    open_shards(tmp_path / "out", inputs=[source]).close()
    open_shards(tmp_path / "out", inputs=[source]).close()
    source.write_text("another")
    with pytest.raises(OutputError, match=r"in\.tsv has changed"):
        open_shards(tmp_path / "out", inputs=[source])


def test_files_of_others_are_not_mixed_in(tmp_path: Path) -> None:
    pq.write_table(kept("1"), tmp_path / "mine.parquet")
    for overwrite in (False, True):
        with pytest.raises(OutputError, match=r"mine\.parquet is there, which is no shard of a job; choose another"):
            open_shards(tmp_path, overwrite=overwrite)


def test_records_of_another_command_are_only_overwritten_when_told(tmp_path: Path) -> None:
    Records(kept("1")).write(tmp_path)
    with pytest.raises(OutputError, match="holds records that no resumable job has written; choose another --out, or"):
        open_shards(tmp_path)
    with open_shards(tmp_path, overwrite=True) as shards:
        shards.write("a", kept("2"), rejects())
    assert Records.read(tmp_path).strings("id") == ["2"]


def test_one_job_at_a_time(tmp_path: Path) -> None:
    with open_shards(tmp_path), pytest.raises(OutputError, match="another whereshot is at work there"):
        open_shards(tmp_path)
    open_shards(tmp_path).close()


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="a file is in the way; name a folder"):
        open_shards(tmp_path / "out")


# --- units


def texts(found: list[Unit]) -> list[bytes]:
    return [line for unit in found for batch in units.batches(unit) for line in batch["line"].to_pylist()]


@given(st.lists(st.binary(max_size=12).map(lambda text: text.replace(b"\n", b"")), max_size=30), st.booleans())
def test_every_line_is_in_one_unit(lines: list[bytes], ended: bool) -> None:
    text = b"\n".join(lines) + (b"\n" if ended else b"")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "in.tsv")
        path.write_bytes(text)
        for unit_bytes in (1, 2, 5, 17, 1000):
            assert texts(split([path], unit_bytes=unit_bytes)) == text.splitlines(keepends=True) or b"\r" in text
            assert b"".join(texts(split([path], unit_bytes=unit_bytes))) == text


@pytest.mark.parametrize("streams", [1, 7])
def test_a_bzip2_file_is_cut_anywhere(tmp_path: Path, rng: np.random.Generator, streams: int) -> None:
    words = rng.integers(97, 123, (150_000, 8), dtype=np.uint8)
    words[:, 7] = ord("\n")
    words[1000:60_000, 7] = ord("x")  # a line longer than a block
    text = words.tobytes()
    part = len(text) // streams + 1
    data = b"".join(bz2.compress(text[start : start + part], 1) for start in range(0, len(text), part))
    path = tmp_path / "in.bz2"
    path.write_bytes(data)
    assert b"".join(bzip2.blocks(path, 0)) == text
    for unit_bytes in (5 * 9_973, 5 * 250_001, 10**9):
        found = split([path], unit_bytes=unit_bytes)
        assert texts(found) == text.splitlines(keepends=True)
    assert len(split([path], unit_bytes=5 * 9_973)) > 50


def test_a_bzip2_file_that_is_none(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "in.bz2"
    path.write_bytes(b"id\tlatitude\n")
    with pytest.raises(InputError, match=r"in\.bz2: not a bzip2 file"):
        texts(split([path]))
    data = bytearray(bz2.compress(rng.bytes(200_000)))
    path.write_bytes(data[:-100])
    with pytest.raises(InputError, match=r"in\.bz2: ends in the middle of a block of bzip2; fetch it again"):
        texts(split([path]))
    data[60_000] ^= 255
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"in\.bz2: the block of bzip2 at byte 4 is damaged; fetch the file again"):
        texts(split([path]))


def test_parquet_is_cut_by_rows(tmp_path: Path) -> None:
    table = pa.table({"id": [str(number) for number in range(1000)]})
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=300)
    for unit_rows in (1, 70, 300, 5000):
        found = split([tmp_path / "in.parquet"], unit_rows=unit_rows)
        assert len(found) == -(-1000 // unit_rows)
        rows = [name for unit in found for batch in units.batches(unit) for name in batch["id"].to_pylist()]
        assert rows == table["id"].to_pylist()


def test_inputs_that_cannot_be_cut(tmp_path: Path) -> None:
    (tmp_path / "in.parquet").write_text("no")
    for path, told in (("none", "no such file"), (".", "a folder; name its files"), ("in.parquet", "not a readable")):
        with pytest.raises(InputError, match=told):
            split([tmp_path / path])


# --- engines


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


@pytest.fixture(scope="module")
def spark() -> Iterator[Engine]:
    pytest.importorskip("pyspark", reason="needs the extra spark")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("needs Java 17, which is not installed")
    engine = ENGINES["spark"]("local[2]")
    assert isinstance(engine, Spark)
    with pytest.MonkeyPatch.context() as patch:
        root = Path(__file__).parents[3]  # Spark's Python processes import this file, too
        paths = [str(root), str(root / "tests"), os.environ.get("PYTHONPATH", "")]
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))
        patch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")  # it starts sooner
        yield engine
        engine.session().stop()


def test_a_master_that_is_not_there_is_one_line_at_once() -> None:
    """Spark itself tries three times for 20 s, and ends in a traceback of Java."""
    started = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"spark://127.0.0.1:{taken.getsockname()[1]}"
        check_master(nobody)  # somebody takes the connection
    for master in (nobody, f"{nobody},{nobody.removeprefix('spark://')}"):
        with pytest.raises(WhereshotError) as caught:
            check_master(master)
        refused = "(Connection refused); start it, or correct --master"
        assert str(caught.value) == f"{master}: no Spark master can be reached there {refused}"
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("master", ["spark://", "spark://host", "spark://host:port", "spark://host:0", "spark://:7077"])
def test_a_master_that_is_no_address_is_named(master: str) -> None:
    with pytest.raises(WhereshotError) as caught:
        check_master(master)
    assert str(caught.value) == f"--master is local[2] or spark://HOST:PORT; got {master!r}"


SESSION = """
import sys
from whereshot.foundation.jobs import ENGINES
from whereshot.foundation.errors import WhereshotError
try:
    ENGINES["spark"](sys.argv[1]).session()
except WhereshotError as error:
    print(error)
"""


def test_a_session_that_cannot_begin_is_one_line_within_20_s(spark: Engine) -> None:
    """In a process of its own, as Java holds one session."""

    def said(master: str) -> str:
        done = subprocess.run([sys.executable, "-c", SESSION, master], capture_output=True, text=True, timeout=100)
        return done.stdout

    with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes the connection and knows nothing of Spark
        master = f"spark://127.0.0.1:{deaf.getsockname()[1]}"
        assert said(master) == f"{master}: the Spark master did not answer in 8 s; is it one, of Spark 4?\n"
    assert said("nonsense") == "nonsense: Spark cannot be started (Could not parse Master URL: 'nonsense')\n"


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    pq.write_table(pa.table({"number": list(range(100))}), tmp_path / "numbers.parquet")
    return tmp_path / "numbers.parquet"


def run(engine: Engine, job: RowJob, source: Path, out: Path) -> dict[str, bytes]:
    found = split([source], unit_rows=9)
    with Shards(out, job.name, job.settings, [source]) as shards:
        pending = set(shards.pending([unit.name for unit in found]))
        engine.run(job, [unit for unit in found if unit.name in pending], shards)
        summary = shards.summary()
    assert {**summary, "seconds": 0} == {"rows": 100, "kept": 50, "rejected": {"odd": 50}, "seconds": 0}
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*.parquet")}


def test_engines_end_with_the_same_shards(numbers: Path, tmp_path: Path, spark: Engine) -> None:
    job = RowJob("double", double, {"factor": 2})
    expected = run(Local(1), job, numbers, tmp_path / "one")
    assert len(expected) == 24
    assert run(Local(2), job, numbers, tmp_path / "processes") == expected
    assert run(Local(2), replace(job, threads=True), numbers, tmp_path / "threads") == expected
    assert run(spark, job, numbers, tmp_path / "spark") == expected

    # half of it here, the rest there
    for name in list(expected)[::2]:
        (tmp_path / "spark" / name).unlink(missing_ok=True)
    manifest = tmp_path / "spark" / "_manifest.jsonl"
    lines = manifest.read_text().splitlines()
    kept = [row for row in lines[1:] if (tmp_path / "spark" / f"part-{json.loads(row)['unit']}.parquet").exists()]
    manifest.write_text("\n".join([lines[0], *kept]) + "\n")
    assert run(spark, job, numbers, tmp_path / "spark") == expected

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
    for number, engine in enumerate((Local(1), Local(2), spark)):
        with Shards(tmp_path / str(number), "refuse", {}) as shards, pytest.raises(WhereshotError) as caught:
            engine.run(RowJob("refuse", refuse), split([numbers], unit_rows=50), shards)
        assert str(caught.value) == "no such thing"


def sleep(batch: pa.RecordBatch, *, pids: str) -> pa.RecordBatch:
    """A job that says which process it is in, and never ends."""
    Path(pids, str(os.getpid())).touch()
    time.sleep(600)
    return batch


def test_processes_end_with_their_parent(numbers: Path, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    pids.mkdir()
    code = (
        "import test_jobs as t; from pathlib import Path; job = t.RowJob('sleep', t.sleep, {{'pids': {!r}}})\n"
        "with t.Shards({!r}, 'sleep', {{}}) as shards: t.Local(2).run(job, t.split([{!r}], unit_rows=50), shards)"
    ).format(str(pids), str(tmp_path / "out"), str(numbers))
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parent)
    while len(list(pids.iterdir())) < 2:
        assert parent.poll() is None
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    patience = time.monotonic() + 20
    while any(Path("/proc", path.name).exists() for path in pids.iterdir()):
        assert time.monotonic() < patience, "a process has outlived its parent"
        time.sleep(0.02)


def test_marks_of_a_driver_that_was_killed_count(tmp_path: Path) -> None:
    open_shards(tmp_path).close()
    leave_mark(tmp_path, write_unit(tmp_path, "a", kept("1"), rejects("2")))
    with open_shards(tmp_path) as shards:
        assert shards.pending(["a", "b"]) == ["b"]
        assert not list(tmp_path.glob(".done-*"))
    with open_shards(tmp_path) as shards:
        assert shards.pending(["a", "b"]) == ["b"]


def test_spark_without_java(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark")
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    with pytest.raises(MissingExtraError, match="Spark needs Java 17, and there is no java: install it"):
        Spark().session()


def test_an_answer_in_shards(tmp_path: Path) -> None:
    with Shards(tmp_path, "query", {}) as shards:
        write_table(kept("1", "2"), shards)
        assert shards.summary()["kept"] == 2
    with Shards(tmp_path, "query", {}) as shards:
        write_table(kept("1", "2"), shards)
        assert shards.summary()["kept"] == 2
    assert Records.read(tmp_path).strings("id") == ["1", "2"]


def test_a_query_fetches_no_extension(tmp_path: Path) -> None:
    """DuckDB would else download what a query needs and keep it in the home folder."""
    settings = (
        "current_setting('autoinstall_known_extensions') AS fetched, current_setting('autoload_known_extensions')"
    )
    found = Local(1).query(TableJob("settings", f"SELECT {settings} AS loaded", {}))
    assert found.to_pylist() == [{"fetched": False, "loaded": False}]
