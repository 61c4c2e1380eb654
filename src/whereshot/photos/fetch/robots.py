"""Read the robots.txt of a site: whether a path may be fetched, and the pause between two requests (RFC 9309)."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from urllib.robotparser import RobotFileParser

from whereshot.photos.fetch import base

MOST_BYTES = 512 * 1024
KEPT_SITES = 4096
ASK_AGAIN_S = 60.0
"""Seconds after which a site whose rules could not be read is asked again."""


class Rules:
    """What one site allows to one user agent. ``problem`` is why its rules could not be read, which forbids
    everything.
    """

    def __init__(self, text: str, user_agent: str, problem: base.RefusedError | None = None) -> None:
        self.problem, self._user_agent = problem, user_agent
        self.read_at = time.monotonic()
        self._parser = RobotFileParser()
        self._parser.parse(text.splitlines())
        self.delay_s = float(self._parser.crawl_delay(user_agent) or 0)

    def check(self, url: str, site: str) -> None:
        """Raise RefusedError where the url may not be fetched."""
        if self.problem is not None:
            if self.problem.reason != base.SERVER_ERROR:
                raise base.RefusedError(self.problem.reason, self.problem.detail)
            raise base.RefusedError(base.ROBOTS, f"{url}: all is forbidden while there is no {self.problem.detail}")
        if not self._parser.can_fetch(self._user_agent, url):
            raise base.RefusedError(base.ROBOTS, f"{site}/robots.txt forbids {url} to {self._user_agent!r}")

    @property
    def is_old(self) -> bool:
        """Return whether it is time to read the rules again."""
        return self.problem is not None and time.monotonic() - self.read_at > ASK_AGAIN_S


class Robots:
    """The rules by site, each read once. ``ask`` returns the text, "" where there is none, or raises RefusedError."""

    def __init__(self, ask: Callable[[str], Awaitable[str]], user_agent: str) -> None:
        self._ask, self._user_agent = ask, user_agent
        self._rules: OrderedDict[str, asyncio.Task[Rules]] = OrderedDict()

    async def rules(self, site: str) -> Rules:
        """Return the rules of a site such as ``https://host:port``."""
        known = self._rules.get(site)
        if known is None or (known.done() and known.result().is_old):
            while len(self._rules) >= KEPT_SITES:
                self._rules.popitem(last=False)
            self._rules[site] = asyncio.ensure_future(self._read(site))
        self._rules.move_to_end(site)
        return await asyncio.shield(self._rules[site])

    async def _read(self, site: str) -> Rules:
        try:
            return Rules(await self._ask(f"{site}/robots.txt"), self._user_agent)
        except base.RefusedError as error:
            return Rules("", self._user_agent, error)
