"""A server of files and of the hub's descriptions of them, with the faults of long downloads, one for each question."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import deque
from collections.abc import Iterable
from urllib.parse import urlsplit

from own_server import OwnServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class FileServer(OwnServer):
    """Serves ``files`` by path, also pieces of them; ``faults`` are used up by the next questions for files.

    "cut": a third of it, then the connection is dropped; "whole": all of it, whatever piece was asked for; "wrong": as
    many other bytes; "circle": to itself; "ftp": to another kind of address; a number: this status.
    """

    def __init__(self, files: dict[str, bytes] | None = None, faults: Iterable[str | int] = ()) -> None:
        super().__init__()
        self.files, self.faults = files or {}, deque(faults)
        self.asked: list[tuple[str, str]] = []
        """(path, range) of every question."""

    def add_repository(self, name: str, files: dict[str, bytes], commit: str = COMMIT, branch: str = "main") -> None:
        """What the hub says of a repository, and its files at the commit."""
        siblings = [
            {"rfilename": file, "size": len(data), "lfs": {"sha256": hashlib.sha256(data).hexdigest()}}
            for file, data in files.items()
        ]
        told = {"id": name, "sha": commit, "siblings": siblings, "cardData": {"license": "mit"}}
        for at in ("", f"/revision/{branch}", f"/revision/{commit}"):
            self.files[f"/api/models/{name}{at}"] = json.dumps(told).encode()
        for file, data in files.items():
            self.files[f"/{name}/resolve/{commit}/{file}"] = data

    async def answer(self, target: str, headers: dict[str, str], writer: asyncio.StreamWriter) -> bool:
        path = urlsplit(target).path
        self.asked.append((path, headers.get("range", "")))
        is_file = not path.startswith("/api/")
        fault = self.faults.popleft() if self.faults and is_file else "fine"
        if isinstance(fault, int) or path not in self.files:
            status = fault if isinstance(fault, int) else 404
            writer.write(f"HTTP/1.1 {status} -\r\nContent-Length: 0\r\n\r\n".encode())
            return True
        if fault in ("circle", "ftp"):
            there = path if fault == "circle" else "ftp://127.0.0.1/file"
            writer.write(f"HTTP/1.1 302 Found\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n".encode())
            return True
        data, status, more = self.files[path], "200 OK", ""
        if fault == "wrong":
            data = bytes(len(data))
        asked = headers.get("range", "")
        if asked and fault != "whole":
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(data):
                writer.write(b"HTTP/1.1 416 -\r\nContent-Length: 0\r\n\r\n")
                return True
            status, more = "206 Partial", f"Content-Range: bytes {start}-{len(data) - 1}/{len(data)}\r\n"
            data = data[start:]
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(data)}\r\n{more}\r\n".encode())
        writer.write(data[: len(data) // 3] if fault == "cut" else data)
        return fault != "cut"
