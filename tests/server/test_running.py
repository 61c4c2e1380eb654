"""The server as a process: its address, and its end on a signal."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from http_client import JPEG, ask, get
from serving_process import served
from whereshot.foundation.errors import InputError


def test_the_server_finishes_what_it_took() -> None:
    with served() as server:
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(ask, server, *[JPEG] * 12)
            time.sleep(0.3)
            server.process.send_signal(signal.SIGTERM)
            assert answer.result().status_code == 200
        assert server.process.wait(10) == 0
        with pytest.raises(httpx.ConnectError):
            get(server, "/healthz")


def test_a_taken_port_is_told() -> None:
    from whereshot.server import running

    with running.bind("127.0.0.1", 0) as listener, pytest.raises(InputError, match="give another --port"):
        running.bind("127.0.0.1", listener.getsockname()[1])
