"""Requests to a server in tests: photos, raw bytes and lines, and the checks of its answers."""

from __future__ import annotations

import contextlib
import io
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from serving_process import Server
from waiting import PATIENCE_S

SIGN = Path(__file__).parents[1] / "examples" / "village-sign.jpg"


PROBLEM = "application/problem+json"


LINES = "application/x-ndjson"


SMALL = {
    "queue": 6,
    "photos": 5,
    "pixels": 5_000_000,
    **dict.fromkeys(("header_s", "idle_s", "upload_s", "photo_s"), PATIENCE_S),
}
"""Limits that a test can exceed with few and small photos, and never because the machine is busy."""


def picture(form: str = "JPEG", size: tuple[int, int] = (320, 240), seed: int = 0) -> bytes:
    """A picture of coloured noise."""
    small = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(small).resize(size).save(out, form)
    return out.getvalue()


JPEG = picture()


def small_sign() -> bytes:
    """The picture of a sign, small enough to be read in a second or so."""
    out = io.BytesIO()
    with Image.open(SIGN) as sign:
        sign.thumbnail((640, 640))
        sign.save(out, "JPEG")
    return out.getvalue()


def ask(server: Server, *photos: bytes, accept: str = "application/json", **fields: str) -> httpx.Response:
    """Send photos and options, and return the answer."""
    files = [("photos", (f"photo-{number}.jpg", photo)) for number, photo in enumerate(photos)]
    fields.setdefault("text", "false")
    asked = {"files": files, "data": fields, "headers": {"accept": accept}}
    return httpx.post(f"{server.url}/v1/locate", **asked, timeout=PATIENCE_S, trust_env=False)


def get(server: Server, path: str, **named: Any) -> httpx.Response:
    """Get a path of the server."""
    return httpx.get(server.url + path, timeout=PATIENCE_S, trust_env=False, **named)


def is_problem(response: httpx.Response, status: int, *words: str) -> None:
    """Check that a response is a problem document with a status and words."""
    assert (response.status_code, response.headers["content-type"]) == (status, PROBLEM), response.text
    told = response.json()
    assert told["status"] == status and told["title"]
    for word in words:
        assert word in told["detail"]


def metric(server: Server, name: str) -> float:
    """Return the sum of all counts whose names start with ``name``."""
    lines = get(server, "/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


@contextlib.contextmanager
def lines_of(server: Server, *photos: bytes, **fields: str) -> Iterator[Iterator[dict[str, Any]]]:
    """The documents of an answer that comes line by line, each when it has come."""
    files = [("photos", (f"photo-{number}.jpg", photo)) for number, photo in enumerate(photos)]
    asked = {"files": files, "data": {"text": "false", **fields}, "headers": {"accept": LINES}}
    client = httpx.Client(trust_env=False, timeout=PATIENCE_S)
    with client, client.stream("POST", f"{server.url}/v1/locate", **asked) as response:
        assert (response.status_code, response.headers["content-type"]) == (200, LINES)
        yield (json.loads(line) for line in response.iter_lines())


def sent(server: Server, data: bytes) -> tuple[int, dict[str, Any]]:
    """The status and the document that answer raw bytes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        answer = b""
        with contextlib.suppress(OSError):  # the server has heard enough
            connection.sendall(data)
        with contextlib.suppress(ConnectionResetError):
            while chunk := connection.recv(65536):
                answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def raw_form(parts: list[tuple[str, bytes]], complete: bool = True) -> bytes:
    """Return a whole HTTP request with a form, as bytes; an incomplete request misses its last byte."""
    body = b"".join(
        b'--X\r\nContent-Disposition: form-data; name="%s"; filename="a"\r\n\r\n%s\r\n' % (name.encode(), content)
        for name, content in parts
    )
    body += b"--X--\r\n"
    head = "POST /v1/locate HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    head += f"Content-Type: multipart/form-data; boundary=X\r\nContent-Length: {len(body) + (not complete)}\r\n\r\n"
    return head.encode() + body
