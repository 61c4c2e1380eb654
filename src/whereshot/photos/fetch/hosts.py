"""When the next request to each host may be sent, and which public addresses the host has."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from whereshot.photos.fetch import base

KEPT_HOSTS = 4096
"""The largest number of hosts whose pace is remembered, so that a list of a million hosts does not fill the memory."""


class Host:
    """One host, with its limits of requests at the same time and per second, and the pause that it asked for."""

    def __init__(self, manners: base.Manners) -> None:
        self._slots = asyncio.Semaphore(manners.connections_per_host)
        self._interval_s = 1 / manners.rate_per_host if manners.rate_per_host else 0.0
        self._next = 0.0
        self.waiting = 0

    def slow_down(self, interval_s: float) -> None:
        """Leave at least ``interval_s`` seconds between two requests."""
        self._interval_s = max(self._interval_s, interval_s)

    def pause(self, seconds: float) -> None:
        """Send no request for this number of seconds."""
        self._next = max(self._next, time.monotonic() + seconds)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a slot and for the time of the next request."""
        self.waiting += 1
        try:
            async with self._slots:
                while (wait := self._next - time.monotonic()) > 0:
                    await asyncio.sleep(wait)
                self._next = max(self._next, time.monotonic()) + self._interval_s if self._interval_s else self._next
                yield
        finally:
            self.waiting -= 1


class Hosts:
    """The hosts by name. When there are too many, a host without waiting requests is forgotten."""

    def __init__(self, manners: base.Manners) -> None:
        self._manners = manners
        self._hosts: OrderedDict[str, Host] = OrderedDict()

    def __getitem__(self, name: str) -> Host:
        if name not in self._hosts:
            if len(self._hosts) >= KEPT_HOSTS:
                idle = next((other for other, host in self._hosts.items() if not host.waiting), None)
                if idle is not None:
                    del self._hosts[idle]
            self._hosts[name] = Host(self._manners)
        self._hosts.move_to_end(name)
        return self._hosts[name]


class PrivateAddressError(OSError):
    """A host name leads to an address of a private network."""


def is_public(address: str) -> bool:
    """Return whether an IP address is public. An IPv6 address that contains an IPv4 address is tested by the latter."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    return (inner or ip).is_global and not ip.is_multicast


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses only. The connection is made to exactly the address that was checked."""

    def __init__(self) -> None:
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        """Return the public addresses of a host. Raises PrivateAddressError where it has none."""
        found = await self._inner.resolve(host, port, family)
        public = [entry for entry in found if is_public(entry["host"])]
        if not public:
            raise PrivateAddressError(f"{host} is {found[0]['host']}, an address of a private network")
        return public

    async def close(self) -> None:
        """End the threads that look up names."""
        await self._inner.close()
