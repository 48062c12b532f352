"""Metrics of the collector, for Prometheus. No label holds anything of a person, a key or an event."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Info, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from churnguard_collector.sink import Backlog
from churnguard_collector.tallies import Count, Spread
from churnguard_eventlog.statistics import Statistics

PREFIX: Final = "churnguard_collector"
REQUEST_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
LAG_BUCKETS: Final = (0.1, 0.5, 1, 5, 10, 30, 60, 300, 3600, 86400)


class Metrics:
    """All metrics, in a registry of their own.

    Args:
        version: Of the program.
        sink: What kind of place events go to.
    """

    def __init__(self, *, version: str, sink: str) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        Info(f"{PREFIX}_build", "The program that runs.", registry=registry).info({"version": version})
        self._requests = Count(f"{PREFIX}_requests", "Requests answered.", labels=("route", "code"))
        self._request_seconds = Spread(
            f"{PREFIX}_request_duration_seconds",
            "From a request's head to its answer.",
            bounds=REQUEST_BUCKETS,
            label="route",
        )
        self._received = Count(
            f"{PREFIX}_events_received", "Events that came, by the kind of their key.", labels=("source",)
        )
        self._accepted = Count(f"{PREFIX}_events_accepted", "Events answered ok.", labels=("type",))
        self._rejected = Count(f"{PREFIX}_events_rejected", "Events answered otherwise.", labels=("reason",))
        self._lag = Spread(
            f"{PREFIX}_event_lag_seconds",
            "How long ago accepted events happened, by our clock.",
            bounds=LAG_BUCKETS,
        )
        self._write_seconds = Spread(
            f"{PREFIX}_write_duration_seconds",
            "How long a batch took to be durable.",
            bounds=REQUEST_BUCKETS,
            label="sink",
        )
        for tally in (
            self._requests,
            self._request_seconds,
            self._received,
            self._accepted,
            self._rejected,
            self._lag,
            self._write_seconds,
        ):
            registry.register(tally)
        self._sink = sink
        self._write_failures = Counter(
            f"{PREFIX}_write_failures", "Batches that failed.", ("sink",), registry=registry
        ).labels(sink)
        self._failed_records = Counter(
            f"{PREFIX}_kafka_records_failed",
            "Records that no broker has acknowledged, by Kafka's name of the error.",
            ("reason",),
            registry=registry,
        )

    def watch_backlog(self, backlog: Callable[[], Backlog]) -> None:
        """Show what waits."""
        self.registry.register(_BacklogCollector(backlog))

    def watch_producer(self, statistics: Callable[[], Statistics | None]) -> None:
        """Show what Kafka's producer says of itself."""
        self.registry.register(_ProducerCollector(statistics))

    def answered(self, *, route: str, code: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.add(route, code)
        self._request_seconds.observe((seconds,), label=route)

    def received(self, *, source: str, events: int) -> None:
        """Events came, with a key of this kind."""
        self._received.add(source, count=events)

    def accepted(self, types: Sequence[str]) -> None:
        """An event of each of these types was answered ok."""
        for type_ in set(types):
            self._accepted.add(type_, count=types.count(type_))

    def happened_before(self, lags: Sequence[float]) -> None:
        """Accepted events are so many seconds old."""
        self._lag.observe(lags)

    def rejected(self, *, reason: str, events: int = 1) -> None:
        """Events are not kept, or not known to be."""
        self._rejected.add(reason, count=events)

    def written(self, *, seconds: float) -> None:
        """A batch is durable."""
        self._write_seconds.observe((seconds,), label=self._sink)

    def write_failed(self) -> None:
        """A batch is not, as far as is known."""
        self._write_failures.inc()

    def record_failed(self, *, reason: str) -> None:
        """A record for Kafka is not durable, as far as is known."""
        self._failed_records.labels(reason).inc()

    def page(self) -> bytes:
        """All metrics as text."""
        return generate_latest(self.registry)


class _BacklogCollector(Collector):
    def __init__(self, backlog: Callable[[], Backlog]) -> None:
        self._backlog = backlog

    def collect(self) -> Iterator[Metric]:
        """The backlog as it is now."""
        backlog = self._backlog()
        yield GaugeMetricFamily(f"{PREFIX}_buffer_events", "Events that wait.", value=backlog.events)
        yield GaugeMetricFamily(
            f"{PREFIX}_buffer_capacity_events", "Events that may wait.", value=backlog.capacity
        )


class _ProducerCollector(Collector):
    def __init__(self, statistics: Callable[[], Statistics | None]) -> None:
        self._statistics = statistics

    def collect(self) -> Iterator[Metric]:
        """The statistics of the last seconds."""
        statistics = self._statistics()
        if statistics is None:
            return
        yield GaugeMetricFamily(
            f"{PREFIX}_kafka_brokers_up",
            "Brokers with a connection that works.",
            value=statistics.brokers_up,
        )
        yield GaugeMetricFamily(
            f"{PREFIX}_buffer_bytes", "Bytes of events that wait.", value=statistics.queued_bytes
        )
        if statistics.round_trip_seconds is not None:
            yield GaugeMetricFamily(
                f"{PREFIX}_kafka_round_trip_seconds",
                "Mean time of an answer of the slowest broker.",
                value=statistics.round_trip_seconds,
            )
