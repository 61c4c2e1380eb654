"""Start, watch, end and replace the processes that hold the model."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from whereshot.foundation.errors import ModelError
from whereshot.foundation.library_remarks import stderr_descriptor

START_S = 120.0
"""Seconds within which a process must load the model."""
_LINE = 1 << 20
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


SendLine = Callable[[int, int, bytes], None]
"""A function that takes the number of a job in its batch, of a photo in the job, and the line of this photo."""


class WorkerLostError(Exception):
    """A process died."""


class WorkerSlowError(WorkerLostError):
    """A process took too long and was ended."""


class BrokenAnswerError(Exception):
    """A process failed on a batch because of a bug. The process continues to run."""


@dataclass(frozen=True)
class Answer:
    """The answer of a process to one job: an HTTP status, a media type and a body."""

    status: int
    form: str
    body: bytes


class Worker:
    """One process with the model. Call ``start`` before the first batch, and after the process was lost."""

    def __init__(self, settings: dict[str, Any]) -> None:
        """Take the settings: the model, the device, the limit on pixels, and the options of the first photo."""
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the process and wait until it has loaded the model. Raises ModelError, WorkerLostError."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "whereshot.server.worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr_descriptor(),
            env={**os.environ, **_ONE_THREAD},
            limit=_LINE,
        )
        try:
            async with asyncio.timeout(START_S):
                head = await self._exchange([json.dumps(self._settings).encode() + b"\n"])
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            await self.stop()
            raise WorkerLostError("the process that holds the model could not be started") from error
        if "error" in head:
            await self.stop()
            raise ModelError(head["error"])

    async def answer(self, parts: list[bytes | bytearray], seconds: float, send_line: SendLine) -> list[Answer]:
        """Return the answers to a batch, which is given as its header and photos.

        Before it returns, ``send_line`` gets the lines of single photos. Raises BrokenAnswerError. Raises
        WorkerLostError or WorkerSlowError where the process has ended.
        """
        try:
            async with asyncio.timeout(seconds):
                head = await self._exchange(parts)
                while "photo" in head:
                    job, photo = head["photo"]
                    send_line(job, photo, await self._pipes()[1].readexactly(head["length"]))
                    head = await self._read_head()
                if "broken" in head:
                    raise BrokenAnswerError
                return [
                    Answer(reply["status"], reply["form"], await self._pipes()[1].readexactly(reply["length"]))
                    for reply in head["replies"]
                ]
        except TimeoutError as error:
            await self.stop()
            raise WorkerSlowError from error
        except (OSError, EOFError, ValueError) as error:
            await self.stop()
            raise WorkerLostError from error
        except asyncio.CancelledError:
            await self.stop()
            raise

    def _pipes(self) -> tuple[asyncio.StreamWriter, asyncio.StreamReader]:
        """Return the stdin and the stdout of the process. Raises EOFError where there is no process."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise EOFError
        return process.stdin, process.stdout

    async def _exchange(self, parts: list[bytes | bytearray]) -> dict[str, Any]:
        to_process, _ = self._pipes()
        for part in parts:
            to_process.write(part)
            await to_process.drain()
        return await self._read_head()

    async def _read_head(self) -> dict[str, Any]:
        _, from_process = self._pipes()
        line = await from_process.readline()
        if not line:
            raise EOFError
        head: dict[str, Any] = json.loads(line)
        return head

    async def stop(self) -> None:
        """End the process at once."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
        if process is not None:
            await process.wait()
