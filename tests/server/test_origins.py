"""Which pages may send photos: those of the server, and of the names that its owner allows."""

from __future__ import annotations

import httpx
import pytest

from http_client import JPEG, get, is_problem
from serving_process import Server
from waiting import PATIENCE_S
from whereshot.server.origins import foreign_page


def test_other_names_and_other_sites_are_refused(server: Server) -> None:
    is_problem(get(server, "/v1/page", headers={"host": "evil.example"}), 421, "evil.example")
    form = {"files": {"photos": ("a.jpg", JPEG)}, "headers": {"sec-fetch-site": "cross-site"}}
    is_problem(httpx.post(server.url + "/v1/locate", trust_env=False, **form), 403, "another site")


def test_a_page_of_another_origin_is_refused_where_sec_fetch_site_is_absent(server: Server) -> None:
    """Older browsers send Origin alone."""

    def posted(origin: str | None) -> httpx.Response:
        headers = {} if origin is None else {"origin": origin}
        form = {"files": {"photos": ("a.jpg", JPEG)}, "data": {"text": "false", "map": "false"}}
        return httpx.post(server.url + "/v1/locate", trust_env=False, headers=headers, timeout=PATIENCE_S, **form)

    for own in (None, server.url):
        assert posted(own).status_code == 200
    for other in ("https://evil.example", "null", "http://127.0.0.1.evil.example", "file://"):
        is_problem(posted(other), 403, f"a page of another site ({other}) may not send photos here")


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1:8000", True),
        ("HTTP://LocalHost:8000", "localhost:8000", True),
        ("http://[::1]:8000", "[::1]:8000", True),
        ("https://photos.example", "photos.example", True),  # a proxy with TLS that passes on Host
        ("https://photos.example", "photos.example:443", True),
        ("http://photos.example", "photos.example:80", True),
        ("https://public.example", "127.0.0.1:8000", True),  # a proxy that does not, with --allow-host
        ("https://public.example:8443", "127.0.0.1:8000", True),
        ("https://[2001:db8::1]:8443", "127.0.0.1:8000", True),
        ("null", "127.0.0.1:8000", False),
        ("", "127.0.0.1:8000", False),
        ("http://127.0.0.1:3000", "127.0.0.1:8000", False),
        ("http://localhost:8000", "127.0.0.1:8000", False),
        ("https://evil.example", "photos.example", False),
        ("https://photos.example.evil.example", "photos.example", False),
        ("https://public.example.evil.example", "127.0.0.1:8000", False),
        ("https://photos.example@evil.example", "photos.example", False),
        ("https://photos.example/", "photos.example", False),  # an Origin has no path
        ("https://photos.example:80", "photos.example", False),
        ("ftp://photos.example", "photos.example", False),
        ("chrome-extension://public.example", "127.0.0.1:8000", False),
    ],
)
def test_whose_page_may_send_photos(origin: str, host: str, own: bool) -> None:
    headers = [(b"origin", origin.encode())]
    allowed = ("public.example", "[2001:db8::1]")
    refused = f"a page of another site ({origin}) may not send photos here"
    assert foreign_page("POST", headers, host, allowed) == (None if own else refused)
    assert foreign_page("GET", headers, host, allowed) is None
    both = [*headers, (b"sec-fetch-site", b"cross-site")]
    assert foreign_page("POST", both, host, allowed) is not None
    twice = [(b"origin", f"http://{host}".encode()), *headers]
    assert (foreign_page("POST", twice, host, allowed) is None) == own
