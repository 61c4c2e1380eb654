"""Waiting for an event in another process, however long a busy machine needs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 600.0
"""Far longer than any event takes. It ends a test that would wait for ever, and measures nothing."""


def wait_until(happened: Callable[[], object], what: str) -> None:
    """Return as soon as ``happened()`` is true. Fail with ``what`` where it never is."""
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline, f"this never happened: {what}"
        time.sleep(0.005)


def has_ended(process: int) -> bool:
    """Whether a process is gone, or dead and not yet collected by its parent."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"
