"""Days that are kept, and the partitions that hold them. Pure.

Partitions are made two days ahead and events accepted for one: a collector that could not make partitions for a day
still has where to put what it accepts. What is dropped lies a day behind what is accepted, so that an event that was
accepted at the end of a day finds its partition at the beginning of the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

from churnguard_core.events.checks import KeptTime

AHEAD: Final = timedelta(days=1)
"""How far a sender's clock may be ahead of ours."""
_MADE_AHEAD: Final = 2
_DROPPED_BEHIND: Final = 1
_NAME: Final = re.compile(r"events_(\d{4})(\d{2})(\d{2})")


@dataclass(frozen=True, kw_only=True)
class KeptDays:
    """How many days before today are kept; days are those of UTC."""

    past: int

    def at(self, now: datetime) -> KeptTime:
        """The time of events that are accepted now."""
        today = (now if now.tzinfo is UTC else now.astimezone(UTC)).date()
        return KeptTime(earliest=_earliest(today, self.past), latest=now + AHEAD)

    def wanted(self, today: date) -> Sequence[date]:
        """Days that must have a partition."""
        return [today + timedelta(days=days) for days in range(-self.past, _MADE_AHEAD + 1)]

    def outdated(self, partitions: Iterable[str], *, today: date) -> Sequence[str]:
        """Those of the partitions whose day is over for good; what is no partition of ours is never named."""
        last = today - timedelta(days=self.past + _DROPPED_BEHIND)
        return [name for name in partitions if (day := day_of(name)) is not None and day < last]


@lru_cache(maxsize=4)
def _earliest(today: date, past: int) -> datetime:
    return datetime.combine(today - timedelta(days=past), time(), UTC)


def partition_name(day: date) -> str:
    """Name of a day's partition, such as ``events_20260301``."""
    return f"events_{day:%Y%m%d}"


def day_of(partition: str) -> date | None:
    """The day that a partition's name says; None when it says none."""
    match = _NAME.fullmatch(partition)
    try:
        return None if match is None else date(*map(int, match.groups()))
    except ValueError:
        return None
