"""Work spread over processes: items in, results out in the same order. Processes start by spawn, one thread each."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(
    items: Iterable[Item],
    start: Callable[..., None],
    start_args: tuple[Any, ...],
    work: Callable[[Item], Result],
    workers: int,
) -> Iterator[Result]:
    """``work`` on every item; each process first calls ``start(*start_args)`` once."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=start, initargs=start_args) as pool:
        try:
            yield from pool.map(work, items)
        finally:
            pool.shutdown(cancel_futures=True)
