"""How fast each key may send: a bucket of tokens, one per event. Pure: the clock is given."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(kw_only=True)
class _Bucket:
    tokens: float
    seen: float


class RateLimits:
    """The buckets of all keys of this process."""

    def __init__(self) -> None:
        self._buckets: dict[str, _Bucket] = {}

    def seconds_to_wait(self, key: str, *, events: int, rate: float | None, burst: int, now: float) -> int:
        """Take tokens for these events, and return 0; or take none, and return after how many seconds to come again.

        Args:
            key: The key's id.
            events: At most the burst, or they would never pass: more are taken for the burst.
            rate: Tokens a second, None for no limit.
            burst: Tokens that a full bucket holds.
            now: A monotonic clock, in seconds.
        """
        if rate is None:
            return 0
        bucket = self._buckets.setdefault(key, _Bucket(tokens=burst, seen=now))
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.seen) * rate)
        bucket.seen = now
        wanted = min(events, burst)
        if bucket.tokens >= wanted:
            bucket.tokens -= wanted
            return 0
        return max(1, math.ceil((wanted - bucket.tokens) / rate))
