"""Work over processes keeps its order, starts each process once and passes errors on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from waiting import PATIENCE_S, has_ended, wait_until
from whereshot.foundation import processes

_offset = 0


def _start(offset: int) -> None:
    global _offset
    _offset = offset


def _work(item: int) -> tuple[int, int]:
    if item == 13:
        raise ValueError("thirteen")
    return item + _offset, os.getpid()


def test_results_come_in_order_from_other_processes() -> None:
    results = list(processes.spread(range(7), _start, (100,), _work, workers=2))
    assert [value for value, _ in results] == list(range(100, 107))
    assert os.getpid() not in {process for _, process in results}


def test_an_error_in_a_process_reaches_the_caller() -> None:
    with pytest.raises(ValueError, match="thirteen"):
        list(processes.spread([1, 13], _start, (0,), _work, workers=1))


def test_items_are_taken_as_they_are_needed() -> None:
    """A source of a million items, or results that nobody reads yet, fill no memory."""
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100, 1000):
            taken.append(number)
            yield number

    results = processes.spread(items(), _start, (0,), _work, workers=2)
    assert next(results)[0] == 100
    assert len(taken) <= 6
    results.close()  # type: ignore[attr-defined]
    assert len(taken) <= 6


def test_a_pool_keeps_its_processes() -> None:
    with processes.Pool(_start, (100,), _work, 1) as pool:
        first, second = list(pool.map([1, 2])), list(pool.map([3]))
        assert [value for value, _ in first + second] == [101, 102, 103]
        assert len({process for _, process in first + second}) == 1


def test_there_is_at_least_one_core() -> None:
    assert 1 <= processes.cores() <= (os.cpu_count() or 1)


def test_a_script_without_a_guard_may_use_processes(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from whereshot.foundation.processes import spread\n"
        "import os, operator\n"
        "print('run')\n"
        "print(list(spread([1, 2], os.getpid, (), operator.neg, 2)), __file__.endswith('script.py'))\n"
    )
    result = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=PATIENCE_S)
    assert (result.stdout, result.stderr) == ("run\n[-1, -2] True\n", "")


def test_processes_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from whereshot.foundation.processes import Pool\n"
        "import multiprocessing, operator, os, signal\n"
        "pool = Pool(os.getpid, (), operator.neg, 2)\n"
        "list(pool.map(range(4)))\n"
        "print(*[process.pid for process in multiprocessing.active_children()], flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        started = [int(number) for number in parent.stdout.readline().split()]
    assert started
    wait_until(lambda: all(map(has_ended, started)), "the processes end with their parent")
