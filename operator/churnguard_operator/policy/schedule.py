"""When a schedule wants the next training. Cron in a time zone, as Debian's cron counts it.

A run at a time that a change of clocks skips happens right after it; at a time that comes twice, once. Runs with an
hour of `*` follow the clock as it is.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from churnguard_core.churnmodel.types import Schedule

FIRST_WINDOW: Final = timedelta(hours=1)


class InvalidSchedule(ValueError):  # noqa: N818 - names what it is about
    """The schedule names no time or no time zone; the message says which."""


def check_schedule(schedule: Schedule) -> None:
    """What the API server cannot check.

    Raises:
        InvalidSchedule: The cron fields or the time zone mean nothing.
    """
    next_run(schedule, after=datetime(2000, 1, 1, tzinfo=UTC))


def next_run(schedule: Schedule, *, after: datetime) -> datetime:
    """The first run after a moment, in UTC.

    Raises:
        InvalidSchedule: The cron fields or the time zone mean nothing, or there is no such date (30 February).
    """
    runs = CronSim(_fields(schedule), after.astimezone(_zone(schedule)))
    try:
        return _later_than(runs, after)
    except StopIteration:
        raise InvalidSchedule(f"cron {schedule.cron!r} names a day that never comes") from None


def last_run(schedule: Schedule, *, after: datetime, until: datetime) -> datetime | None:
    """The last run after one moment and not after another; those between are missed and collapse into it.

    Raises:
        InvalidSchedule: As for :func:`next_run`.
    """
    window = FIRST_WINDOW
    while until > after:
        # Counted forwards from ever earlier: the last of many is near the end, the last of few soon found.
        start = max(after, until - window)
        found = _last_of(schedule, after=start, until=until)
        if found is not None or start == after:
            return found
        window *= 4
    return None


def _last_of(schedule: Schedule, *, after: datetime, until: datetime) -> datetime | None:
    found, run = None, next_run(schedule, after=after)
    while run <= until:
        found, run = run, next_run(schedule, after=run)
    return found


def _later_than(runs: CronSim, after: datetime) -> datetime:
    while (found := next(runs).astimezone(UTC)) <= after:
        # The hour that comes twice: the second one is no run.
        continue
    return found


def _fields(schedule: Schedule) -> str:
    try:
        CronSim(schedule.cron, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise InvalidSchedule(f"cron {schedule.cron!r}: {error}") from None
    return schedule.cron


def _zone(schedule: Schedule) -> ZoneInfo:
    try:
        return ZoneInfo(schedule.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidSchedule(f"time zone {schedule.time_zone!r} is unknown") from None
