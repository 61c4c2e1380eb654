"""Progress of long work: iterate over something while a bar on stderr, or nothing, counts along."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

Item = TypeVar("Item")


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
