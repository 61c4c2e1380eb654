"""Around every request: who may ask, what a page may do, and that no unread upload outlives its answer (ASGI)."""

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
"""What is told without a token, besides the page's own files: nothing that was asked, and nothing of a model."""
DRAIN_BYTES = 64_000_000
DRAIN_S = 3.0
"""How much of a refused upload is read and dropped, so that its sender comes to read the answer."""


def origin_of(address: str, what: str) -> str:
    """Scheme and host of an http address, fit for a content security policy. Raises InputError."""
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
    """The content security policy: only this server, the map's worker, and the hosts that were named."""
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
    """Headers of every answer."""
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
    """ASGI middleware: refuses strangers before they send anything, and puts the safe headers on every answer."""

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
        """``hosts`` are the names that a request may call this server by (None: any), as a page elsewhere whose name
        was made to lead here would call it by its own. Pages of the names ``allowed`` may send photos, whatever Host
        says."""
        self._app, self._headers, self._tokens, self._hosts, self._metrics = app, headers, tokens, hosts, metrics
        self._allowed = allowed

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answer a request, or refuse it, and count and log how it ended."""
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
    """Bytes of a request's first line and of its headers, as HTTP/1.1 writes them."""
    first = (
        len(scope["method"])
        + len(scope.get("raw_path") or scope["path"].encode())
        + len(scope["query_string"])
        + len(" ? HTTP/1.1\r\n")
    )
    return first + sum(len(name) + len(value) + len(": \r\n") for name, value in scope["headers"])


def _needs_token(path: str) -> bool:
    """The page's files hold nothing that is anyone's own; all else is asked for with a token."""
    return (path.startswith("/v1") and path not in OPEN_PATHS) or path == "/metrics"


class _Exchange:
    """One request and its answer, watched: what of the body was read, what status was sent."""

    def __init__(self, scope: dict[str, Any], receive: Any, send: Any, headers: list[tuple[bytes, bytes]]) -> None:
        self._receive, self._send, self._headers = receive, send, headers
        names = dict(scope["headers"])
        self._unread = b"transfer-encoding" in names or names.get(b"content-length", b"0") != b"0"
        self._invited = b"expect" not in names  # who waits for "100 Continue" has sent nothing yet
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
        """Answer with a problem instead of the application."""
        body = problems.document(status, detail)
        described = [(b"content-type", problems.PROBLEM_JSON.encode()), (b"content-length", str(len(body)).encode())]
        await self.send({"type": "http.response.start", "status": status, "headers": [*described, *headers]})
        await self.send({"type": "http.response.body", "body": body})

    async def _drain(self) -> None:
        """Read and drop what is still coming, for a while; a sender that is cut off never reads its answer."""
        if not self._invited:
            return
        dropped = 0
        try:
            async with asyncio.timeout(DRAIN_S):
                while self._unread and dropped < DRAIN_BYTES:
                    dropped += len((await self.receive()).get("body", b""))
        except TimeoutError:
            return
