"""Metrics of landing, for Prometheus. No label holds anything of a person, a key or an event."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from churnguard_streaming.landing.store import Landed

PREFIX: Final = "churnguard_landing"
BATCH_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
DELAY_BUCKETS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86400)


class Metrics:
    """All metrics, in a registry of their own.

    Args:
        version: Of the program.
    """

    def __init__(self, *, version: str) -> None:
        self.registry = registry = CollectorRegistry()
        Info(f"{PREFIX}_build", "The program that runs.", registry=registry).info({"version": version})
        self._landed = Counter(
            f"{PREFIX}_events_landed", "Events that were kept, and were not there before.", registry=registry
        )
        self._duplicates = Counter(
            f"{PREFIX}_events_duplicate", "Events that were there already.", registry=registry
        )
        self._rejected = Counter(
            f"{PREFIX}_records_rejected", "Records sent to the bad topic.", ("reason",), registry=registry
        )
        self._missing = Counter(
            f"{PREFIX}_records_missing", "Records that Kafka deleted before they landed.", registry=registry
        )
        self._fenced = Counter(
            f"{PREFIX}_partitions_fenced",
            "Times that a partition's records did not land because its offset had been moved by another.",
            registry=registry,
        )
        self._failures = Counter(
            f"{PREFIX}_failures", "Attempts that failed and are made again.", ("at",), registry=registry
        )
        self._batch_seconds = Histogram(
            f"{PREFIX}_batch_duration_seconds",
            "From a batch's first attempt until it is committed.",
            buckets=BATCH_BUCKETS,
            registry=registry,
        )
        self._delay_seconds = Histogram(
            f"{PREFIX}_delay_seconds",
            "How long the first event of a batch was on its way, from its receipt until it was committed.",
            buckets=DELAY_BUCKETS,
            registry=registry,
        )

    def watch_lags(self, lags: Callable[[], Mapping[int, int]]) -> None:
        """Show how many records of each of our partitions wait."""
        self.registry.register(_LagCollector(lags))

    def landed(self, landed: Landed, *, seconds: float, fenced: int) -> None:
        """A batch is committed."""
        self._batch_seconds.observe(seconds)
        self._landed.inc(len(landed.events))
        self._duplicates.inc(landed.duplicates)
        self._fenced.inc(fenced)
        for reason, count in landed.rejected.items():
            self._rejected.labels(reason).inc(count)

    def was_on_its_way(self, *, seconds: float) -> None:
        """The first event of a batch was received so long ago."""
        self._delay_seconds.observe(max(0.0, seconds))

    def missing(self, records: int) -> None:
        """Records were deleted before they landed."""
        self._missing.inc(records)

    def failed(self, at: str) -> None:
        """Something did not work, and will be tried again."""
        self._failures.labels(at).inc()

    def page(self) -> bytes:
        """All metrics as text."""
        return generate_latest(self.registry)


class _LagCollector(Collector):
    def __init__(self, lags: Callable[[], Mapping[int, int]]) -> None:
        self._lags = lags

    def collect(self) -> Iterator[Metric]:
        """The lags as they are now."""
        lag = GaugeMetricFamily(
            f"{PREFIX}_lag_records", "Records that wait to be landed.", labels=("partition",)
        )
        for partition, records in self._lags().items():
            lag.add_metric((str(partition),), records)
        yield lag
