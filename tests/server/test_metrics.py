"""The counts of a server for Prometheus."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from whereshot.server.metrics import Metrics


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(metrics.text().decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value for one in families for sample in one.samples
    }


def test_two_servers_of_one_process_count_apart() -> None:
    first, second = Metrics(), Metrics()
    first.photos.labels("answered").inc(3)
    second.photos.labels("answered").inc(2)
    label = (("outcome", "answered"),)
    assert samples(first)["whereshot_photos_total", label] == 3
    assert samples(second)["whereshot_photos_total", label] == 2


def test_a_watched_value_is_read_when_the_counts_are_read() -> None:
    metrics, waiting = Metrics(), [1.0]
    metrics.watch("queue_photos", "Photos that wait.", lambda: waiting[0])
    assert samples(metrics)["whereshot_queue_photos", ()] == 1
    waiting[0] = 7
    assert samples(metrics)["whereshot_queue_photos", ()] == 7


def test_no_count_has_a_label_of_a_client() -> None:
    metrics = Metrics()
    metrics.requests.labels("/v1/locate", "200").inc()
    names = {name for _, labels in samples(metrics) for name, _ in labels}
    assert names <= {"route", "status", "outcome", "le"}
