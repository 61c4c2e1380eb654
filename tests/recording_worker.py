"""A worker of the server without a process, for the tests of what stands in front of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from whereshot.server.pool import Answer, Worker

Parts = list[bytes | bytearray]


class RecordingWorker(Worker):
    """A worker without a process. It waits for ``go``, then answers or raises what ``fail`` returns for a batch.

    It tells the line of the first photo at once.
    """

    def __init__(self, fail: Callable[[list[str]], Exception | None] = lambda names: None) -> None:
        super().__init__({})
        self.batches: list[list[str]] = []
        self.started = 0
        self.go = asyncio.Event()
        self._fail = fail

    async def start(self) -> None:
        self.started += 1

    async def stop(self) -> None:
        pass

    async def answer(self, parts: Parts, seconds: float, tell: Callable[[int, int, bytes], None]) -> list[Answer]:
        jobs = json.loads(bytes(parts[0]))["jobs"]
        names = [job["names"][0] for job in jobs]
        self.batches.append(names)
        tell(0, 0, b'{"index":0}\n')
        await self.go.wait()
        error = self._fail(names)
        if error is not None:
            raise error
        return [Answer(200, job["form"], job["names"][0].encode()) for job in jobs]
