"""HTTP as the server speaks it: long headers, bytes that are not HTTP, slow clients."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from http_client import (
    JPEG,
    metric,
    raw_form,
    sent,
)
from serving_process import Server, served
from waiting import PATIENCE_S

HEADERS_ARE_LONG = "the headers of the request have more than 16,384 bytes, the limit"


def test_a_header_of_a_megabyte_is_refused(server: Server) -> None:
    status, problem = sent(server, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 1_000_000)
    assert (status, problem["status"]) == (400, 400)
    assert problem["detail"] == HEADERS_ARE_LONG


def test_headers_have_16_kb_also_when_they_come_at_once(server: Server) -> None:
    """All of them may arrive in one packet, and be complete before anyone counts what is missing."""
    start, end = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", b"\r\n\r\n"

    def headers_of(size: int) -> bytes:
        return start + b"X: " + b"a" * (size - len(start) - len(b"X: ") - len(end)) + end

    status, problem = sent(server, headers_of(16_384))
    assert (status, problem) == (200, {"status": "ok"})
    for size in (16_400, 60_000):
        status, problem = sent(server, headers_of(size))
        assert (status, problem["detail"]) == (400, HEADERS_ARE_LONG)


def test_what_is_no_http_is_said_to_be_none(server: Server) -> None:
    status, problem = sent(server, b"\x16\x03\x01 hello\r\n\r\n")
    assert (status, problem["detail"]) == (400, "this is not an HTTP request")


@pytest.fixture(scope="module")
def impatient() -> Iterator[Server]:
    """A server that waits for nobody."""
    with served(limits={"header_s": 1.0, "idle_s": 1.0, "upload_s": 3.0}) as running:
        yield running


def drip(server: Server) -> tuple[int, dict[str, Any]]:
    """An upload that never stops and never ends: its status and its problem."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(raw_form([("photos", JPEG)])[:300])
        connection.settimeout(0.2)
        answer = b""
        while not answer:
            try:
                answer = connection.recv(65536)
            except TimeoutError:
                connection.sendall(b"x")
        connection.settimeout(PATIENCE_S)
        while not answer.endswith(b"}") and (more := connection.recv(65536)):  # the body may come later
            answer += more
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def never_read(server: Server) -> None:
    """Ask for large answers and take none of them, until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        many = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2000
        with pytest.raises(ConnectionError):
            while True:
                connection.sendall(many)


def test_the_slow_are_cut_off_and_forgotten(impatient: Server) -> None:
    """Were they not cut off, the test would wait for ever, and fail after its patience."""
    with ThreadPoolExecutor(4) as pool:
        deaf = pool.submit(never_read, impatient)
        headers = pool.submit(sent, impatient, b"GET / HTTP/1.1\r\nHost: loc")
        stalled = pool.submit(sent, impatient, raw_form([("photos", JPEG)], complete=False)[:-600])
        dripping = pool.submit(drip, impatient)
    status, problem = headers.result()
    assert (status, problem["detail"]) == (408, "the headers of the request did not come within 1 s")
    slow = "the upload was too slow: 1 s without a byte, or more than 3 s in all"
    for status, problem in (stalled.result(), dripping.result()):
        assert (status, problem["detail"]) == (408, slow)
    deaf.result()
    assert metric(impatient, "whereshot_held_bytes") == 0
