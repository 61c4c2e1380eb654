"""The limits of the server: each is exceeded once."""

from __future__ import annotations

import os
import socket

from http_client import (
    JPEG,
    ask,
    is_problem,
    metric,
    raw_form,
    sent,
)
from serving_process import Server
from waiting import PATIENCE_S, wait_until


def test_too_much_is_refused_and_nothing_is_spooled(server: Server) -> None:
    before = set(server.temporary.iterdir())
    is_problem(ask(server, b"\xff\xd8\xff" + bytes(21_000_000)), 413, "a photo has more than 20 MB")
    is_problem(ask(server, *[JPEG] * 6), 413, "at most 5 photos")
    head = raw_form([("photos", JPEG)]).split(b"Content-Length")[0]
    status, problem = sent(server, head + b"Content-Length: 200000000\r\nExpect: 100-continue\r\n\r\n")
    assert status == 413 and "more than 100 MB" in problem["detail"], "refused before a byte of it is sent"
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        connection.sendall(head + b"Content-Length: 9000000\r\n\r\n--X\r\n")
        connection.sendall(b'Content-Disposition: form-data; name="photos"\r\n\r\n' + bytes(8_000_000))
        wait_until(lambda: metric(server, "whereshot_held_bytes") > 7e6, "it is in memory")
        assert set(server.temporary.iterdir()) == before
        files = [
            os.readlink(f"/proc/{server.process.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{server.process.pid}/fd")
        ]
        assert not [name for name in files if "deleted" in name or name.startswith("/tmp")]
    wait_until(lambda: metric(server, "whereshot_held_bytes") == 0, "it is forgotten when its sender leaves")
