"""Workers: they take keys from the queue and look at them, until they are told to stop."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, Protocol

from churnguard_operator.cluster.errors import ClusterError
from churnguard_operator.runtime.queue import Queue
from churnguard_operator.runtime.store import ModelKey

logger = logging.getLogger("churnguard.operator.workers")

WORKERS: Final = 8
LOOK_SECONDS: Final = 120.0
"""No look at a model takes longer: each request has its limit, and this is the sum's."""

FREE_LOOKS: Final = 10
"""So many looks in a row may each have written something; after that they are paced."""
LONGEST_PAUSE: Final = 60.0

Look = Callable[[ModelKey], Awaitable[timedelta | None]]


class Meter(Protocol):
    """Who counts looks."""

    def looked(self, *, result: str, seconds: float) -> None:
        """A look is over: ``ok``, ``error`` or ``defect``."""


class Workers:
    """A few tasks that share a queue.

    Args:
        queue: Keys of models.
        look: What to do with one; says when to come back.
        meter: Who counts.
    """

    def __init__(self, *, queue: Queue[ModelKey], look: Look, meter: Meter) -> None:
        self._queue = queue
        self._look = look
        self._meter = meter
        self._tasks: list[asyncio.Task[None]] = []
        self._in_a_row: dict[ModelKey, int] = {}
        self._busy: set[asyncio.Task[None]] = set()
        self._is_stopping = False

    def start(self) -> None:
        """Begin to work."""
        self._tasks = [
            asyncio.create_task(self._work(number), name=f"worker {number}") for number in range(WORKERS)
        ]

    async def drain(self, *, seconds: float) -> None:
        """Take no more keys, and return when what has begun is done, or broken off after this time."""
        self._is_stopping = True
        for task in set(self._tasks) - self._busy:
            task.cancel()
        if self._busy:
            await asyncio.wait(self._busy, timeout=seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work(self, number: int) -> None:
        while not self._is_stopping:
            key = await self._queue.take()
            task = self._tasks[number]
            self._busy.add(task)
            try:
                await self._look_at(key)
            finally:
                self._busy.discard(task)

    async def _look_at(self, key: ModelKey) -> None:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                again = await self._look(key)
        except (ClusterError, TimeoutError) as error:
            result = "error"
            delay = self._queue.failed(key)
            text = "model %s/%s: %s; again in %.1f s"
            logger.warning(text, *key, error or "took too long", delay, extra={"model": "/".join(key)})
        except Exception:
            # A defect of ours must not stop the other models.
            result = "defect"
            delay = self._queue.failed(key)
            logger.exception("model %s/%s: again in %.1f s", *key, delay, extra={"model": "/".join(key)})
        else:
            result = "ok"
            self._queue.done(key)
            self._come_back(key, again)
        self._meter.looked(result=result, seconds=time.perf_counter() - started)

    def _come_back(self, key: ModelKey, again: timedelta | None) -> None:
        if again is None or again > timedelta(0):
            self._in_a_row.pop(key, None)
        if again is None:
            return
        after = again.total_seconds()
        if after <= 0:
            looks = self._in_a_row[key] = self._in_a_row.get(key, 0) + 1
            # A write that changes nothing is a defect, of ours or of somebody who writes against us.
            after = 0.0 if looks <= FREE_LOOKS else min(2.0 ** (looks - FREE_LOOKS), LONGEST_PAUSE)
        self._queue.add(key, after=after)
