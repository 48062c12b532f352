"""Two small rules: how fast, and how far back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churnguard_collector.rates import RateLimits
from churnguard_eventstore.days import KeptDays, day_of, partition_name

DAYS = st.dates(date(1990, 1, 1), date(2200, 1, 1))


def test_a_bucket_gives_what_it_holds_and_fills_with_time() -> None:
    limits = RateLimits()

    def wait(events: int, now: float, key: str = "a") -> int:
        return limits.seconds_to_wait(key, events=events, rate=10, burst=1000, now=now)

    assert [wait(600, 0), wait(400, 0), wait(1, 0), wait(100, 0)] == [0, 0, 1, 10]
    assert wait(1000, 0, key="b") == 0
    assert [wait(100, 9.9), wait(100, 10), wait(100, 10)] == [1, 0, 10]
    # However long it rests, it holds no more than the burst; and more than that is never asked for.
    assert [wait(1001, 10_000), wait(1, 10_000)] == [0, 1]


def test_without_a_rate_nobody_waits() -> None:
    limits = RateLimits()
    assert limits.seconds_to_wait("a", events=10**9, rate=None, burst=1, now=0) == 0


@given(
    rate=st.floats(0.1, 1000), asked=st.lists(st.tuples(st.integers(1, 500), st.floats(0, 2)), max_size=50)
)
def test_no_more_passes_than_burst_and_rate_allow(rate: float, asked: list[tuple[int, float]]) -> None:
    limits, now, passed = RateLimits(), 0.0, 0
    for events, pause in asked:
        now += pause
        if not limits.seconds_to_wait("a", events=events, rate=rate, burst=500, now=now):
            passed += events
    assert passed <= 500 + rate * now + 1e-6


@given(
    now=st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1)),
    past=st.integers(1, 400),
    part=st.floats(0, 1),
)
def test_every_time_that_is_accepted_has_a_partition_also_on_the_next_day(
    now: datetime, past: int, part: float
) -> None:
    days, now = KeptDays(past=past), now.replace(tzinfo=UTC)
    kept = days.at(now)
    moment = kept.earliest + (kept.latest - kept.earliest) * part
    day = moment.astimezone(UTC).date()
    assert day in days.wanted(now.date())
    # Accepted at the end of a day, written after the next day's partitions were dropped.
    tomorrow = now.date() + timedelta(days=1)
    existing = [partition_name(each) for each in days.wanted(now.date())]
    assert partition_name(day) not in days.outdated(existing, today=tomorrow)


@given(day=DAYS, past=st.integers(1, 400), age=st.integers(-5, 500))
def test_a_partition_is_dropped_when_its_day_has_not_been_kept_for_a_day(
    day: date, past: int, age: int
) -> None:
    name = partition_name(day)
    dropped = KeptDays(past=past).outdated([name], today=day + timedelta(days=age))
    assert bool(dropped) == (age > past + 1)


@given(day=DAYS)
def test_a_partitions_name_says_its_day(day: date) -> None:
    assert day_of(partition_name(day)) == day


@pytest.mark.parametrize(
    "name", ["events", "events_2026", "events_20261399", "events_20260301_old", "orders_20260301"]
)
def test_what_is_no_partition_of_ours_is_never_dropped(name: str) -> None:
    assert KeptDays(past=1).outdated([name], today=date(2100, 1, 1)) == []
