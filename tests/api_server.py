"""A server of web APIs with every fault of theirs: busy, broken, cut off, slow, a page of HTML where JSON is due.

What it answers is a function of the question; ``faults`` are used up by the next questions, one each.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from own_server import OwnServer

Answer = tuple[int, bytes, str]
"""Status, body, content type."""

Respond = Callable[[str, dict[str, str], dict[str, str]], Answer]
"""(path, parameters, headers by their names in small letters) -> Answer."""


def as_json(document: Any, status: int = 200) -> Answer:
    return status, json.dumps(document).encode(), "application/json"


FAULTS: dict[str, bytes | None] = {
    "busy": b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n",
    "patience": b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
    "error": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 5\r\n\r\nsorry",
    "cut": b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{"stat": "o',
    "hung up": b"",
    "html": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 18\r\n\r\n<html>sorry</html>",
    "moved": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/elsewhere\r\nContent-Length: 0\r\n\r\n",
    "not found": None,
    "slow": None,
    "fine": None,
}


class ApiServer(OwnServer):
    """Answers on a port of 127.0.0.1, in a thread; ``with ApiServer(respond) as server``."""

    def __init__(self, respond: Respond, faults: Iterable[str] = ()) -> None:
        super().__init__()
        self.respond, self.faults = respond, deque(faults)
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.paths: Counter[str] = Counter()
        self.after: dict[int, Callable[[], None]] = {}
        """What happens when so many questions have come."""

    async def answer(self, target: str, headers: dict[str, str], writer: asyncio.StreamWriter) -> bool:
        parts = urlsplit(target)
        asked = (parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), headers)
        self.asked.append(asked)
        self.paths[parts.path] += 1
        self.after.pop(len(self.asked), lambda: None)()
        fault = self.faults.popleft() if self.faults else "fine"
        if fault == "slow":
            await asyncio.sleep(0.3)
        if (raw := FAULTS[fault]) is not None:
            writer.write(raw)
            return fault not in ("cut", "hung up")
        if fault == "not found":
            status, body, kind = as_json({"stat": "fail", "code": 1, "message": "Photo not found"})
        else:
            status, body, kind = self.respond(*asked)
        writer.write(f"HTTP/1.1 {status} -\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        writer.write(body)
        return True
