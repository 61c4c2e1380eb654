"""HTTP as the server speaks it: long headers, bytes that are not HTTP, slow clients."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from http_client import (
    JPEG,
    metric,
    raw_form,
    sent,
)
from serving_process import Server

HEADERS_ARE_LONG = "the headers of the request have more than 16,384 bytes, the limit"


def test_a_header_of_a_megabyte_is_refused(server: Server) -> None:
    status, problem, seconds = sent(server, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 1_000_000)
    assert (status, problem["status"]) == (400, 400) and seconds < 5
    assert problem["detail"] == HEADERS_ARE_LONG


def test_headers_have_16_kb_also_when_they_come_at_once(server: Server) -> None:
    """All of them may arrive in one packet, and be complete before anyone counts what is missing."""
    start, end = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", b"\r\n\r\n"

    def headers_of(size: int) -> bytes:
        return start + b"X: " + b"a" * (size - len(start) - len(b"X: ") - len(end)) + end

    status, problem, _ = sent(server, headers_of(16_384))
    assert (status, problem) == (200, {"status": "ok"})
    for size in (16_400, 60_000):
        status, problem, _ = sent(server, headers_of(size))
        assert (status, problem["detail"]) == (400, HEADERS_ARE_LONG)


def test_what_is_no_http_is_said_to_be_none(server: Server) -> None:
    status, problem, _ = sent(server, b"\x16\x03\x01 hello\r\n\r\n")
    assert (status, problem["detail"]) == (400, "this is no HTTP request")


def test_the_slow_are_cut_off_and_forgotten(server: Server) -> None:
    def drip() -> tuple[int, dict[str, Any], float]:
        """An upload that never stops and never ends."""
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            connection.sendall(raw_form([("photos", JPEG)])[:300])
            connection.settimeout(0.4)
            while time.monotonic() < began + 20:
                try:
                    answer = connection.recv(65536)
                    connection.settimeout(10)
                    while not answer.endswith(b"}") and (more := connection.recv(65536)):  # the body may come later
                        answer += more
                    head, _, body = answer.partition(b"\r\n\r\n")
                    return int(head.split()[1]), json.loads(body), time.monotonic() - began
                except TimeoutError:
                    connection.sendall(b"x")
        raise AssertionError("it was never cut off")

    def never_read() -> float:
        """Who asks for large answers and takes none of them."""
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            many = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2000
            with contextlib.suppress(OSError):
                while time.monotonic() < began + 20:
                    connection.sendall(many)
        return time.monotonic() - began

    with ThreadPoolExecutor(4) as pool:
        deaf = pool.submit(never_read)
        headers = pool.submit(sent, server, b"GET / HTTP/1.1\r\nHost: loc", 20)
        stalled = pool.submit(sent, server, raw_form([("photos", JPEG)], complete=False)[:-600], 20)
        dripping = pool.submit(drip)
    status, problem, seconds = headers.result()
    assert status == 408 and "headers" in problem["detail"] and seconds < 8
    status, problem, seconds = stalled.result()
    assert status == 408 and "too slow" in problem["detail"] and seconds < 8
    status, problem, seconds = dripping.result()
    assert status == 408 and "too slow" in problem["detail"] and 4 < seconds < 15
    assert deaf.result() < 15
    assert metric(server, "whereshot_held_bytes") == 0
