"""The queue of jobs in front of the workers, which forms batches. A full queue refuses new jobs.

No job waits for a batch to fill. A free worker takes the oldest job and the next jobs with the same options, so
batches grow with the load, and a single photo is answered at once. A client that leaves frees its place at once.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import math
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from whereshot.foundation.errors import WhereshotError
from whereshot.server.limits import Limits
from whereshot.server.media_types import LINES
from whereshot.server.metrics import Metrics
from whereshot.server.options import Options
from whereshot.server.pool import Answer, BrokenAnswerError, Worker, WorkerLostError, WorkerSlowError
from whereshot.server.problems import ProblemError
from whereshot.server.worker import batch_header

BATCH = 16
"""The largest number of photos in one batch of several jobs. Larger batches are not faster, and all jobs wait for the
last photo.
"""
RESTART_S = 5.0
"""Seconds between attempts to start a process."""
_FURTHER = 0.25
"""Each further photo of a batch adds this share of the time limit of one photo."""

log = logging.getLogger("whereshot.server")


@dataclass(eq=False)
class Waiting:
    """A job in the queue: its photos and names, its options, the media type of its answer, and the future answer."""

    names: list[str | None]
    photos: list[bytes | bytearray]
    options: Options
    form: str
    answer: asyncio.Future[Answer] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    tried: bool = False
    """Whether the job failed in a batch with others. It is then tried once more, alone."""
    count: int = 0
    """The number of photos. It stays when the photos themselves are released."""
    lines: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue)
    """The lines of single photos, each once, as they are answered. The reader adds None at the end."""
    sent_lines: set[int] = field(default_factory=set)
    """The numbers of the photos whose lines are in the queue already."""

    def __post_init__(self) -> None:
        self.count = len(self.photos)

    @property
    def goes_alone(self) -> bool:
        """Whether the job must not share a batch.

        A job that failed together with others is tried alone. A job of lines is answered photo by photo, and all
        other jobs of its batch would wait until its last photo.
        """
        return self.tried or self.form == LINES

    def add_line(self, photo: int, line: bytes) -> None:
        """Add the line of a photo. A job that is tried again sends the same line again, which is dropped."""
        if photo not in self.sent_lines:
            self.sent_lines.add(photo)
            self.lines.put_nowait(line)


class Batcher:
    """The queue in front of the workers."""

    def __init__(self, workers: Sequence[Worker], limits: Limits, metrics: Metrics) -> None:
        self._workers, self._limits, self._metrics = workers, limits, metrics
        self._queue: deque[Waiting] = deque()
        self._more = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._seconds_per_photo = 0.1
        self.ready = 0
        metrics.watch("queue_photos", "Photos that wait.", lambda: self.waiting)
        metrics.watch("workers_ready", "Processes that can answer.", lambda: self.ready)

    @property
    def waiting(self) -> int:
        """The number of photos in the queue."""
        return sum(job.count for job in self._queue)

    async def start(self) -> None:
        """Start the workers, and return when the first is ready. Raises ModelError where the model cannot be loaded."""
        first = self._workers[0]
        try:
            await first.start()
        except WorkerLostError as error:
            raise WhereshotError(f"{error}; check that there is enough memory") from error
        self.ready += 1
        self._tasks = [asyncio.create_task(self._serve(first, started=True))]
        self._tasks += [asyncio.create_task(self._serve(worker, started=False)) for worker in self._workers[1:]]

    async def stop(self) -> None:
        """End the workers. Jobs that still wait are refused with 503."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in self._workers:
            await worker.stop()
        for job in self._queue:
            if not job.answer.done():
                job.answer.set_exception(ProblemError(503, "the server is stopping", {"Retry-After": "10"}))

    def check_room(self, photos: int = 1) -> None:
        """Raise a 429 where the queue has no place for this number of photos."""
        waiting = self.waiting
        if waiting and waiting + photos > self._limits.queue:
            seconds = math.ceil(waiting * self._seconds_per_photo / max(1, self.ready))
            detail = f"{waiting} photos wait already; try again in {min(max(seconds, 1), 60)} s"
            raise ProblemError(429, detail, {"Retry-After": str(min(max(seconds, 1), 60))})

    async def answer(self, job: Waiting) -> Answer:
        """Put a job into the queue and return its answer. Cancelling removes the job from the queue."""
        self.check_room(job.count)
        self._queue.append(job)
        self._more.set()
        try:
            return await job.answer
        finally:
            if job in self._queue:
                self._queue.remove(job)
            job.photos = []  # the traceback of an error may keep the job in memory for long

    async def _serve(self, worker: Worker, started: bool) -> None:
        """Keep one worker busy for as long as the server runs."""
        while True:
            if not started:
                started = await self._started(worker)
                continue
            batch = await self._take()
            began = time.perf_counter()
            try:
                send_line = functools.partial(_add_line, batch)
                answers = await worker.answer(_parts(batch), self._time_limit(batch), send_line)
            except WorkerLostError as error:
                self.ready -= 1
                started = False
                self._metrics.restarts.inc()
                detail = f"the photos took more than {self._limits.photo_s:g} s, or stopped their decoder"
                # the process may have died for another reason, before it read this batch
                self._try_again(batch, ProblemError(422, detail), lone=not isinstance(error, WorkerSlowError))
                continue
            except BrokenAnswerError:
                problem = ProblemError(500, "something in the server is broken; see its log")
                self._try_again(batch, problem, lone=False)
                continue
            except BaseException:
                for job in batch:
                    job.answer.cancel()
                raise
            self._measure(batch, time.perf_counter() - began)
            for job, answer in zip(batch, answers, strict=True):
                if not job.answer.done():
                    job.answer.set_result(answer)

    async def _started(self, worker: Worker) -> bool:
        try:
            await worker.start()
        except (WorkerLostError, WhereshotError) as error:
            log.error("%s", error)
            await asyncio.sleep(RESTART_S)
            return False
        self.ready += 1
        return True

    async def _take(self) -> list[Waiting]:
        """Wait for the oldest job; return it with the next jobs that have the same options.

        A job that goes alone is never put together with others.
        """
        while not self._queue:
            self._more.clear()
            await self._more.wait()
        first = self._queue.popleft()
        batch, photos = [first], first.count
        if first.goes_alone:
            return batch
        for job in list(self._queue):
            if photos + job.count <= BATCH and job.options == first.options and not job.goes_alone:
                self._queue.remove(job)
                batch.append(job)
                photos += job.count
        return batch

    def _time_limit(self, batch: list[Waiting]) -> float:
        photos = sum(job.count for job in batch)
        return self._limits.photo_s * (1 + _FURTHER * (photos - 1))

    def _try_again(self, batch: list[Waiting], problem: ProblemError, *, lone: bool) -> None:
        """Put the jobs of a failed batch back into the queue, to be tried once more, each alone.

        A job that failed before is refused with ``problem``, and so is a job that was alone, unless ``lone``.
        """
        for job in reversed(batch):
            if job.answer.done():
                continue
            if job.tried or (len(batch) == 1 and not lone):
                job.answer.set_exception(problem)
            else:
                job.tried = True
                self._queue.appendleft(job)
                self._more.set()

    def _measure(self, batch: list[Waiting], seconds: float) -> None:
        photos = sum(job.count for job in batch)
        self._seconds_per_photo = 0.9 * self._seconds_per_photo + 0.1 * seconds / photos
        self._metrics.batch.observe(photos)
        self._metrics.work_seconds.observe(seconds)


def _add_line(batch: list[Waiting], job: int, photo: int, line: bytes) -> None:
    batch[job].add_line(photo, line)


def _parts(batch: list[Waiting]) -> list[bytes | bytearray]:
    """Return a batch as the bytes that a worker reads: a header, then the photos."""
    lengths = [[len(photo) for photo in job.photos] for job in batch]
    header = batch_header([job.names for job in batch], lengths, [job.form for job in batch], batch[0].options)
    return [header, *(photo for job in batch for photo in job.photos)]
