"""Spread work over processes: the results come in the order of the items.

Processes start by the method "spawn", and the numeric libraries in them use one thread each.
"""

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

from whereshot.foundation import library_remarks
from whereshot.foundation.errors import WhereshotError

Item = TypeVar("Item")
Result = TypeVar("Result")

ITEMS_AHEAD = 3
"""Items of each process that are taken from the source before the reader asks for their results."""

_is_alone = ContextVar("is_alone", default=False)


class LostProcessError(WhereshotError):
    """A process of a pool ended without a result: it crashed, it could not start, or the system ended it."""


def cores() -> int:
    """Return the number of CPU cores that this process may use; 1 inside ``alone``."""
    if _is_alone.get():
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def alone() -> Iterator[None]:
    """Let ``cores`` return 1 inside the ``with`` block: a worker process starts no processes of its own."""
    before = _is_alone.set(True)
    try:
        yield
    finally:
        _is_alone.reset(before)


def spread(
    items: Iterable[Item],
    start: Callable[..., None],
    start_args: tuple[Any, ...],
    work: Callable[[Item], Result],
    workers: int,
) -> Iterator[Result]:
    """Yield ``work(item)`` of every item, in order; each of ``workers`` processes first calls ``start(*start_args)``.

    Both functions belong to importable modules: the processes do not run the caller's script again, so the script
    needs no ``if __name__ == "__main__"``. Items are taken as they are needed, at most ITEMS_AHEAD for each process.
    Raises LostProcessError, and every error that ``work`` raises.
    """
    with Pool(start, start_args, work, workers) as pool:
        yield from pool.map(items)


class Pool:
    """Worker processes that stay from one run over items to the next. Use it in a ``with``, or call ``close``."""

    def __init__(
        self, start: Callable[..., None], start_args: tuple[Any, ...], work: Callable[[Any], Any], workers: int
    ) -> None:
        """Prepare ``workers`` processes; see ``spread`` for the arguments. They start with the first items."""
        self.workers = workers
        self._work = work
        spawn = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_begin, initargs=(start, start_args))

    def map(self, items: Iterable[Any]) -> Iterator[Any]:
        """Yield the results in the order of the items, at most ITEMS_AHEAD items for each process ahead of the reader.

        Raises LostProcessError where a process ended without a result, and every error of the work itself.
        """
        pending: deque[Future[Any]] = deque()
        source = iter(items)
        try:
            for item in source:
                pending.append(self._submit(item))
                if len(pending) >= ITEMS_AHEAD * self.workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        except BrokenProcessPool as error:
            raise LostProcessError(_why_lost()) from error
        finally:
            for future in pending:
                future.cancel()

    def close(self) -> None:
        """End the processes when they have finished the items that they work on."""
        self._pool.shutdown(cancel_futures=True)

    def __enter__(self) -> Pool:
        """Return the pool itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close the pool; after Ctrl-C end the processes at once."""
        if kind is not None and not issubclass(kind, Exception):
            for process in list((getattr(self._pool, "_processes", None) or {}).values()):
                process.terminate()
        self.close()

    def _submit(self, item: Any) -> Future[Any]:
        with _without_main(), one_thread_each():  # each of the first submissions may start a process
            return self._pool.submit(self._work, item)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Let processes that start inside the ``with`` block use one thread for each numeric library.

    Two threads of a library beside a busy core are slower than one. Variables that the user has set stay.
    """
    names = [name for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS") if name not in os.environ]
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name in names:
            del os.environ[name]


def _why_lost() -> str:
    """Return the message of a LostProcessError. While remarks are hidden, the traceback of the process is lost."""
    hint = "" if library_remarks.are_shown() else f", or set {library_remarks.SHOW}=1 to see what it wrote to stderr"
    return f"a worker process ended without a result; check that there is enough memory{hint}"


def _begin(start: Callable[..., None], start_args: tuple[Any, ...]) -> None:
    """Prepare a new process: it ends when its parent ends, and it ignores Ctrl-C, which the parent handles."""
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
    """Hide which script is running while processes start: "spawn" would run it again in each of them."""
    main = sys.modules["__main__"]
    hidden: dict[str, Any] = {
        name: main.__dict__.pop(name) for name in ("__file__", "__spec__") if name in main.__dict__
    }
    main.__spec__ = None
    try:
        yield
    finally:
        main.__dict__.update(hidden)
