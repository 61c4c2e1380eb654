"""HTTP/1.1 connections of uvicorn with time limits: for slow headers, and for clients that do not read."""

from __future__ import annotations

import asyncio
import functools
import sys
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from whereshot.server import problems
from whereshot.server.limits import TOO_LONG_HEADERS, Limits


class PatientProtocol(H11Protocol):
    """One connection. It limits the time for the headers of a request and for reading an answer."""

    def __init__(self, *args: Any, limits: Limits, headers: list[tuple[bytes, bytes]], **named: Any) -> None:
        super().__init__(*args, **named)
        self._limits, self._safe_headers = limits, headers
        self._header_timer: asyncio.TimerHandle | None = None
        self._reader_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # h11's protocol is only given whole transports
        """Refuse a connection beyond the limit; else wait for its headers."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            self._refuse(503, "too many connections are open; try again in a few seconds")
        else:
            self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers of the connection."""
        for timer in (self._header_timer, self._reader_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes, and start the timer where the headers are not complete."""
        super().data_received(data)
        self._await_headers()

    def on_response_complete(self) -> None:
        """Wait for the headers of the next request."""
        super().on_response_complete()
        self._await_headers()

    def pause_writing(self) -> None:
        """Start the timer of a client that does not read."""
        super().pause_writing()
        self._watch_reader(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """Stop the timer: the client reads again."""
        super().resume_writing()
        if self._reader_timer is not None:
            self._reader_timer.cancel()

    def _watch_reader(self, left: int) -> None:
        """Close the connection where the client reads none of the ``left`` bytes within the time limit."""

        def check() -> None:
            now_left = self.transport.get_write_buffer_size()
            if now_left < left:
                self._watch_reader(now_left)
            else:
                self.transport.abort()

        self._reader_timer = self.loop.call_later(self._limits.idle_s, check)

    def _await_headers(self) -> None:
        """Start the timer of the headers when a request is awaited; stop it when they are complete."""
        waiting = self.conn.their_state is h11.IDLE and not self.transport.is_closing()
        if waiting and self._header_timer is None:
            self._header_timer = self.loop.call_later(self._limits.header_s, self._too_slow)
        elif not waiting and self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _too_slow(self) -> None:
        self._refuse(408, f"the headers of the request did not come within {self._limits.header_s:g} s")

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that uvicorn cannot read. The handler of RemoteProtocolError is its only caller."""
        if getattr(sys.exception(), "error_status_hint", None) == 431:  # h11 reports a full buffer with this status
            self._refuse(400, TOO_LONG_HEADERS)
        else:
            self._refuse(400, "this is not an HTTP request")

    def _refuse(self, status: int, detail: str) -> None:
        """Send a problem document and close the connection."""
        if self.transport.is_closing():
            return
        body = problems.document(status, detail)
        described = [
            ("content-type", problems.PROBLEM_JSON),
            ("content-length", str(len(body))),
            ("connection", "close"),
        ]
        lines = [f"HTTP/1.1 {status} {problems.title_of(status)}", *(f"{name}: {value}" for name, value in described)]
        lines += [f"{name.decode()}: {value.decode()}" for name, value in self._safe_headers]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        self.transport.close()


def protocol_class(limits: Limits, headers: list[tuple[bytes, bytes]]) -> Any:
    """Return the factory with which uvicorn makes connections."""
    return functools.partial(PatientProtocol, limits=limits, headers=headers)
