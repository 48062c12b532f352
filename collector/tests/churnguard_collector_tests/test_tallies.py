"""Counters and histograms: to Prometheus they are those of its own client."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.registry import Collector

from churnguard_collector.tallies import MOST_GATHERED, Count, Spread

BOUNDS = (0.125, 1, 2.5, 30)
# Of sums of these, none depends on the order of its parts.
observations = st.one_of(
    st.sampled_from([0.0, *map(float, BOUNDS)]), st.integers(0, 400).map(lambda n: n / 8)
)
labels = st.sampled_from(["kafka", "postgres"])


def page(*collectors: Collector) -> list[str]:
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    return [line for line in generate_latest(registry).decode().splitlines() if "_created" not in line]


@given(told=st.lists(st.tuples(labels, st.lists(observations, max_size=5)), max_size=20))
def test_a_spread_is_a_histogram_however_its_observations_come(told: list[tuple[str, list[float]]]) -> None:
    ours = Spread("seconds", "Seconds.", bounds=BOUNDS, label="sink")
    theirs = Histogram("seconds", "Seconds.", ("sink",), buckets=BOUNDS, registry=None)
    for number, (label, several) in enumerate(told):
        ours.observe(several, label=label)
        for each in several:
            theirs.labels(label).observe(each)
        theirs.labels(label)
        if number % 7 == 0:
            assert page(ours) == page(theirs)
    assert page(ours) == page(theirs)


def test_a_spread_counts_what_is_gathered_before_it_becomes_much() -> None:
    ours = Spread("seconds", "Seconds.", bounds=BOUNDS)
    theirs = Histogram("seconds", "Seconds.", buckets=BOUNDS, registry=None)
    assert page(ours) == page(theirs), "a histogram without labels is there from the beginning"
    for number in range(3 * MOST_GATHERED):
        ours.observe((number % 40,))
        theirs.observe(number % 40)
    assert page(ours) == page(theirs)


@given(told=st.lists(st.tuples(labels, st.integers(1, 9)), max_size=20))
def test_a_count_is_a_counter(told: list[tuple[str, int]]) -> None:
    ours = Count("events", "Events.", labels=("sink", "code"))
    theirs = Counter("events", "Events.", ("sink", "code"), registry=None)
    for label, count in told:
        ours.add(label, 200, count=count)
        theirs.labels(label, 200).inc(count)
    assert page(ours) == page(theirs)
