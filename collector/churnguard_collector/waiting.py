"""Deliveries that wait to be written, bounded in events and in bytes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from churnguard_collector.sink import Outcome
from churnguard_core.events.bad import BadEvent
from churnguard_core.events.envelope import Envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What came together; ``size`` is that of its events as JSON, in bytes."""

    events: Sequence[Envelope]
    bad: Sequence[BadEvent]
    size: int
    outcomes: asyncio.Future[Sequence[Outcome]]

    @property
    def rows(self) -> int:
        """Rows that it becomes."""
        return len(self.events) + len(self.bad)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many rows, and how many bytes."""

    rows: int
    size: int

    def have_room_for(self, *, rows: int, size: int) -> bool:
        """Whether so much is within the bounds."""
        return rows <= self.rows and size <= self.size


class Backlogged:
    """Deliveries that wait or are on their way, in their order.

    Args:
        most: How much there may be of both.
        batch: How much is taken at once; of a larger delivery, all of it.
    """

    def __init__(self, *, most: Bounds, batch: Bounds) -> None:
        self._most = most
        self._batch = batch
        self._waiting = deque[Waiting]()
        self.rows = 0
        self.size = 0

    def __bool__(self) -> bool:
        """Whether any waits."""
        return bool(self._waiting)

    def fits(self, *, rows: int, size: int) -> bool:
        """Whether so much more may wait."""
        return self._most.have_room_for(rows=self.rows + rows, size=self.size + size)

    def is_fuller_than(self, part: float) -> bool:
        """Whether more than this part of what may be is there."""
        return self.rows > self._most.rows * part or self.size > self._most.size * part

    def put(self, delivery: Waiting) -> None:
        """One more waits."""
        self._waiting.append(delivery)
        self.rows += delivery.rows
        self.size += delivery.size

    def take(self) -> list[Waiting]:
        """The next batch; empty when nothing waits. It counts until it is ``done``."""
        batch: list[Waiting] = []
        rows = size = 0
        while self._waiting:
            rows, size = rows + self._waiting[0].rows, size + self._waiting[0].size
            if batch and not self._batch.have_room_for(rows=rows, size=size):
                break
            batch.append(self._waiting.popleft())
        return batch

    def done(self, delivery: Waiting) -> None:
        """It is no longer on its way."""
        self.rows -= delivery.rows
        self.size -= delivery.size
