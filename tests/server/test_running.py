"""The server as a process: its address, and its end on a signal."""

from __future__ import annotations

import signal
import socket
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from http_client import JPEG, ask, get, metric
from serving_process import Server, served
from waiting import PATIENCE_S, wait_until
from whereshot.foundation.errors import InputError


def listens(server: Server) -> bool:
    """Whether the server takes a connection."""
    try:
        socket.create_connection(("127.0.0.1", server.port)).close()
    except ConnectionRefusedError:
        return False
    return True


def test_the_server_finishes_what_it_took() -> None:
    with served() as server:
        with ThreadPoolExecutor(2) as pool:
            with server.workers_stopped():
                answers = [pool.submit(ask, server, *[JPEG] * 6, top=top) for top in "12"]  # other options, other batch
                wait_until(lambda: metric(server, "whereshot_queue_photos") == 6, "one job is begun, the other waits")
                server.process.send_signal(signal.SIGTERM)
                wait_until(lambda: not listens(server), "the server takes no more questions")
            assert [answer.result().status_code for answer in answers] == [200, 200]
        assert server.process.wait(PATIENCE_S) == 0
        with pytest.raises(httpx.ConnectError):
            get(server, "/healthz")


def test_a_taken_port_is_told() -> None:
    from whereshot.server import running

    with running.bind("127.0.0.1", 0) as listener, pytest.raises(InputError, match="give another --port"):
        running.bind("127.0.0.1", listener.getsockname()[1])
