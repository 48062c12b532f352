"""Metrics of the operator itself, for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from churnguard_core.names import KIND
from churnguard_operator.cluster.requests import Request
from churnguard_operator.runtime.queue import Queue
from churnguard_operator.runtime.store import ModelKey

PREFIX: Final = "churnguard_operator"
LOOK_BUCKETS: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60)
LOOK_OK: Final = "ok"
LOOK_REASONS: Final = {"error": "cluster", "defect": "defect"}
STATUS_RESULTS: Final = {200: "written", 409: "conflict"}
REQUEST_BUCKETS: Final = (0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30)


class Metrics:
    """All metrics, in a registry of their own."""

    def __init__(self, *, version: str) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        Info(f"{PREFIX}_build", "The program that runs.", registry=registry).info({"version": version})
        self._looks = Counter(
            f"{PREFIX}_reconcile", "Looks at objects.", ("kind", "result"), registry=registry
        )
        self._look_seconds = Histogram(
            f"{PREFIX}_reconcile_duration_seconds",
            "How long looks took.",
            ("kind",),
            buckets=LOOK_BUCKETS,
            registry=registry,
        )
        self._errors = Counter(
            f"{PREFIX}_reconcile_errors",
            "Looks that failed, by whose fault it was: the cluster's, or a defect of the operator.",
            ("reason",),
            registry=registry,
        )
        self._retries = Counter(
            f"{PREFIX}_workqueue_retries",
            "Objects that were put off after a failure.",
            ("kind",),
            registry=registry,
        )
        self._status_updates = Counter(
            f"{PREFIX}_status_updates",
            "Statuses that were written, were seen too late, or were refused.",
            ("result",),
            registry=registry,
        )
        self._requests = Counter(
            f"{PREFIX}_api_requests",
            "Requests to the API server; code 0 means that no answer came.",
            ("verb", "resource", "code"),
            registry=registry,
        )
        self._request_seconds = Histogram(
            f"{PREFIX}_api_request_duration_seconds",
            "How long requests to the API server took.",
            ("verb",),
            buckets=REQUEST_BUCKETS,
            registry=registry,
        )
        self._told = Counter(
            f"{PREFIX}_watch_events", "What watches told.", ("kind", "type"), registry=registry
        )
        self._told_last = Gauge(
            f"{PREFIX}_watch_last_event_timestamp_seconds",
            "When a watch told of something last.",
            ("kind",),
            registry=registry,
        )
        self._leader = Gauge(
            f"{PREFIX}_leader", "1 when this process works, 0 on standby.", registry=registry
        )

    def watch_queue(self, queue: Queue[ModelKey]) -> None:
        """Show the state of a queue."""
        self.registry.register(_QueueCollector(queue))

    def request_done(self, request: Request, *, status: int, seconds: float) -> None:
        """A request to the API server was answered, or was not: then the status is 0."""
        self._requests.labels(request.verb, request.resource, str(status)).inc()
        self._request_seconds.labels(request.verb).observe(seconds)
        if request.resource.endswith("/status"):
            self._status_updates.labels(STATUS_RESULTS.get(status, "failed")).inc()

    def looked(self, *, result: str, seconds: float) -> None:
        """A look at a model is over."""
        self._looks.labels(KIND, result).inc()
        self._look_seconds.labels(KIND).observe(seconds)
        if result != LOOK_OK:
            self._errors.labels(LOOK_REASONS[result]).inc()
            self._retries.labels(KIND).inc()

    def told(self, *, kind: str, change: str) -> None:
        """A watch told of an object."""
        self._told.labels(kind, change).inc()
        self._told_last.labels(kind).set(time.time())

    def leads(self) -> None:
        """From now on it is this process that works."""
        self._leader.set(1)

    def page(self) -> bytes:
        """All metrics as text."""
        return generate_latest(self.registry)


class _QueueCollector(Collector):
    def __init__(self, queue: Queue[ModelKey]) -> None:
        self._queue = queue

    def collect(self) -> Iterator[Metric]:
        """The queue as it is now."""
        yield _gauge("workqueue_depth", "Models that could be looked at now and wait.", self._queue.depth)
        text = "For how long the first of them has waited."
        yield _gauge("workqueue_oldest_age_seconds", text, self._queue.oldest_age)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=("kind",))
    family.add_metric((KIND,), value)
    return family
