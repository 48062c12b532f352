"""How long to wait after failures in a row."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

MOST_DOUBLINGS: Final = 16


def backoff(*, failures: int, first: timedelta, longest: timedelta) -> timedelta:
    """The wait after the n-th failure in a row: doubled each time, and bounded."""
    doublings = min(max(failures - 1, 0), MOST_DOUBLINGS)
    return min(first * (1 << doublings), longest)


def is_over(retry_after: datetime | None, *, now: datetime, longest: timedelta) -> bool:
    """Whether a wait is over; one that is longer than any can be comes from a clock that was wrong."""
    return retry_after is None or now >= retry_after or retry_after - now > longest
