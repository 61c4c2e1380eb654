"""The engine of this machine: threads and processes end with the same bytes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import row_jobs
from row_jobs import double, refuse, run_over_numbers
from waiting import has_ended, wait_until
from whereshot.foundation.errors import WhereshotError
from whereshot.foundation.jobs import (
    RowJob,
    Shards,
    TableJob,
    split,
)
from whereshot.foundation.jobs.local import Local


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    pq.write_table(pa.table({"number": list(range(100))}), tmp_path / "numbers.parquet")
    return tmp_path / "numbers.parquet"


def test_processes_and_threads_end_with_the_same_shards(numbers: Path, tmp_path: Path) -> None:
    job = RowJob("double", double, {"factor": 2})
    expected = run_over_numbers(Local(1), job, numbers, tmp_path / "one")
    assert len(expected) == 24
    assert run_over_numbers(Local(2), job, numbers, tmp_path / "processes") == expected
    assert run_over_numbers(Local(2), replace(job, threads=True), numbers, tmp_path / "threads") == expected


def test_a_query_reads_all_shards_of_its_tables(numbers: Path, tmp_path: Path) -> None:
    run_over_numbers(Local(1), RowJob("double", double, {"factor": 2}), numbers, tmp_path / "doubled")
    sql = "SELECT id, number, taken_at FROM doubled WHERE number > 20 ORDER BY number"
    found = Local(2).query(TableJob("query", sql, {"doubled": tmp_path / "doubled"}))
    assert found["number"].to_pylist() == list(range(24, 200, 4))
    assert str(found["taken_at"][0].as_py()) == "1970-01-01 00:00:12+00:00"


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_a_worker_is_one_line(workers: int, numbers: Path, tmp_path: Path) -> None:
    with Shards(tmp_path / "out", "refuse", {}) as shards, pytest.raises(WhereshotError) as caught:
        Local(workers).run(RowJob("refuse", refuse), split([numbers], unit_rows=50), shards)
    assert str(caught.value) == "no such thing"


def test_processes_end_with_their_parent(numbers: Path, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    pids.mkdir()
    code = f"""if True:
        import row_jobs
        from whereshot.foundation.jobs import RowJob, Shards, split
        from whereshot.foundation.jobs.local import Local
        job = RowJob("sleep", row_jobs.sleep, {{"pids": {str(pids)!r}}})
        with Shards({str(tmp_path / "out")!r}, "sleep", {{}}) as shards:
            Local(2).run(job, split([{str(numbers)!r}], unit_rows=50), shards)
    """
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=Path(row_jobs.__file__).parent)
    wait_until(lambda: len(list(pids.iterdir())) == 2 or parent.poll() is not None, "two processes work")
    assert parent.poll() is None
    parent.kill()
    parent.wait()
    workers = [int(path.name) for path in pids.iterdir()]
    wait_until(lambda: all(map(has_ended, workers)), "the processes end with their parent")


def test_a_query_fetches_no_extension(tmp_path: Path) -> None:
    """DuckDB would else download what a query needs and keep it in the home folder."""
    settings = (
        "current_setting('autoinstall_known_extensions') AS fetched, current_setting('autoload_known_extensions')"
    )
    found = Local(1).query(TableJob("settings", f"SELECT {settings} AS loaded", {}))
    assert found.to_pylist() == [{"fetched": False, "loaded": False}]
