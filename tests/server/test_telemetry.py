"""The server reports its requests to nobody, also where a library would."""

from __future__ import annotations

import subprocess
import sys

import pytest

SPANS = """if True:
    from opentelemetry import trace
    from starlette.testclient import TestClient
    from whereshot.server.app import Service, make_app
    from whereshot.server.batching import Batcher
    from whereshot.server.metrics import Metrics

    started = []

    class Tracer(trace.NoOpTracer):
        def start_span(self, name, *positional, **named):
            started.append(name)
            return super().start_span(name, *positional, **named)

    class Collector(trace.TracerProvider):
        def get_tracer(self, *positional, **named):
            return Tracer()

    trace.set_tracer_provider(Collector())
    service, metrics = Service({"name": "compact"}), Metrics()
    app = make_app(service, Batcher([], service.limits, metrics), metrics)
    print(TestClient(app, base_url="http://any.example").get("/healthz").status_code, started)
"""


def test_a_collector_of_traces_gets_no_requests() -> None:
    """FastAPI reports each request to OpenTelemetry where the environment sets up a collector."""
    pytest.importorskip("fastapi", reason="needs fastapi (extra serve)")
    pytest.importorskip("opentelemetry", reason="needs opentelemetry-api")
    ran = subprocess.run([sys.executable, "-c", SPANS], capture_output=True, text=True, check=True)
    assert ran.stdout == "200 []\n"
