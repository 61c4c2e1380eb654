"""Download the picture of a url: politely, and again where another attempt may help."""

from __future__ import annotations

import asyncio
import datetime
import email.utils
import random
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
from yarl import URL

from whereshot.foundation import download, processes
from whereshot.foundation.errors import one_line
from whereshot.photos.fetch import base, verify
from whereshot.photos.fetch.hosts import Host, Hosts, PrivateAddressError, PublicResolver, is_public
from whereshot.photos.fetch.robots import MOST_BYTES, Robots

_MOVED = (301, 302, 303, 307, 308)
_LATER = (408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524)
_GONE = (404, 410)
_CHUNK = 64 * 1024


class LaterError(base.RefusedError):
    """The request failed now; a retry after ``pause_s`` seconds can help."""

    def __init__(self, reason: str, detail: str, pause_s: float = 0.0) -> None:
        super().__init__(reason, detail)
        self.pause_s = pause_s


class Client:
    """Connections to many hosts at the same time. Use it in an ``async with``.

    With ``is_counted`` only the retries that ``manners`` define are sent, because each request can cost money.
    """

    def __init__(
        self, manners: base.Manners, headers: Mapping[str, str] | None = None, *, is_counted: bool = False
    ) -> None:
        self._manners, self._headers, self._is_counted = manners, headers or {}, is_counted
        self._hosts = Hosts(manners)
        self._robots = Robots(self._robots_text, manners.user_agent)
        self._slots = asyncio.Semaphore(manners.connections)
        self._decoders = ThreadPoolExecutor(processes.cores(), thread_name_prefix="verify")

    async def __aenter__(self) -> Client:
        download.check_online("fetch")
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,  # aiohttp's own limits are off: the slots of each host are the limit
                resolver=None if self._manners.allow_private else PublicResolver(),
                ttl_dns_cache=300,
            ),
            timeout=aiohttp.ClientTimeout(total=self._manners.timeout_s),
            headers={"User-Agent": self._manners.user_agent, "Accept": "image/*, */*;q=0.1", **self._headers},
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        if self._is_counted:  # else aiohttp itself sends the request once more where a server closes the connection
            self._session._retry_connection = False
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        self._decoders.shutdown(cancel_futures=True)

    async def picture(self, url: str) -> tuple[bytes, str]:
        """Return the bytes of a picture that decodes to its end, and the suffix of its file. Raises RefusedError."""
        result: tuple[bytes, str] = await self._patiently(_checked(url, self._manners), self._verified, robots=True)
        return result

    async def ask(self, url: str, accept: Callable[..., Any]) -> Any:
        """Return the result of ``await accept(data, content_type, url)`` for the answer of an API. Raises RefusedError.

        If ``accept`` raises LaterError, the request is sent again. An API is meant for programs, so its robots.txt is
        not read.
        """
        return await self._patiently(_checked(url, self._manners), accept, robots=False)

    async def _robots_text(self, url: str) -> str:
        try:
            data, _ = await self._patiently(URL(url), _any_text, robots=False)
        except base.RefusedError as error:
            if error.reason in (base.NOT_FOUND, base.REFUSED, base.REDIRECTS, base.TOO_LARGE):
                return ""
            raise
        result: str = data.decode("utf-8", "replace")
        return result

    async def _patiently(self, url: URL, accept: Callable[..., Any], *, robots: bool) -> Any:
        """Send a request, with retries where these can help; each pause is longer than the one before."""
        manners, pause_s = self._manners, self._manners.back_off_s
        failures: Counter[tuple[str, str]] = Counter()
        for attempt in range(1, manners.attempts + 1):
            try:
                return await self._follow(url, accept, robots=robots)
            except LaterError as error:
                failures[error.reason, error.detail] += 1
                wait_s = max(pause_s * random.uniform(0.5, 1.0), error.pause_s)
                if attempt == manners.attempts or wait_s > manners.longest_pause_s:
                    times = "once" if attempt == 1 else f"{attempt} times"
                    (reason, detail), _ = failures.most_common(1)[0]  # the most frequent failure, not the last
                    raise base.RefusedError(reason, f"{detail}; tried {times}") from None
                await asyncio.sleep(wait_s)
                pause_s *= 2
        raise base.RefusedError(base.NO_CONNECTION, f"{url}: never asked")

    async def _follow(self, asked: URL, accept: Callable[..., Any], *, robots: bool) -> Any:
        url = asked
        for _ in range(self._manners.redirects + 1):
            site = str(url.origin())
            host = self._hosts[site]
            if robots:
                rules = await self._robots.rules(site)
                rules.check(str(url), site)
                host.slow_down(min(rules.delay_s, self._manners.longest_pause_s))
            async with host.turn(), self._slots:
                answer = await self._ask(url, asked, host, accept)
            if not isinstance(answer, URL):
                return answer
            url = answer
        raise base.RefusedError(base.REDIRECTS, f"{asked}: more than {self._manners.redirects} redirects")

    async def _ask(self, url: URL, asked: URL, host: Host, accept: Callable[..., Any]) -> Any:
        """Send one request. Return the accepted answer, or the url of a redirect."""
        seen = 0
        declared: int | None = None
        try:
            async with self._session.get(url, allow_redirects=False) as response:
                if response.status in _MOVED:
                    return self._moved(url, asked, response.headers.get("Location", ""))
                self._check_status(url, response.status, response.headers.get("Retry-After"), host)
                data, declared = bytearray(), response.content_length
                if declared is not None and declared > self._manners.most_bytes:
                    raise base.RefusedError(base.TOO_LARGE, f"{url}: {declared} bytes announced")
                async for chunk in response.content.iter_chunked(_CHUNK):
                    data += chunk
                    seen = len(data)
                    if seen > self._manners.most_bytes:
                        raise base.RefusedError(base.TOO_LARGE, f"{url}: more than {self._manners.most_bytes} bytes")
                return await accept(bytes(data), response.headers.get("Content-Type", ""), url)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _named(error, url, seen, declared) from error

    def _moved(self, url: URL, asked: URL, location: str) -> URL:
        if not location:
            raise base.RefusedError(base.REDIRECTS, f"{url}: a redirect to nowhere")
        try:
            target = url.join(URL(location))
        except ValueError:
            raise base.RefusedError(base.REDIRECTS, f"{url}: a redirect to {location[:200]!r}") from None
        verify.check_place(str(target), str(asked))
        return _checked(str(target), self._manners)

    def _check_status(self, url: URL, status: int, retry_after: str | None, host: Host) -> None:
        if status == 200:
            return
        if status in _LATER:
            pause_s = _seconds(retry_after)
            if pause_s and pause_s <= self._manners.longest_pause_s:
                host.pause(pause_s)
            raise LaterError(base.SERVER_ERROR, f"{url}: status {status}", pause_s)
        reason = base.NOT_FOUND if status in _GONE else base.SERVER_ERROR if status >= 500 else base.REFUSED
        raise base.RefusedError(reason, f"{url}: status {status}")

    async def _verified(self, data: bytes, content_type: str, url: URL) -> tuple[bytes, str]:
        verify.check_type(content_type, str(url))
        return data, await self.in_thread(verify.check_picture, data, str(url))

    async def in_thread(self, function: Callable[..., Any], *given: Any) -> Any:
        """Run a function that decodes or writes in a thread, so that requests go on."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._decoders, function, *given)


async def _any_text(data: bytes, _: str, __: URL) -> tuple[bytes, str]:
    return data[:MOST_BYTES], ".txt"


def _checked(text: str, manners: base.Manners) -> URL:
    """Return a url that may be requested. Raises RefusedError."""
    try:
        url = URL(text.strip())
        host = url.host or ""
    except ValueError as error:
        raise base.RefusedError(base.BROKEN_URL, f"{text[:200]!r} is not a url ({error})") from None
    if url.scheme not in ("http", "https") or not host:
        raise base.RefusedError(base.BROKEN_URL, f"{text[:200]!r} is not a web address (http or https)")
    try:
        public = manners.allow_private or is_public(host)
    except ValueError:
        public = True  # a host name: its addresses are checked when it is resolved
    if not public:
        raise base.RefusedError(base.PRIVATE, f"{url}: an address of a private network; allow it with --allow-private")
    return url


def _named(error: Exception, url: URL, seen: int, declared: int | None) -> base.RefusedError:
    """Return what went wrong during a request, and whether another attempt can help."""
    cause = getattr(error, "os_error", None) or error.__cause__ or error
    if isinstance(cause, PrivateAddressError):
        return base.RefusedError(base.PRIVATE, f"{url}: {cause}; allow it with --allow-private")
    if isinstance(error, (aiohttp.InvalidURL, aiohttp.ClientConnectorCertificateError)):
        broken = isinstance(error, aiohttp.InvalidURL)
        return base.RefusedError(base.BROKEN_URL if broken else base.NO_CONNECTION, f"{url}: {one_line(error, 200)}")
    if download.is_timeout(error) or isinstance(cause, TimeoutError):
        return LaterError(base.NO_CONNECTION, f"{url}: no answer in time")
    if declared is not None and seen < declared and not isinstance(error, aiohttp.ClientConnectorError):
        return LaterError(base.WRONG_LENGTH, f"{url}: {seen} bytes came of {declared} announced")
    if isinstance(error, aiohttp.ClientResponseError):
        reason = next(iter(error.message.splitlines()), type(error).__name__)
        return LaterError(base.SERVER_ERROR, f"{url}: the answer is not HTTP ({reason})")
    return LaterError(base.NO_CONNECTION, f"{url}: {one_line(error, 200)}")


def _seconds(retry_after: str | None) -> float:
    """Return the header Retry-After in seconds, from a number or a date; 0 where it is missing or not valid."""
    if not retry_after:
        return 0.0
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        until = email.utils.parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    if until.tzinfo is None:
        until = until.replace(tzinfo=datetime.UTC)
    return max(0.0, (until - datetime.datetime.now(datetime.UTC)).total_seconds())
