"""Run the server. On SIGTERM it accepts no further requests, finishes the accepted requests, and ends."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from whereshot.foundation.errors import InputError
from whereshot.server.allocation import return_large_buffers
from whereshot.server.app import Service, make_app
from whereshot.server.batching import Batcher
from whereshot.server.limits import HEADER_BYTES
from whereshot.server.metrics import Metrics
from whereshot.server.pool import Worker
from whereshot.server.protocol import protocol_class

LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")
BACKLOG = 512


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to an address. Raises InputError where the address is taken, before the model is loaded."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{host} port {port} cannot be used ({reason}); give another --port or --host") from error


class _Server(uvicorn.Server):
    """uvicorn's server, which ends in order after a signal instead of being killed by the signal."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


async def _run(
    service: Service, listener: socket.socket, worker: dict[str, Any], workers: int, ready: Callable[[str], None]
) -> None:
    metrics = Metrics()
    batcher = Batcher([Worker(worker) for _ in range(workers)], service.limits, metrics)
    try:
        await batcher.start()
        config = uvicorn.Config(
            make_app(service, batcher, metrics),
            http=protocol_class(service.limits, service.headers()),
            ws="none",
            lifespan="off",
            access_log=False,
            log_level="error",
            server_header=False,
            h11_max_incomplete_event_size=HEADER_BYTES,
            timeout_graceful_shutdown=round(service.limits.shutdown_s),
            proxy_headers=False,
        )
        host, port = listener.getsockname()[:2]
        ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")
        await _Server(config).serve(sockets=[listener])
    finally:
        await batcher.stop()
        listener.close()


def run(
    service: Service, listener: socket.socket, worker: dict[str, Any], workers: int, ready: Callable[[str], None]
) -> None:
    """Serve until a signal comes.

    ``worker`` are the settings of each of the ``workers`` processes. ``ready`` is called with the address.

    Raises ModelError where the model cannot be loaded.
    """
    return_large_buffers()
    asyncio.run(_run(service, listener, worker, workers, ready))
