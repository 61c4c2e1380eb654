"""A picture server with every fault of the web: slow, lying about lengths, dropping connections, sending rubbish.

What a url does follows from its number alone, so that a run can be judged; ``python faulty_server.py`` runs it in a
process of its own and prints its port.
"""

from __future__ import annotations

import asyncio
import io
import random
import sys
from collections import Counter

import numpy as np
from PIL import Image

from own_server import OwnServer

SHARES = {
    "good": 0.78,
    "broken": 0.02,
    "says more": 0.02,
    "says less": 0.02,
    "says nothing": 0.02,
    "html": 0.02,
    "tiny": 0.02,
    "missing": 0.02,
    "unavailable": 0.02,
    "busy once": 0.02,
    "error once": 0.02,
    "error always": 0.01,
    "moved": 0.01,
}
GOOD = ("good", "says nothing", "busy once", "error once", "moved")
"""Kinds that end in a picture."""

REASONS = {
    "broken": "damaged picture",
    "says more": "wrong length",
    "says less": "damaged picture",
    "html": "not a picture",
    "tiny": "too small",
    "missing": "not found",
    "unavailable": "photo no longer available",
    "error always": "server error",
}


def kind_of(number: int) -> str:
    """What the url of a number does."""
    return random.Random(number).choices(list(SHARES), list(SHARES.values()))[0]


def picture(number: int, side: int = 64) -> bytes:
    """A JPEG of its own for each number."""
    rng = np.random.default_rng(number)
    buffer = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


class FaultyServer(OwnServer):
    """Serves /p/NUMBER.jpg on a port of 127.0.0.1, in a thread; ``with FaultyServer() as server``."""

    def __init__(self, *, delay_s: float = 0.0, drops: float = 0.0, side: int = 64, robots: str = "") -> None:
        super().__init__()
        self.delay_s, self.drops, self.side, self.robots = delay_s, drops, side, robots
        self.asked: Counter[str] = Counter()
        self.delivered: Counter[str] = Counter()
        self.at_a_time = self.most_at_a_time = 0
        self.agents: set[str] = set()
        self._late: dict[asyncio.StreamWriter, bytes] = {}
        """By connection: the bytes beyond the announced length, which are the answer to its next question."""

    async def answer(self, target: str, headers: dict[str, str], writer: asyncio.StreamWriter) -> bool:
        late = self._late.pop(writer, None)
        if late is not None:
            writer.write(late)
            return False
        self.agents |= {headers["user-agent"]} if "user-agent" in headers else set()
        self.asked[target] += 1
        self.at_a_time += 1
        self.most_at_a_time = max(self.at_a_time, self.most_at_a_time)
        try:
            return await self._answer(target, writer)
        finally:
            self.at_a_time -= 1

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> bool:
        if path == "/robots.txt":
            status = "200 OK" if self.robots else "404 Not Found"
            return self._send(writer, status, self.robots.encode(), "text/plain")
        if path == "/photo_unavailable.png":
            return self._send(writer, "200 OK", picture(0, 64))
        number = int(path.rpartition("/")[2].partition(".")[0])
        kind = kind_of(number) if path.startswith("/p/") else "good"
        draw = random.Random(f"{path} {self.asked[path]}")  # whatever order the questions come in
        await asyncio.sleep(self.delay_s * draw.random())
        data = picture(number, self.side)
        if draw.random() < self.drops:
            if draw.random() < 0.5:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n")
                writer.write(f"Content-Length: {len(data)}\r\n\r\n".encode() + data[: len(data) // 3])
            return False
        first = self.asked[path] == 1
        if kind == "busy once" and first:
            return self._send(writer, "429 Too Many Requests", b"", more="Retry-After: 0\r\n")
        if (kind == "error once" and first) or kind == "error always":
            return self._send(writer, "503 Service Unavailable", b"later")
        if kind == "missing":
            return self._send(writer, "404 Not Found", b"none")
        if kind == "unavailable":
            return self._send(writer, "302 Found", b"", more="Location: /photo_unavailable.png\r\n")
        if kind == "moved":
            return self._send(writer, "301 Moved", b"", more=f"Location: /moved/{number}.jpg\r\n")
        if kind == "html":
            return self._send(writer, "200 OK", b"<html>sorry</html>" * 200, "text/html; charset=utf-8")
        if kind == "tiny":
            return self._send(writer, "200 OK", data[:900])
        if kind == "broken":
            return self._send(writer, "200 OK", data[: len(data) * 2 // 3])
        if kind == "says nothing":
            self.delivered[path] += 1
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + data)
            return False
        if kind in ("says more", "says less"):
            claimed = len(data) * 2 if kind == "says more" else len(data) // 2
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: {claimed}\r\n\r\n".encode())
            writer.write(data[:claimed])
            self._late[writer] = data[claimed:]
            return kind == "says less"
        self.delivered[path] += 1
        return self._send(writer, "200 OK", data)

    def _send(
        self, writer: asyncio.StreamWriter, status: str, data: bytes, kind: str = "image/jpeg", more: str = ""
    ) -> bool:
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n{more}\r\n"
        writer.write(head.encode() + data)
        return True


if __name__ == "__main__":
    delay_s, drops, side = float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    with FaultyServer(delay_s=delay_s, drops=drops, side=side) as running:
        print(running.port, flush=True)
        sys.stdin.read()
        once = sum(1 for count in running.delivered.values() if count == 1)
        print(once, len(running.delivered), sum(running.asked.values()), flush=True)
