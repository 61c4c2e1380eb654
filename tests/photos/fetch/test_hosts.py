"""The pace of each host, and which addresses are public."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from faulty_server import FaultyServer
from fetching import write
from whereshot.photos.fetch import Manners, fetch
from whereshot.photos.fetch.hosts import is_public


@pytest.fixture(scope="module")
def server() -> Iterator[FaultyServer]:
    with FaultyServer(delay_s=0.02, drops=0.05) as running:
        yield running


def test_addresses_that_are_public() -> None:
    assert is_public("8.8.8.8") and is_public("2606:4700::1111")
    for address in (
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "fe80::1%eth0",
        "224.0.0.1",
        "0.0.0.0",
        "100.64.0.1",
        "fd00::1",
    ):
        assert not is_public(address), address


def test_a_host_is_asked_at_its_rate(tmp_path: Path) -> None:
    with FaultyServer() as server:
        urls = [f"{server.url}/q/{number}.jpg" for number in range(7)]
        started = time.monotonic()
        fetch(write(tmp_path / "in", urls), tmp_path / "out", Manners(allow_private=True, rate_per_host=20))
        assert time.monotonic() - started > 6 / 20
        assert server.most_at_a_time <= 6
