"""Progress of long work: iterate over something while a bar on stderr, or nothing, counts along."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

Item = TypeVar("Item")

PATIENCE_S = 2.0
"""Work that is done sooner needs no bar."""


class Track(Protocol):
    """Passes the items on while reporting them; ``total`` is how many there will be."""

    def __call__(self, items: Iterable[Item], total: int, what: str) -> Iterator[Item]: ...


def silent(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """Report nothing: the default of every library function."""
    yield from items


def bar(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """A bar on stderr with the time left; on a stderr that is no terminal, one line at the end."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=console, transient=console.is_terminal) as progress:
        yield from progress.track(items, total=total, description=what)


def late_bar(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """A bar that only appears when the work takes longer than two seconds."""
    started, source = time.monotonic(), iter(items)
    for done, item in enumerate(source, start=1):
        yield item
        if time.monotonic() - started > PATIENCE_S:
            yield from bar(source, total - done, f"{what}, the rest")
            return


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Say on stderr what is being done, if it takes longer than two seconds and cannot be counted."""
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
