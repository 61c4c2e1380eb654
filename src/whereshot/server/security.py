"""Checks around every request (ASGI): tokens, host names, foreign pages, security headers, and unread uploads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from whereshot.foundation.errors import InputError
from whereshot.server import problems
from whereshot.server.limits import HEADER_BYTES, TOO_LONG_HEADERS
from whereshot.server.metrics import Metrics
from whereshot.server.origins import foreign_page
from whereshot.server.tokens import Tokens

OPEN_PATHS = ("/healthz", "/readyz", "/v1/page", "/openapi.json")
"""Paths that need no token, besides the files of the page. They contain nothing of a request or of the model."""
DRAIN_BYTES = 64_000_000
DRAIN_S = 3.0
"""Limits on reading and dropping a refused upload. Most clients read the answer only after they have sent all."""


def origin_of(address: str, what: str) -> str:
    """Return scheme, host and port of an http address, for a content security policy. Raises InputError."""
    parts = urlsplit(address)
    try:
        port = parts.port
    except ValueError:
        port = -1
    host = parts.hostname or ""
    fit = host and all(letter.isalnum() or letter in "-.[]:" for letter in host) and host.isascii()
    if parts.scheme not in ("http", "https") or not fit or parts.username or port == -1 or not address.isprintable():
        raise InputError(f"{what} is an address that begins with https:// or http:// and a host; got {address!r}")
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{f':{port}' if port else ''}"


def policy(tiles: str | None, geocoder: str | None) -> str:
    """Return the content security policy: this server, the worker of the map, and the hosts of tiles and geocoder."""
    tile, found = (
        (f" {origin_of(tiles, 'tiles')}" if tiles else ""),
        (f" {origin_of(geocoder, 'geocoder')}" if geocoder else ""),
    )
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"img-src 'self' data: blob:{tile}",
            "font-src 'self'",
            f"connect-src 'self'{tile}{found if found != tile else ''}",
            "worker-src blob:",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


def safe_headers(content_policy: str) -> list[tuple[bytes, bytes]]:
    """Return the security headers, which every answer gets."""
    named = {
        "content-security-policy": content_policy,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(self), geolocation=(), microphone=()",
    }
    return [(name.encode(), value.encode()) for name, value in named.items()]


class Guard:
    """ASGI middleware: refuses requests without permission before their body is read, and adds security headers."""

    def __init__(
        self,
        app: Any,
        *,
        headers: list[tuple[bytes, bytes]],
        tokens: Tokens | None,
        hosts: Sequence[str] | None,
        metrics: Metrics,
        allowed: Sequence[str] = (),
    ) -> None:
        """Take the application and the checks.

        ``hosts`` are the names of this server that a Host header may have; None allows any. They protect against DNS
        rebinding: a foreign page whose name is made to resolve to this server. Pages of the host names ``allowed`` may
        send photos, whatever the Host header is.
        """
        self._app, self._headers, self._tokens, self._hosts, self._metrics = app, headers, tokens, hosts, metrics
        self._allowed = allowed

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answer or refuse a request, and count its status and its time."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._headers)
        began = time.perf_counter()
        refused = self._refused(scope)
        try:
            if refused is not None:
                await exchange.refuse(*refused)
            else:
                await self._app(scope, exchange.receive, exchange.send)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.requests.labels(route, str(exchange.status)).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - began)

    def _refused(self, scope: dict[str, Any]) -> tuple[int, str, list[tuple[bytes, bytes]]] | None:
        if _header_bytes(scope) > HEADER_BYTES:
            return 400, TOO_LONG_HEADERS, []
        headers = dict(reversed(scope["headers"]))
        host = headers.get(b"host", b"").decode("latin-1").lower()
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if self._hosts is not None and name not in self._hosts:
            return 421, f"this server is not called {name[:100]!r}; ask for {self._hosts[0]}", []
        foreign = foreign_page(scope["method"], scope["headers"], host, self._allowed)
        if foreign is not None:
            return 403, foreign, []
        if (
            self._tokens is not None
            and _needs_token(scope["path"])
            and not self._tokens.allow(headers.get(b"authorization"))
        ):
            return (
                401,
                "this needs a token; send it as: Authorization: Bearer TOKEN",
                [(b"www-authenticate", b"Bearer")],
            )
        return None


def _header_bytes(scope: dict[str, Any]) -> int:
    """Return the number of bytes of the first line and of the headers of a request, as HTTP/1.1 writes them."""
    first = (
        len(scope["method"])
        + len(scope.get("raw_path") or scope["path"].encode())
        + len(scope["query_string"])
        + len(" ? HTTP/1.1\r\n")
    )
    return first + sum(len(name) + len(value) + len(": \r\n") for name, value in scope["headers"])


def _needs_token(path: str) -> bool:
    """Return whether a path needs a token. The files of the page contain nothing private."""
    return (path.startswith("/v1") and path not in OPEN_PATHS) or path == "/metrics"


class _Exchange:
    """One request and its answer. It records whether the body was read, and which status was sent."""

    def __init__(self, scope: dict[str, Any], receive: Any, send: Any, headers: list[tuple[bytes, bytes]]) -> None:
        self._receive, self._send, self._headers = receive, send, headers
        names = dict(scope["headers"])
        self._unread = b"transfer-encoding" in names or names.get(b"content-length", b"0") != b"0"
        self._invited = b"expect" not in names  # a client that waits for "100 Continue" has not sent its body
        self.status = 0

    async def receive(self) -> dict[str, Any]:
        message: dict[str, Any] = await self._receive()
        self._invited = True
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            self._unread = False
        return message

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = {name.lower() for name, _ in message["headers"]}
            added = [(name, value) for name, value in self._headers if name not in given]
            if self._unread and b"connection" not in given:
                await self._drain()
                if self._unread:
                    added.append((b"connection", b"close"))
            message = {**message, "headers": [*message["headers"], *added]}
        await self._send(message)

    async def refuse(self, status: int, detail: str, headers: list[tuple[bytes, bytes]]) -> None:
        """Send a problem document as the answer, without calling the application."""
        body = problems.document(status, detail)
        described = [(b"content-type", problems.PROBLEM_JSON.encode()), (b"content-length", str(len(body)).encode())]
        await self.send({"type": "http.response.start", "status": status, "headers": [*described, *headers]})
        await self.send({"type": "http.response.body", "body": body})

    async def _drain(self) -> None:
        """Read and drop the rest of an upload, within limits, so that the client then reads the answer."""
        if not self._invited:
            return
        dropped = 0
        try:
            async with asyncio.timeout(DRAIN_S):
                while self._unread and dropped < DRAIN_BYTES:
                    dropped += len((await self.receive()).get("body", b""))
        except TimeoutError:
            return
