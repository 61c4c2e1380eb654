"""Answers line by line: each photo as soon as it is answered, then the album."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import pytest

from http_client import (
    JPEG,
    LINES,
    SIGN,
    ask,
    is_problem,
    lines_of,
    metric,
    picture,
    raw_form,
    small_sign,
)
from recording_worker import RecordingWorker
from serving_process import Server
from waiting import PATIENCE_S, wait_until
from whereshot.server.app import Service, make_app
from whereshot.server.batching import Batcher
from whereshot.server.limits import Limits
from whereshot.server.metrics import Metrics


def test_each_photo_is_answered_when_it_is_ready(server: Server) -> None:
    before = metric(server, "whereshot_photos_total")
    with lines_of(server, *[JPEG] * 5) as lines:
        *each, last = lines
    assert [line.get("index") for line in [*each, last]] == [0, 1, 2, 3, 4, None]
    assert {line["of"] for line in each} == {5}
    assert metric(server, "whereshot_photos_total") == before + 5


def test_a_line_is_sent_while_the_worker_has_more_to_do() -> None:
    async def inside() -> None:
        worker, metrics = RecordingWorker(), Metrics()
        batcher = Batcher([worker], Limits(), metrics)
        await batcher.start()
        app = make_app(Service({"name": "compact"}), batcher, metrics)
        head, _, body = raw_form([("photos", JPEG), ("photos", JPEG)]).partition(b"\r\n\r\n")
        headers = [
            (name.lower(), value) for name, _, value in (line.partition(b": ") for line in head.split(b"\r\n")[1:])
        ]
        asked = {"method": "POST", "path": "/v1/locate", "headers": [*headers, (b"accept", LINES.encode())]}
        scope = {"type": "http", "http_version": "1.1", "scheme": "http", "query_string": b"", **asked}
        questions = asyncio.Queue()
        questions.put_nowait({"type": "http.request", "body": body})
        answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        answering = asyncio.create_task(app(scope, questions.get, answers.put))
        try:
            async with asyncio.timeout(PATIENCE_S):
                assert (await answers.get())["status"] == 200
                assert (await answers.get())["body"] == b'{"index":0}\n'
                worker.go.set()
                await answering
        finally:
            await batcher.stop()
        assert b"".join(answers.get_nowait().get("body", b"") for _ in range(answers.qsize())) == b"a"

    asyncio.run(inside())


def test_lines_say_what_the_whole_document_says(server: Server) -> None:
    photos = [JPEG, b"no picture", SIGN.read_bytes(), picture("PNG", seed=1)]
    whole = ask(server, *photos, top="2").json()
    with lines_of(server, *photos, top="2") as lines:
        *each, last = lines
    assert [line["prediction"] for line in each] == whole["predictions"]
    assert last == {"model": "compact", "album": whole["album"]}
    with lines_of(server, JPEG) as lines:
        assert [set(line) for line in lines] == [{"index", "of", "prediction"}, {"model", "album"}]


def test_what_is_refused_before_its_first_line_has_its_status(server: Server) -> None:
    is_problem(ask(server, JPEG, accept=LINES, top="0"), 400, "top is a whole number")
    is_problem(ask(server, JPEG, accept=LINES, region="Atlantis"), 400, "no country or region 'Atlantis'")
    is_problem(ask(server, *[JPEG] * 6, accept=LINES), 413, "at most 5 photos")
    assert metric(server, "whereshot_held_bytes") == 0


def test_a_later_problem_is_the_last_line(server: Server) -> None:
    with lines_of(server, b"no picture", b"") as lines:
        *each, last = lines
    assert [line["prediction"]["error"].partition(":")[0] for line in each] == ["photo-0.jpg", "photo-1.jpg"]
    assert (last["problem"]["status"], last["problem"]["detail"]) == (422, "none of 2 photos can be answered")
    assert [error["id"] for error in last["problem"]["errors"]] == ["photo-0.jpg", "photo-1.jpg"]


@pytest.mark.slow
def test_who_leaves_between_two_lines_leaves_nothing_behind(server: Server) -> None:
    with lines_of(server, *[small_sign()] * 4, text="true", map="false") as lines:
        next(lines)
        assert metric(server, "whereshot_held_bytes") > 0
    wait_until(lambda: metric(server, "whereshot_held_bytes") == 0, "the photos of who left are forgotten")
    assert metric(server, "whereshot_queue_photos") == 0
    assert ask(server, JPEG).status_code == 200


@pytest.mark.slow
def test_no_line_comes_twice_where_a_process_dies(server: Server) -> None:
    with lines_of(server, *[small_sign()] * 4, text="true", map="false") as lines:
        first = next(lines)
        for worker in server.workers():
            os.kill(worker, signal.SIGKILL)
        others = list(lines)
    assert [line.get("index") for line in [first, *others]] == [0, 1, 2, 3, None]
    assert others[-1]["album"]["photos"] == 4
