"""Show the progress of long work: a bar on stderr counts the items of an iteration."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

Item = TypeVar("Item")

PATIENCE_S = 2.0
"""Seconds of work after which a bar appears."""


class Track(Protocol):
    """A function that reports progress: ``silent``, ``bar`` or ``late_bar``."""

    def __call__(self, items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
        """Yield the items and report them; ``total`` is their number, ``what`` names the work."""
        ...


def silent(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """Yield the items and report nothing: the default of every library function."""
    yield from items


def bar(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """Yield the items and show a bar with the time left on stderr; without a terminal, one line at the end."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=console, transient=console.is_terminal) as progress:
        yield from progress.track(items, total=total, description=what)


def late_bar(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """Yield the items and show a bar where the work takes longer than PATIENCE_S."""
    return late(items, total, what, bar)


def late(items: Iterable[Item], total: int, what: str, track: Track) -> Iterator[Item]:
    """Yield the items and report with ``track`` those that are left where the work takes longer than PATIENCE_S."""
    started, source = time.monotonic(), iter(items)
    for done, item in enumerate(source, start=1):
        yield item
        if time.monotonic() - started > PATIENCE_S:
            yield from track(source, total - done, f"{what}, the rest")
            return


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Name the work on stderr where the ``with`` block takes longer than PATIENCE_S; it is work without items."""
    from rich.console import Console

    console = Console(stderr=True)
    status = console.status(what)

    def begin() -> None:
        if console.is_terminal:
            status.start()
        else:
            console.print(f"{what} ...", highlight=False)

    timer = threading.Timer(PATIENCE_S, begin)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        status.stop()
