"""Schedules across changes of clocks, and runs that were missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churnguard_core.churnmodel.types import Schedule
from churnguard_operator.policy.schedule import InvalidSchedule, check_schedule, last_run, next_run

BERLIN = "Europe/Berlin"
SPRING, AUTUMN = datetime(2025, 3, 30, tzinfo=UTC), datetime(2025, 10, 26, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def runs(schedule: Schedule, *, after: datetime, count: int) -> list[datetime]:
    found = []
    for _ in range(count):
        after = next_run(schedule, after=after)
        found.append(after)
    return found


@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        # Berlin is UTC+1 in winter, UTC+2 in summer.
        ("0 3 * * *", "2025-01-10T00:00", "2025-01-10T02:00"),
        ("0 3 * * *", "2025-07-10T00:00", "2025-07-10T01:00"),
        ("0 3 * * 1", "2025-03-03T12:00", "2025-03-10T02:00"),
        # 02:30 does not exist on 30 March: it runs right after the gap, at 03:00.
        ("30 2 * * *", "2025-03-29T12:00", "2025-03-30T01:00"),
        ("30 2 * * *", "2025-03-30T01:00", "2025-03-31T00:30"),
        # 02:30 comes twice on 26 October: it runs once, the first time.
        ("30 2 * * *", "2025-10-25T12:00", "2025-10-26T00:30"),
        ("30 2 * * *", "2025-10-26T00:30", "2025-10-27T01:30"),
        # Asked in the hour that comes again: that was the run, the next is tomorrow.
        ("45 2 * * *", "2025-10-26T01:10", "2025-10-27T01:45"),
    ],
)
def test_a_run_is_at_its_hour_of_the_zone_whatever_the_clocks_do(
    cron: str, after: str, expected: str
) -> None:
    schedule = Schedule(cron=cron, time_zone=BERLIN)
    assert next_run(schedule, after=at(after)) == at(expected)


def test_a_daily_run_comes_once_a_day_over_both_changes_of_clocks() -> None:
    schedule = Schedule(cron="30 2 * * *", time_zone=BERLIN)
    for change in (SPRING, AUTUMN):
        found = runs(schedule, after=change - timedelta(days=3), count=6)
        days = [run.astimezone(UTC).date() for run in found]
        assert len(set(days)) == len(days)
        assert all(timedelta(hours=22) < later - run < timedelta(hours=26) for run, later in pairwise(found))


def test_an_hourly_run_follows_the_clock_through_the_hour_that_comes_twice() -> None:
    found = runs(Schedule(cron="0 * * * *", time_zone=BERLIN), after=at("2025-10-25T22:30"), count=6)
    assert {later - run for run, later in pairwise(found)} == {timedelta(hours=1)}


@pytest.mark.parametrize(
    ("after", "until", "expected"),
    [
        ("2025-01-01T00:00", "2025-01-01T01:00", None),
        ("2025-01-01T00:00", "2025-01-01T02:00", "2025-01-01T02:00"),
        ("2025-01-01T02:00", "2025-01-01T02:00", None),
        ("2025-01-01T00:00", "2025-01-20T12:00", "2025-01-20T02:00"),
        # The clocks have been set back: 03:00 is 02:00 UTC, and still to come.
        ("2024-01-01T00:00", "2025-10-26T01:10", "2025-10-25T01:00"),
        ("2025-02-01T00:00", "2025-01-01T00:00", None),
    ],
)
def test_missed_runs_collapse_to_the_last_one(after: str, until: str, expected: str | None) -> None:
    schedule = Schedule(cron="0 3 * * *", time_zone=BERLIN)
    found = last_run(schedule, after=at(after), until=at(until))
    assert found == (at(expected) if expected else None)


CRONS = st.sampled_from(["* * * * *", "*/7 * * * *", "30 2 * * *", "0 3 * * 1", "15 1-4 * * *", "0 0 29 2 *"])
ZONES = st.sampled_from([BERLIN, "UTC", "America/New_York", "Australia/Lord_Howe"])
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 31)).map(lambda it: it.replace(tzinfo=UTC))


@settings(deadline=None)
@given(cron=CRONS, zone=ZONES, after=MOMENTS)
def test_the_next_run_is_later_and_nothing_lies_between(cron: str, zone: str, after: datetime) -> None:
    schedule = Schedule(cron=cron, time_zone=zone)
    run = next_run(schedule, after=after)
    assert run > after
    assert last_run(schedule, after=after, until=run) == run
    assert last_run(schedule, after=after, until=run - timedelta(microseconds=1)) is None


@settings(deadline=None)
@given(cron=CRONS, zone=ZONES, after=MOMENTS, hours=st.integers(0, 72))
def test_the_last_run_is_the_last_of_those_counted_one_by_one(
    cron: str, zone: str, after: datetime, hours: int
) -> None:
    schedule = Schedule(cron=cron, time_zone=zone)
    until = after + timedelta(hours=hours)
    counted, run = None, next_run(schedule, after=after)
    while run <= until and (counted is None or cron != "* * * * *" or until - run < timedelta(hours=2)):
        counted, run = run, next_run(schedule, after=run)
    if run > until:
        assert last_run(schedule, after=after, until=until) == counted


@pytest.mark.parametrize(
    ("cron", "zone", "named"),
    [
        ("0 25 * * *", "UTC", "cron '0 25 * * *'"),
        ("0 3 * * 1", "Europe/Atlantis", "time zone 'Europe/Atlantis' is unknown"),
        ("0 0 30 2 *", "UTC", "cron '0 0 30 2 *'"),
        ("0 0 31 FEB,APR *", "UTC", "cron '0 0 31 FEB,APR *'"),
    ],
)
def test_what_means_nothing_is_named(cron: str, zone: str, named: str) -> None:
    with pytest.raises(InvalidSchedule) as invalid:
        check_schedule(Schedule(cron=cron, time_zone=zone))
    assert named in str(invalid.value)
