"""The routes of the server, and their description in OpenAPI."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from starlette.testclient import TestClient

from http_client import PROBLEM, SMALL, get, is_problem, metric
from serving_process import Server
from waiting import PATIENCE_S
from whereshot.server.app import Service, make_app
from whereshot.server.batching import Batcher
from whereshot.server.metrics import Metrics


def test_what_else_is_told(server: Server) -> None:
    page = get(server, "/v1/page").json()
    assert page["limits"] == {
        "files": 5,
        "bytes": 20_000_000,
        "request_bytes": 100_000_000,
        "pixels": 5_000_000,
        "seconds": SMALL["upload_s"],
    }
    assert (page["model"], page["gallery"], page["needs_token"]) == ("compact", False, False)
    assert page["knows_sights"] is False  # the page then does not say that the look of the picture led to the answer
    (model,) = get(server, "/v1/models").json()["models"]
    assert model["name"] == "compact" and model["bytes"] > 1e6 and "photos" in model["card"]
    assert get(server, "/healthz").json() == {"status": "ok"}
    assert get(server, "/readyz").json() == {"status": "ready"}
    document = get(server, "/openapi.json").json()
    post = document["paths"]["/v1/locate"]["post"]
    assert post["responses"]["200"]["content"]["application/json"]["example"]["predictions"]
    assert "photos" in post["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert metric(server, "whereshot_workers_ready") == 1
    assert 'whereshot_requests_total{route="/v1/page",status="200"}' in get(server, "/metrics").text


def test_the_page_where_it_is_not_built_says_how(server: Server) -> None:
    response = get(server, "/")
    assert response.status_code == 200 and "make web" in response.text
    is_problem(get(server, "/nothing"), 404, "nothing at this address")
    is_problem(get(server, "/v1/locate"), 405, "does not allow that method")
    is_problem(get(server, "/v1/gallery"), 404, "serve --gallery DIR")


BOUNDED = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.slow
def test_nothing_that_is_described_breaks_the_server(server: Server) -> None:
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    assert {operation.path for operation in operations} >= {"/v1/locate", "/v1/gallery/{name}", "/metrics"}
    for operation in operations:

        @settings(BOUNDED)
        @given(case=operation.as_strategy())
        def holds(case: Any) -> None:
            response = case.call(timeout=PATIENCE_S)
            assert response.status_code < 500, response.text
            if response.status_code >= 400:
                assert response.headers["content-type"] == [PROBLEM]

        holds()


def test_the_description_is_whole() -> None:
    metrics = Metrics()
    service = Service(model={"name": "compact"}, site=Path("nowhere"))
    app = TestClient(make_app(service, Batcher([], service.limits, metrics), metrics), base_url="http://any.example")
    document = app.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            assert described["summary"], (path, method)
    assert "/v1/gallery/scores" in document["paths"]
    assert json.dumps(document).count("example") > 10
