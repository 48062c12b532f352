"""Keys that wait to be looked at: each at most once, at its time, and never in two hands.

A key that is added again while it waits goes by the earlier time; while it is in somebody's hands, it waits until that
one is done. So any number of events about a model is one look, and none gets lost.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from collections.abc import Callable
from typing import Final, Generic, TypeVar

Key = TypeVar("Key")

FIRST_RETRY: Final = 0.5
LONGEST_RETRY: Final = 300.0
MOST_DOUBLINGS: Final = 20


class Queue(Generic[Key]):
    """A queue of keys with their times, for several workers of one event loop.

    Args:
        clock: Seconds that never go back.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._order = itertools.count()
        self._taken: dict[Key, float] = {}
        self._failures: dict[Key, int] = {}
        self._changed = asyncio.Event()

    def add(self, key: Key, *, after: float = 0.0) -> None:
        """Have a key looked at, at the latest ``after`` seconds from now."""
        due = self._clock() + after
        if due >= self._due.get(key, math.inf):
            return
        self._due[key] = due
        if key not in self._taken:
            self._push(key, due)

    async def take(self) -> Key:
        """The next key, as soon as its time has come. The one who takes it must say when it is done."""
        while (key := self._next_due()) is None:
            self._changed.clear()
            # Between the look and the wait nothing else runs, so no change is missed.
            await self._wait_for_change()
        del self._due[key]
        self._taken[key] = self._clock()
        return key

    def done(self, key: Key) -> None:
        """A key was looked at."""
        self._failures.pop(key, None)
        self._release(key)

    def failed(self, key: Key) -> float:
        """Looking at a key failed: it comes again, later each time. The seconds until then."""
        doublings = self._failures.get(key, 0)
        self._failures[key] = min(doublings + 1, MOST_DOUBLINGS)
        delay = min(FIRST_RETRY * 2.0**doublings, LONGEST_RETRY)
        self._release(key)
        # What has been added meanwhile may change everything, so it does not wait for this.
        self.add(key, after=delay)
        return delay

    def forget(self, key: Key) -> None:
        """A key that means nothing any more."""
        self._due.pop(key, None)
        self._failures.pop(key, None)

    @property
    def depth(self) -> int:
        """How many keys could be looked at now and are not."""
        now = self._clock()
        return sum(due <= now and key not in self._taken for key, due in self._due.items())

    @property
    def oldest_age(self) -> float:
        """For how many seconds the first of those has waited."""
        now = self._clock()
        waiting = (due for key, due in self._due.items() if key not in self._taken)
        return max(0.0, now - min(waiting, default=now))

    @property
    def longest_work(self) -> float:
        """For how many seconds a key has been in somebody's hands at most."""
        now = self._clock()
        return max((now - taken for taken in self._taken.values()), default=0.0)

    def _release(self, key: Key) -> None:
        del self._taken[key]
        due = self._due.get(key)
        if due is not None:
            self._push(key, due)

    def _push(self, key: Key, due: float) -> None:
        heapq.heappush(self._heap, (due, next(self._order), key))
        self._changed.set()

    def _next_due(self) -> Key | None:
        now = self._clock()
        while self._heap:
            due, _, key = self._heap[0]
            if self._due.get(key) != due or key in self._taken:
                # Superseded by an earlier time, forgotten, or taken.
                heapq.heappop(self._heap)
            elif due <= now:
                heapq.heappop(self._heap)
                return key
            else:
                return None
        return None

    async def _wait_for_change(self) -> None:
        timeout = self._heap[0][0] - self._clock() if self._heap else None
        try:
            await asyncio.wait_for(self._changed.wait(), timeout)
        except TimeoutError:
            return
