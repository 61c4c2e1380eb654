"""robots.txt is obeyed; a site whose rules cannot be read is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faulty_server import FaultyServer
from fetching import refused, write
from whereshot.photos.fetch import Manners, RefusedError, fetch
from whereshot.photos.fetch.robots import Rules


@pytest.fixture(scope="module")
def server() -> Iterator[FaultyServer]:
    with FaultyServer(delay_s=0.02, drops=0.05) as running:
        yield running


def test_robots_are_obeyed_and_the_user_agent_is_told(tmp_path: Path) -> None:
    rules = "User-agent: whereshot\nDisallow: /p/\n\nUser-agent: *\nAllow: /\nCrawl-delay: 0\n"
    with FaultyServer(robots=rules) as server:
        error = refused(f"{server.url}/p/1.jpg")
        assert error.reason == "robots.txt"
        assert error.detail == f"{server.url}/robots.txt forbids {server.url}/p/1.jpg to 'whereshot'"
        assert dict(server.asked) == {"/robots.txt": 1}
        urls = [f"{server.url}/q/{number}.jpg" for number in range(5)]
        named = Manners(allow_private=True, user_agent="mapper/2 (mail@example.org)")
        assert fetch(write(tmp_path / "in", urls), tmp_path / "out", named)["kept"] == 5
        assert server.asked["/robots.txt"] == 2
        assert server.agents == {"whereshot", "mapper/2 (mail@example.org)"}


def test_the_rules_of_robots() -> None:
    assert Rules("User-agent: *\nCrawl-delay: 3", "whereshot").delay_s == 3
    Rules("", "whereshot").check("http://a.org/x", "http://a.org")
    with pytest.raises(RefusedError, match=r"http://a.org/robots.txt forbids http://a.org/x to 'whereshot'"):
        Rules("User-agent: *\nDisallow: /", "whereshot").check("http://a.org/x", "http://a.org")


def test_a_site_whose_robots_cannot_be_read_is_left_alone() -> None:
    for reason, told in (("server error", "robots.txt"), ("no connection", "no connection")):
        rules = Rules("", "whereshot", RefusedError(reason, "http://a.org/robots.txt: status 503"))
        with pytest.raises(RefusedError, match="status 503") as caught:
            rules.check("http://a.org/x", "http://a.org")
        assert caught.value.reason == told
