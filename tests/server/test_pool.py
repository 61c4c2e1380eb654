"""The processes that hold the model: replaced when they die, ended when they take too long."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor

from http_client import (
    JPEG,
    ask,
    get,
    is_problem,
    metric,
)
from serving_process import Server, served
from waiting import wait_until


def test_a_process_that_dies_is_replaced_and_who_waited_is_answered(server: Server) -> None:
    restarts = metric(server, "whereshot_worker_restarts_total")
    for worker in server.workers():  # while nobody asks
        os.kill(worker, signal.SIGKILL)
    assert ask(server, JPEG).status_code == 200
    with ThreadPoolExecutor(2) as pool:
        with server.workers_stopped():
            answers = [pool.submit(ask, server, JPEG, JPEG, top=top) for top in "12"]  # other options, other batch
            wait_until(lambda: metric(server, "whereshot_queue_photos") == 2, "one job is begun, the other waits")
            for worker in server.workers():
                os.kill(worker, signal.SIGKILL)
        assert {answer.result().status_code for answer in answers} == {200}
    assert metric(server, "whereshot_worker_restarts_total") >= restarts + 2


def test_a_photo_that_takes_too_long_is_refused() -> None:
    with served(limits={"photo_s": 0.02}) as hasty:
        is_problem(ask(hasty, JPEG), 422, "took more than 0.02 s")
        assert get(hasty, "/healthz").status_code == 200
