"""What the server refuses before it reads an upload, and the headers of its answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from http_client import get
from serving_process import Server
from whereshot.foundation.errors import InputError
from whereshot.server import security
from whereshot.server.app import Service, make_app
from whereshot.server.batching import Batcher
from whereshot.server.metrics import Metrics
from whereshot.server.tokens import Tokens


@pytest.mark.parametrize("path", ["/", "/v1/page", "/nothing", "/metrics"])
def test_every_answer_is_safe_in_a_browser(server: Server, path: str) -> None:
    headers = get(server, path, headers={"origin": "https://elsewhere.example"}).headers
    rules = dict(rule.partition(" ")[::2] for rule in headers["content-security-policy"].split("; "))
    assert rules["default-src"] == "'none'" and rules["frame-ancestors"] == "'none'"
    assert (rules["script-src"], rules["worker-src"], rules["connect-src"]) == ("'self'", "blob:", "'self'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers


TOKEN = "d4c74594d841139328695756648b6bd6"


@pytest.fixture
def guarded(tmp_path: Path) -> TestClient:
    """The application with a token, a page and tiles, without a process behind it."""
    (tmp_path / "tokens").write_text(TOKEN)
    (tmp_path / "site" / "assets").mkdir(parents=True)
    (tmp_path / "site" / "index.html").write_text("<!doctype html><p>the page</p>")
    (tmp_path / "site" / "assets" / "a-1234.js").write_text("export {}")
    (tmp_path / "secret.txt").write_text("SECRET")
    metrics = Metrics()
    service = Service(
        model={"name": "compact"},
        tokens=Tokens.read(tmp_path / "tokens"),
        tiles="https://tiles.example:8443/{z}/{x}/{y}.png",
        geocoder="https://where.example/reverse?lat={latitude}&lon={longitude}",
        site=tmp_path / "site",
    )
    return TestClient(make_app(service, Batcher([], service.limits, metrics), metrics), base_url="http://any.example")


def test_a_token_is_asked_for_before_anything_is_sent(guarded: TestClient) -> None:
    for path in ("/v1/locate", "/v1/models", "/v1/gallery", "/v1/gallery/00000/photo", "/metrics"):
        response = guarded.request("POST" if path == "/v1/locate" else "GET", path)
        assert response.status_code == 401, path
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.headers["content-type"] == "application/problem+json"
    allowed = guarded.get("/v1/models", headers={"authorization": f"Bearer {TOKEN}"})
    assert allowed.json() == {"models": [{"name": "compact"}]}
    for path in ("/", "/assets/a-1234.js", "/v1/page", "/healthz", "/openapi.json"):
        assert guarded.get(path).status_code == 200, path
    assert guarded.get("/v1/page").json()["needs_token"] is True


def test_the_page_is_served_and_nothing_beside_it(guarded: TestClient) -> None:
    page = guarded.get("/")
    assert "the page" in page.text and page.headers["cache-control"] == "no-cache"
    script = guarded.get("/assets/a-1234.js")
    assert (
        script.headers["content-type"].startswith("text/javascript") and "immutable" in script.headers["cache-control"]
    )
    for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "/nothing"):
        response = guarded.get(path)
        assert response.status_code == 404 and "SECRET" not in response.text
        assert response.headers["content-type"] == "application/problem+json"


def test_a_wrong_method_is_405_and_says_which_are_right(guarded: TestClient) -> None:
    """Also where the page is built, whose files are looked for under every other address."""
    token = {"authorization": f"Bearer {TOKEN}"}
    for method, path, right in (
        ("GET", "/v1/locate", "POST"),
        ("DELETE", "/v1/locate", "POST"),
        ("POST", "/v1/models", "GET"),
        ("POST", "/healthz", "GET"),
        ("PUT", "/", "GET, HEAD"),
        ("POST", "/assets/a-1234.js", "GET, HEAD"),
    ):
        response = guarded.request(method, path, headers=token)
        assert (response.status_code, response.headers.get("allow")) == (405, right), (method, path)
        assert response.json()["detail"] == "this address does not allow that method"
    assert guarded.get("/v1/nothing", headers=token).status_code == 404


def test_the_policy_is_widened_for_the_named_hosts_only(guarded: TestClient) -> None:
    rules = dict(rule.partition(" ")[::2] for rule in guarded.get("/").headers["content-security-policy"].split("; "))
    assert rules["connect-src"] == "'self' https://tiles.example:8443 https://where.example"
    assert rules["img-src"] == "'self' data: blob: https://tiles.example:8443"
    assert rules["script-src"] == "'self'"


def test_not_ready_without_a_process(guarded: TestClient) -> None:
    response = guarded.get("/readyz")
    assert response.status_code == 503 and response.headers["retry-after"] == "5"


@pytest.mark.parametrize(
    "address",
    [
        "ftp://tiles.example/",
        "tiles.example",
        "https://",
        "https://a.example;script-src *",
        "https://user@a.example/",
        "https://a.example:99999/",
        "https://*.example/",
        "javascript:alert(1)",
        "https://a.example/\n",
    ],
)
def test_addresses_that_would_open_the_policy(address: str) -> None:
    with pytest.raises(InputError, match="tiles is an address that begins with https"):
        security.policy(address, None)
