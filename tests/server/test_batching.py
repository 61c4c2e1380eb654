"""The queue in front of the workers: which jobs share a batch, and what happens to a batch that fails."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from http_client import (
    JPEG,
    ask,
    is_problem,
    metric,
    raw_form,
)
from recording_worker import RecordingWorker
from serving_process import Server
from waiting import PATIENCE_S, wait_until
from whereshot.locate.options import LocateOptions
from whereshot.server.batching import BATCH, Batcher, Waiting
from whereshot.server.limits import Limits
from whereshot.server.media_types import GEOJSON, JSON, LINES
from whereshot.server.metrics import Metrics
from whereshot.server.options import Options
from whereshot.server.pool import Answer, BrokenAnswerError, WorkerLostError, WorkerSlowError
from whereshot.server.problems import ProblemError


def job(name: str, form: str = JSON, *, photos: int = 1, options: Options | None = None) -> Waiting:
    return Waiting([name] * photos, [b""] * photos, options or Options(), form)


def run(worker: RecordingWorker, test: Callable[[Batcher], Coroutine[Any, Any, None]]) -> None:
    async def inside() -> None:
        batcher = Batcher([worker], Limits(), Metrics())
        await batcher.start()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await test(batcher)
        finally:
            await batcher.stop()

    asyncio.run(inside())


async def queued(batcher: Batcher, *jobs: Waiting) -> list[asyncio.Task[Answer]]:
    """Put jobs into the queue while the worker is busy with a first one."""
    tasks = [asyncio.create_task(batcher.answer(job("first")))]
    while batcher.waiting or not tasks:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    for one in jobs:
        tasks.append(asyncio.create_task(batcher.answer(one)))
        await asyncio.sleep(0)
    return tasks


def test_a_job_of_lines_keeps_no_other_job_waiting() -> None:
    """It is answered photo by photo, so that a job of its batch would get its answer after all of these."""
    worker = RecordingWorker()

    async def test(batcher: Batcher) -> None:
        tasks = await queued(batcher, job("a"), job("lines", LINES, photos=3), job("b", GEOJSON), job("more", LINES))
        worker.go.set()
        answers = await asyncio.gather(*tasks)
        assert [answer.body for answer in answers] == [b"first", b"a", b"lines", b"b", b"more"]

    run(worker, test)
    assert worker.batches == [["first"], ["a", "b"], ["lines"], ["more"]]


def test_a_batch_has_one_set_of_options_and_a_bounded_size() -> None:
    worker = RecordingWorker()
    other = Options(LocateOptions(top=3))

    async def test(batcher: Batcher) -> None:
        jobs = [job("a", photos=BATCH - 1), job("b", options=other), job("c", photos=2), job("d")]
        tasks = await queued(batcher, *jobs)
        worker.go.set()
        await asyncio.gather(*tasks)

    run(worker, test)
    assert worker.batches == [["first"], ["a", "d"], ["b"], ["c"]]


@pytest.mark.parametrize(
    ("error", "status"), [(WorkerLostError(), 422), (WorkerSlowError(), 422), (BrokenAnswerError(), 500)]
)
def test_only_the_job_that_fails_alone_is_refused(error: Exception, status: int) -> None:
    worker = RecordingWorker(lambda names: error if "bad" in names else None)

    async def test(batcher: Batcher) -> None:
        tasks = await queued(batcher, job("a"), job("bad"), job("b"))
        worker.go.set()
        first, a, bad, b = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(bad, ProblemError) and bad.status == status
        assert all(isinstance(answer, Answer) for answer in (first, a, b))

    run(worker, test)
    assert worker.batches == [["first"], ["a", "bad", "b"], ["a"], ["bad"], ["b"]]
    assert worker.started == (1 if isinstance(error, BrokenAnswerError) else 3)


def test_a_full_queue_refuses_and_a_client_that_leaves_frees_its_place() -> None:
    worker = RecordingWorker()

    async def test(batcher: Batcher) -> None:
        tasks = await queued(batcher, *(job(str(number), photos=16) for number in range(8)))
        assert batcher.waiting == Limits().queue
        with pytest.raises(ProblemError) as refused:
            batcher.check_room()
        assert refused.value.status == 429 and int(refused.value.headers["Retry-After"]) >= 1
        tasks[-1].cancel()
        await asyncio.sleep(0)
        batcher.check_room(16)
        worker.go.set()
        await asyncio.gather(*tasks[:-1])

    run(worker, test)


def test_what_still_waits_when_the_server_stops_is_refused() -> None:
    worker = RecordingWorker()
    left: list[asyncio.Task[Answer]] = []

    async def test(batcher: Batcher) -> None:
        left.extend(await queued(batcher, job("a")))
        await batcher.stop()
        with pytest.raises(ProblemError, match="the server is stopping"):
            await left[-1]

    run(worker, test)


def test_a_line_of_a_job_that_is_tried_again_is_passed_on_once() -> None:
    async def test() -> None:
        waiting = job("a", LINES, photos=2)
        for photo, line in ((0, b"0"), (0, b"0 again"), (1, b"1")):
            waiting.add_line(photo, line)
        assert [waiting.lines.get_nowait() for _ in range(waiting.lines.qsize())] == [b"0", b"1"]

    asyncio.run(test())


def test_a_full_queue_says_when_to_come_back(server: Server) -> None:
    with ThreadPoolExecutor(10) as pool:
        with server.workers_stopped():
            answers = [pool.submit(ask, server, JPEG, JPEG, JPEG) for _ in range(10)]
            # the first five may share a batch and two may wait
            wait_until(lambda: sum(answer.done() for answer in answers) >= 3, "the others are refused")
        statuses = [answer.result().status_code for answer in answers]
    assert set(statuses) == {200, 429}
    refused = answers[statuses.index(429)].result()
    is_problem(refused, 429, "photos wait already")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert metric(server, "whereshot_queue_photos") == 0


@pytest.mark.slow
def test_who_leaves_frees_the_place(server: Server) -> None:
    left = metric(server, "whereshot_clients_left_total")
    with server.workers_stopped():
        connections = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(3)]
        for connection, form in zip(connections, (LINES, JSON, LINES), strict=True):
            accept = f"Host: localhost\r\nAccept: {form}\r\n".encode()  # a job of lines shares its batch with no other
            connection.sendall(raw_form([("photos", JPEG)] * 3).replace(b"Host: localhost\r\n", accept))
        wait_until(lambda: metric(server, "whereshot_queue_photos") == 6, "one job is begun, two wait")
        for connection in connections:
            connection.close()
        gone = left + len(connections)
        wait_until(lambda: metric(server, "whereshot_clients_left_total") == gone, "the clients are seen to leave")
        assert metric(server, "whereshot_queue_photos") == 0
    assert ask(server, JPEG).status_code == 200
