"""Counts of the server for Prometheus. They hold nothing of the content of a request or of its sender."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SPACE = "whereshot"
_SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


class Metrics:
    """The counts of one server. Each server has its own registry, so that two in one process count apart."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("requests", "Requests answered.", ["route", "status"], _SPACE, registry=self.registry)
        self.seconds = Histogram(
            "request_seconds",
            "From a request's headers to its answer.",
            ["route"],
            _SPACE,
            registry=self.registry,
            buckets=_SECONDS,
        )
        self.photos = Counter(
            "photos", "Photos by the outcome of their request.", ["outcome"], _SPACE, registry=self.registry
        )
        self.batch = Histogram(
            "batch_photos", "Photos answered together.", (), _SPACE, registry=self.registry, buckets=(1, 2, 4, 8, 16)
        )
        self.work_seconds = Histogram(
            "batch_seconds", "Work on one batch.", (), _SPACE, registry=self.registry, buckets=_SECONDS
        )
        self.left = Counter(
            "clients_left", "Clients that left before their answer.", (), _SPACE, registry=self.registry
        )
        self.restarts = Counter(
            "worker_restarts",
            "Processes replaced because they died or took too long.",
            (),
            _SPACE,
            registry=self.registry,
        )

    def watch(self, name: str, about: str, value: Callable[[], float]) -> None:
        """Add a gauge whose value is computed whenever the counts are read."""
        Gauge(name, about, namespace=_SPACE, registry=self.registry).set_function(value)

    def text(self) -> bytes:
        """Return all counts in the text format of Prometheus."""
        return generate_latest(self.registry)
