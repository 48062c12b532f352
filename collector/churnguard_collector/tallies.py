"""Counters and histograms of what happens for every request or event.

They live in one thread, so they need no lock, and observations are gathered before they are counted. To Prometheus they
look like the client library's own, which cost every observation a lock and a walk through the buckets.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

MOST_GATHERED: Final = 1000
"""Observations that wait to be counted: together they are counted in a fraction of the time."""


class Count(Collector):
    """A counter by the values of its labels.

    Args:
        name: Of the metric, without ``_total``.
        documentation: What is counted.
        labels: Names of its labels.
    """

    def __init__(self, name: str, documentation: str, *, labels: Sequence[str]) -> None:
        self._name, self._documentation, self._labels = name, documentation, labels
        self._counts: dict[tuple[str | int, ...], int] = {}

    def add(self, *values: str | int, count: int = 1) -> None:
        """So many more with these values of the labels."""
        self._counts[values] = self._counts.get(values, 0) + count

    def collect(self) -> Iterator[Metric]:
        """The counter as it is now."""
        family = CounterMetricFamily(self._name, self._documentation, labels=self._labels)
        for values, count in self._counts.items():
            family.add_metric([str(value) for value in values], count)
        yield family


class Spread(Collector):
    """A histogram by the value of its label.

    Args:
        name: Of the metric.
        documentation: What is observed.
        bounds: Upper bounds of its buckets, the last one of which is unbounded.
        label: Name of its label; None when it has none.
    """

    def __init__(
        self, name: str, documentation: str, *, bounds: Sequence[float], label: str | None = None
    ) -> None:
        self._name, self._documentation = name, documentation
        self._labels = () if label is None else (label,)
        self._bounds = tuple(bounds)
        self._gathered: dict[str, list[float]] = {}
        self._counts: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}
        if label is None:
            self.observe([], label="")

    def observe(self, observations: Iterable[float], *, label: str = "") -> None:
        """Add these, with this value of the label."""
        gathered = self._gathered.get(label)
        if gathered is None:
            gathered = self._gathered[label] = []
        gathered += observations
        if len(gathered) > MOST_GATHERED:
            self._count(label)

    def _count(self, label: str) -> None:
        """How many are at most each bound, and their sum."""
        gathered = self._gathered[label]
        gathered.sort()
        before = self._counts.get(label, [0] * (len(self._bounds) + 1))
        below = [*(bisect_right(gathered, bound) for bound in self._bounds), len(gathered)]
        self._counts[label] = [count + more for count, more in zip(before, below, strict=True)]
        self._sums[label] = self._sums.get(label, 0.0) + sum(gathered)
        gathered.clear()

    def collect(self) -> Iterator[Metric]:
        """The histogram as it is now."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=self._labels)
        names = [*(f"{float(bound)}" for bound in self._bounds), "+Inf"]
        for label in self._gathered:
            self._count(label)
            buckets = list(zip(names, self._counts[label], strict=True))
            family.add_metric([label] if self._labels else [], buckets, self._sums[label])
        yield family
