"""Work spread over processes: items in, results out in the same order. Processes start by spawn, one thread each."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
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
    """``work`` on every item; each process first calls ``start(*start_args)`` once.

    Both are functions of importable modules: the caller's script is not run again in the processes, so it needs no
    ``if __name__ == "__main__"``.
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=start, initargs=start_args) as pool:
        try:
            with _without_main():
                results = pool.map(work, items)
            yield from results
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _without_main() -> Iterator[None]:
    """While processes are started, hide which script is running: spawn would run it again in each of them."""
    main = sys.modules["__main__"]
    hidden = {name: main.__dict__.pop(name) for name in ("__file__", "__spec__") if name in main.__dict__}
    main.__spec__ = None
    try:
        yield
    finally:
        main.__dict__.update(hidden)
