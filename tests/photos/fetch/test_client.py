"""One download: addresses that are never asked, faults and their reasons, and pauses."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Iterator

import aiohttp
import pytest
from yarl import URL

from faulty_server import REASONS, FaultyServer, kind_of
from fetching import refused
from whereshot.photos.fetch import Manners, RefusedError, base, client


@pytest.fixture(scope="module")
def server() -> Iterator[FaultyServer]:
    with FaultyServer(delay_s=0.02, drops=0.05) as running:
        yield running


def test_reasons_say_what_happened(server: FaultyServer) -> None:
    def url_of(kind: str) -> str:
        return f"{server.url}/p/{next(number for number in range(5000) if kind_of(number) == kind)}.jpg"

    for kind, detail in (
        ("html", "{}: the server sends 'text/html'"),
        ("missing", "{}: status 404"),
        ("tiny", "{}: 900 bytes; photos have more than 1,024"),
        ("error always", "{}: status 503; tried 5 times"),
    ):
        error = refused(url_of(kind))
        assert (error.reason, error.detail) == (REASONS[kind], detail.format(url_of(kind)))
    assert "the picture is damaged (" in refused(url_of("broken")).detail
    assert refused(url_of("unavailable")).detail.endswith(f"leads to {server.url}/photo_unavailable.png")
    announced = refused(url_of("says more")).detail
    assert " bytes came of " in announced and announced.endswith(" announced; tried 5 times")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.org/a.jpg", "broken url"),
        ("file:///etc/passwd", "broken url"),
        ("not a url", "broken url"),
        ("http://", "broken url"),
        ("http://[::1", "broken url"),
        ("http://127.0.0.1:1/a.jpg", "private address"),
        ("http://localhost:1/a.jpg", "private address"),
        ("http://2130706433:1/a.jpg", "broken url"),  # 127.0.0.1 as one number
        ("http://0x7f.1:1/a.jpg", "private address"),
        ("http://[::ffff:127.0.0.1]:1/a.jpg", "private address"),
        ("http://169.254.169.254/latest/meta-data", "private address"),
        ("http://10.0.0.8/a.jpg", "private address"),
    ],
)
def test_urls_that_are_never_asked(url: str, reason: str) -> None:
    assert refused(url, Manners(attempts=1)).reason == reason


def test_a_redirect_into_the_own_network_is_not_followed(server: FaultyServer) -> None:
    """A public server must not make us ask a private one."""
    from yarl import URL

    from whereshot.photos.fetch.client import Client

    async def follow() -> None:
        async with Client(Manners()) as client:
            client._moved(URL("http://example.org/a.jpg"), URL("http://example.org/a.jpg"), f"{server.url}/p/1.jpg")

    with pytest.raises(RefusedError, match="an address of a private network; allow it with --allow-private"):
        asyncio.run(follow())


def test_a_server_that_is_not_there() -> None:
    error = refused("http://127.0.0.1:9/a.jpg", Manners(allow_private=True, attempts=2, back_off_s=0))
    assert error.reason == "no connection"
    assert "tried 2 times" in error.detail


def test_retry_after_is_seconds_or_a_date() -> None:
    from email.utils import format_datetime

    from whereshot.photos.fetch.client import _seconds

    assert (_seconds("17"), _seconds("0"), _seconds("-3"), _seconds(None), _seconds("soon")) == (17, 0, 0, 0, 0)
    now = datetime.datetime.now(datetime.UTC)
    assert _seconds(format_datetime(now + datetime.timedelta(seconds=40), usegmt=True)) == pytest.approx(40, abs=3)
    assert _seconds(format_datetime(now - datetime.timedelta(seconds=40), usegmt=True)) == 0


@pytest.mark.parametrize(
    ("message", "shown"), [("", "ClientResponseError"), ("Bad status line:\n  b'SSH-2.0'", "Bad status line:")]
)
def test_an_answer_that_is_not_http_has_a_reason(message: str, shown: str) -> None:
    error = aiohttp.ClientResponseError(None, (), message=message)  # type: ignore[arg-type]
    later = client._named(error, URL("http://a.b/c.jpg"), 0, None)
    assert (later.reason, later.detail) == (base.SERVER_ERROR, f"http://a.b/c.jpg: the answer is not HTTP ({shown})")
