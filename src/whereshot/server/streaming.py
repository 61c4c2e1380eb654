"""Answers as lines of JSON: one line for each photo as soon as it is answered, then a last line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from whereshot.server.batching import Batcher, Waiting
from whereshot.server.media_types import LINES
from whereshot.server.pool import Answer
from whereshot.server.problems import ProblemError, document


async def lines_of(batcher: Batcher, job: Waiting, count: Callable[[Answer, int], None]) -> AsyncGenerator[bytes, None]:
    """Yield the lines of a job, each as soon as it exists. ``count`` gets the answer and the number of photos.

    Raises ProblemError where the job is refused before its first line. After that the last line is
    ``{"problem": ...}``, a problem document. Ending the iteration takes the job out of the queue.
    """
    answer = asyncio.ensure_future(batcher.answer(job))
    answer.add_done_callback(lambda _: job.lines.put_nowait(None))
    begun = False
    try:
        while (line := await job.lines.get()) is not None:
            begun = True
            yield line
        done = await answer
        count(done, job.count)
        if done.status != 200:
            raise _problem_of(done)
        yield done.body
    except ProblemError as error:
        if not begun:
            raise
        yield b'{"problem":' + document(error.status, str(error), error.more) + b"}\n"
    finally:
        answer.cancel()


def _problem_of(answer: Answer) -> ProblemError:
    """Return the error of a problem document that a worker answered with."""
    problem = json.loads(answer.body)
    more = {name: value for name, value in problem.items() if name not in ("type", "title", "status", "detail")}
    return ProblemError(answer.status, problem["detail"], **more)


class LinesResponse(StreamingResponse):
    """A response of lines, started with its first line. ``close`` is called at its end, or when the client leaves."""

    def __init__(self, first: bytes, lines: AsyncGenerator[bytes, None], close: Callable[[], Any]) -> None:
        self._lines, self._close = lines, close
        # without this header, proxies such as nginx keep all lines until the last
        super().__init__(self._all(first), media_type=LINES, headers={"x-accel-buffering": "no"})

    async def _all(self, first: bytes) -> AsyncGenerator[bytes, None]:
        yield first
        async for line in self._lines:
            yield line

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the lines, and close their source also where the client has left."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._lines.aclose()
            self._close()
