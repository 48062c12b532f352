"""Metrics of the operator itself, for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from churnguard_core.names import KIND
from churnguard_operator.cluster.requests import Request
from churnguard_operator.runtime.declared import Declared, MetricType
from churnguard_operator.runtime.queue import Queue
from churnguard_operator.runtime.store import ModelKey
from churnguard_operator.runtime.watermarks import Stream

PREFIX: Final = "churnguard_operator"
LOOK_BUCKETS: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60)
LOOK_OK: Final = "ok"
LOOK_REASONS: Final = {"error": "cluster", "defect": "defect"}
STATUS_RESULTS: Final = {200: "written", 409: "conflict"}
REQUEST_BUCKETS: Final = (0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30)

DEPTH: Final = Declared(
    name=f"{PREFIX}_workqueue_depth",
    type="gauge",
    labels=("kind",),
    meaning="Models that could be looked at now and wait.",
)
OLDEST: Final = Declared(
    name=f"{PREFIX}_workqueue_oldest_age_seconds",
    type="gauge",
    labels=("kind",),
    meaning="For how long the first of them has waited.",
)


class Metrics:
    """All metrics, in a registry of their own; ``declared`` has each as the reference tells of it."""

    def __init__(self, *, version: str) -> None:
        self.registry = CollectorRegistry()
        self.declared: list[Declared] = []
        self._opened: set[Stream] = set()
        self._gauge("build_info", "1, with the version of the program that runs.", "version").labels(
            version
        ).set(1)
        self._leader = self._gauge("leader", "1 when this process works, 0 on standby.")
        self._looks = self._counter(
            "reconcile_total",
            "Looks at models by result: `ok`, `error` (of the cluster), `defect` (of the operator).",
            "kind",
            "result",
        )
        self._look_seconds = self._histogram(
            "reconcile_duration_seconds", "How long looks took.", "kind", buckets=LOOK_BUCKETS
        )
        self._errors = self._counter(
            "reconcile_errors_total",
            "Looks that failed, by whose fault it was: `cluster`, or `defect` of the operator.",
            "reason",
        )
        self._retries = self._counter(
            "workqueue_retries_total", "Models that were put off after a failure.", "kind"
        )
        self._status_updates = self._counter(
            "status_updates_total",
            "Statuses by result: `written`, `conflict` (seen too late), `failed`.",
            "result",
        )
        self._requests = self._counter(
            "api_requests_total",
            "Requests to the API server, without those of watches; code 0 means that no answer came.",
            "verb",
            "resource",
            "code",
        )
        self._request_seconds = self._histogram(
            "api_request_duration_seconds", "How long those took.", "verb", buckets=REQUEST_BUCKETS
        )
        self._told = self._counter("watch_events_total", "What watches told.", "kind", "type")
        self._told_last = self._gauge(
            "watch_last_event_timestamp_seconds", "When a watch told of something last.", "kind"
        )
        self._restarts = self._counter(
            "watch_restarts_total",
            "How often a watch was opened again: it had ended, failed, or said nothing for too long.",
            "kind",
        )

    def watch_queue(self, queue: Queue[ModelKey]) -> None:
        """Show the state of a queue."""
        self.declared += [DEPTH, OLDEST]
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

    def watch_opened(self, stream: Stream) -> None:
        """A watch is being opened, for the first time or again."""
        restarts = self._restarts.labels(stream.kind)
        if stream in self._opened:
            restarts.inc()
        self._opened.add(stream)

    def leads(self) -> None:
        """From now on it is this process that works."""
        self._leader.set(1)

    def page(self) -> bytes:
        """All metrics as text."""
        return generate_latest(self.registry)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        declared = self._declare(name, "counter", meaning, labels)
        return Counter(declared.name.removesuffix("_total"), meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(
            self._declare(name, "gauge", meaning, labels).name, meaning, labels, registry=self.registry
        )

    def _histogram(self, name: str, meaning: str, *labels: str, buckets: Sequence[float]) -> Histogram:
        declared = self._declare(name, "histogram", meaning, labels)
        return Histogram(declared.name, meaning, labels, buckets=buckets, registry=self.registry)

    def _declare(self, name: str, kind: MetricType, meaning: str, labels: tuple[str, ...]) -> Declared:
        declared = Declared(name=f"{PREFIX}_{name}", type=kind, labels=labels, meaning=meaning)
        self.declared.append(declared)
        return declared


class _QueueCollector(Collector):
    def __init__(self, queue: Queue[ModelKey]) -> None:
        self._queue = queue

    def collect(self) -> Iterator[Metric]:
        """The queue as it is now."""
        yield _family(DEPTH, self._queue.depth)
        yield _family(OLDEST, self._queue.oldest_age)


def _family(declared: Declared, value: float) -> GaugeMetricFamily:
    family = GaugeMetricFamily(declared.name, declared.meaning, labels=declared.labels)
    family.add_metric((KIND,), value)
    return family
