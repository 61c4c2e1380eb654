"""Waiting for events instead of times, and kills at a chosen write: what keeps the tests free of chance."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import waiting
from killing import run_killed
from waiting import has_ended, wait_until

HERE = Path(__file__).parent
TIMED = {
    "waiting.py": "the one place that waits",
    "test_waiting.py": "this file",
    "row_jobs.py": "a job that never ends",
    "faulty_server.py": "answers come in another order than the questions",
    "api_server.py": "an answer that takes a while, which no test measures",
    "photos/fetch/test_hosts.py": "a rate takes at least its time, however busy the machine is",
}
"""Files that may sleep or read the clock, and why."""


def test_no_test_sleeps_or_measures_the_clock() -> None:
    """A busy machine is slow and a fast one is quick; neither is a fault of what is tested."""
    timed = re.compile(
        r"time\.sleep\(|asyncio\.sleep\((?!0\))|threading\.Timer\(|perf_counter\(|time\.monotonic\(|timeout=[\d.]+[,)]"
    )
    found = {path.relative_to(HERE).as_posix() for path in HERE.rglob("*.py") if timed.search(path.read_text("utf-8"))}
    assert found - set(TIMED) == set()


def test_an_event_that_never_comes_ends_the_test_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_S", 0.0)
    wait_until(lambda: True, "it is there")
    with pytest.raises(AssertionError, match="this never happened: the cows come home"):
        wait_until(lambda: False, "the cows come home")


def test_a_process_has_ended_before_its_parent_collects_it() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert not has_ended(process.pid)
        process.stdin.close()
        wait_until(lambda: has_ended(process.pid), "the process ends")
        assert process.returncode is None
    assert has_ended(process.pid)


WRITES = "import os, sys; [open(os.path.join(sys.argv[1], name), 'w').close() for name in 'abc']"


def test_a_kill_comes_right_before_its_write(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITES, str(tmp_path)]
    run_killed(command, tmp_path, at=3)
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]
    with pytest.raises(AssertionError, match=r"it ended before write 4 \(0\): "):
        run_killed(command, tmp_path, at=4)
