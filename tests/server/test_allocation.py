"""Memory of uploads goes back to the system."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from http_client import (
    ask,
)
from serving_process import Server


def test_memory_goes_back_to_its_level(server: Server) -> None:
    def resident_mb() -> float:
        return int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def overfill(_: int) -> int:
        return ask(server, b"\xff\xd8\xff" + bytes(19_000_000), bytes(21_000_000)).status_code

    level = resident_mb()
    for _ in range(2):
        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(overfill, range(4))) == {413}
    assert resident_mb() < level + 40
