"""Work spread over processes: items in, results out in the same order. Processes start by spawn, one thread each."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

__all__ = ["BrokenProcessPool", "Pool", "alone", "cores", "spread"]

Item = TypeVar("Item")
Result = TypeVar("Result")


_alone = ContextVar("alone", default=False)


def cores() -> int:
    """Cores that this process may use."""
    if _alone.get():
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def alone() -> Iterator[None]:
    """While in it ``cores`` is 1: what is itself one of several processes starts none of its own."""
    before = _alone.set(True)
    try:
        yield
    finally:
        _alone.reset(before)


def spread(
    items: Iterable[Item],
    start: Callable[..., None],
    start_args: tuple[Any, ...],
    work: Callable[[Item], Result],
    workers: int,
) -> Iterator[Result]:
    """``work`` on every item; each process first calls ``start(*start_args)`` once.

    Both are functions of importable modules: the caller's script is not run again in the processes, so it needs no
    ``if __name__ == "__main__"``. Items are taken as they are needed: three for each process are ahead of the reader.
    """
    with Pool(start, start_args, work, workers) as pool:
        yield from pool.map(items)


class Pool:
    """Processes that stay between one run over items and the next; to be closed, or used in a ``with``."""

    def __init__(
        self, start: Callable[..., None], start_args: tuple[Any, ...], work: Callable[[Any], Any], workers: int
    ) -> None:
        self.workers = workers
        self._work = work
        spawn = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_begin, initargs=(start, start_args))

    def map(self, items: Iterable[Any]) -> Iterator[Any]:
        """Results in the order of the items, at most three items for each process ahead of the reader."""
        pending: deque[Future[Any]] = deque()
        source = iter(items)
        try:
            for item in source:
                pending.append(self._submit(item))
                if len(pending) >= 3 * self.workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()

    def close(self) -> None:
        """End the processes, after what they are at."""
        self._pool.shutdown(cancel_futures=True)

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and not issubclass(kind, Exception):  # after Ctrl-C nothing is waited for
            for process in list((getattr(self._pool, "_processes", None) or {}).values()):
                process.terminate()
        self.close()

    def _submit(self, item: Any) -> Future[Any]:
        with _without_main(), one_thread_each():  # a process may be started by any of the first submissions
            return self._pool.submit(self._work, item)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """While processes are started: two threads of a library beside a busy core are slower than one."""
    names = [name for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS") if name not in os.environ]
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name in names:
            del os.environ[name]


def _begin(start: Callable[..., None], start_args: tuple[Any, ...]) -> None:
    """In a process that was started: end with its parent, which may be killed, and leave Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait(parent: Any) -> None:
        parent.join()
        os._exit(1)

    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=wait, args=(parent,), daemon=True).start()
    start(*start_args)


@contextmanager
def _without_main() -> Iterator[None]:
    """While processes are started, hide which script is running: spawn would run it again in each of them."""
    main = sys.modules["__main__"]
    hidden: dict[str, Any] = {
        name: main.__dict__.pop(name) for name in ("__file__", "__spec__") if name in main.__dict__
    }
    main.__spec__ = None
    try:
        yield
    finally:
        main.__dict__.update(hidden)
