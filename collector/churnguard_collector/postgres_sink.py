"""The sink that commits to Postgres.

Requests do not commit one by one: while one transaction is on its way, deliveries gather, and the next takes all of
them. So a single event costs one commit on a quiet collector and a share of one on a busy one. One statement inserts
them, and there is nothing to undo: what is not known to be committed is answered as unknown, and its retry is the same
row.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import compress
from typing import Final, Protocol

import asyncpg

from churnguard_collector.accepted import Accepted
from churnguard_collector.sink import Backlog, Outcome
from churnguard_collector.waiting import Backlogged, Bounds, Waiting
from churnguard_core.events.bad import UNSTORABLE, BadEvent, bad_event_of
from churnguard_core.events.envelope import Envelope
from churnguard_eventstore.connections import CONNECT_SECONDS, connect
from churnguard_eventstore.days import KeptDays
from churnguard_eventstore.maintenance import Maintenance, described
from churnguard_eventstore.migrate import check_schema
from churnguard_eventstore.rows import (
    KEEP_BAD_EVENTS,
    KEEP_EVENTS,
    bad_event_arrays,
    event_arrays,
    order_of,
)

log = logging.getLogger("churnguard.collector")

WRITERS: Final = 2
"""Connections that write: while one waits for its commit, another batch is prepared."""
MOST_BYTES: Final = 64 * 2**20
"""Of events that wait, as JSON: in memory they take more than twice as much."""
BATCH: Final = Bounds(rows=2_000, size=8 * 2**20)
"""Of one transaction."""
PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
"""Seconds between attempts to connect."""
FULL: Final = 0.5
"""The part of the backlog's capacity from which on no more events should come."""

# These are about what a row holds; everything else is about the database, and passes. Everything else is any
# exception: asyncpg has some of no common class for connections that break at an odd moment, and a writer that ends
# would never write again.
_ROWS_FAULT: Final = (asyncpg.DataError, asyncpg.ProgramLimitExceededError)
_NO_PARTITION: Final = asyncpg.CheckViolationError
_CROSSED: Final = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class Meter(Protocol):
    """Counts what the sink does."""

    def written(self, *, seconds: float) -> None:
        """A batch was committed."""

    def write_failed(self) -> None:
        """A batch was not, as far as is known."""


class PostgresSink:
    """Keeps events in ``churnguard.events``.

    Args:
        url: Says where the database is, with user and password; asked for every connection, because they change.
        days: Which days are kept.
        capacity: Events that may wait.
        meter: Told of every write.
        clock: The time of day, which says what partitions are needed.
    """

    def __init__(
        self,
        url: Callable[[], str],
        *,
        days: KeptDays,
        capacity: int,
        meter: Meter,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._url = url
        self._capacity = capacity
        self._meter = meter
        self._maintenance = Maintenance(connect=self._connect, days=days, clock=clock)
        self._backlog = Backlogged(most=Bounds(rows=capacity, size=MOST_BYTES), batch=BATCH)
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._connected = 0
        self._writes = asyncio.Event()
        self._lost = False
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Connect, look at the tables and begin to write.

        Raises:
            WrongSchema: The tables are not those of this program.
            OSError, TimeoutError, asyncpg.PostgresError: The database cannot be reached, or refuses.
        """
        connection = await self._connect()
        try:
            await check_schema(connection)
            await self._maintenance.run(connection)
        finally:
            await connection.close()
        writers = [self._write_forever() for _ in range(WRITERS)]
        self._tasks = [asyncio.create_task(task) for task in (*writers, self._maintenance.run_forever())]
        async with asyncio.timeout(CONNECT_SECONDS):
            await self._writes.wait()

    @property
    def backlog(self) -> Backlog:
        """What waits, and what is on its way."""
        return Backlog(events=self._backlog.rows, capacity=self._capacity)

    def problem(self) -> str | None:
        """Why no more events should come."""
        if not self._connected:
            return "the database cannot be reached"
        if (problem := self._maintenance.problem) is not None:
            return problem
        if self._backlog.is_fuller_than(FULL):
            return "too many events wait"
        return None

    def deliver(
        self, events: Sequence[Accepted], bad: Sequence[BadEvent]
    ) -> asyncio.Future[Sequence[Outcome]]:
        """Put events into the next batch."""
        outcomes: asyncio.Future[Sequence[Outcome]] = asyncio.get_running_loop().create_future()
        refusal: Outcome | None = None
        size = sum(len(event.encoded) for event in events)
        if not self._connected:
            refusal = "unavailable"
        elif not self._backlog.fits(rows=len(events) + len(bad), size=size):
            refusal = "overloaded"
        if refusal is not None:
            outcomes.set_result([refusal] * len(events))
            return outcomes
        envelopes = [event.envelope for event in events]
        self._backlog.put(Waiting(events=envelopes, bad=bad, size=size, outcomes=outcomes))
        self._idle.clear()
        self._news.set()
        return outcomes

    async def drain(self, *, seconds: float) -> int:
        """Wait until nothing waits; returns how many events were left."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return self._backlog.rows
        return 0

    async def close(self) -> None:
        """Stop writing; what waits is answered as unknown."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._give_up_waiting()

    async def _connect(self) -> asyncpg.Connection:
        return await connect(self._url(), program="churnguard-collector")

    async def _write_forever(self) -> None:
        failures = 0
        while True:
            try:
                connection = await self._connect()
            except Exception as error:
                self._connection_failed(error)
                await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
                failures += 1
                continue
            failures = 0
            if self._lost:
                self._lost = False
                log.info("the database is back")
            self._connected += 1
            self._writes.set()
            try:
                await self._write_while_connected(connection)
            finally:
                self._connected -= 1
                connection.terminate()

    def _connection_failed(self, error: Exception) -> None:
        if self._connected:
            return
        self._give_up_waiting()
        if not self._lost:
            self._lost = True
            log.warning("the database cannot be reached", extra={"problem": described(error)})

    async def _write_while_connected(self, connection: asyncpg.Connection) -> None:
        # One that breaks while nothing is written is told as well: readiness would lie until the next event.
        connection.add_termination_listener(lambda _: self._news.set())
        while not connection.is_closed():
            if not self._backlog:
                self._news.clear()
                await self._news.wait()
            elif batch := self._backlog.take():
                await self._write(connection, batch)

    async def _write(self, connection: asyncpg.Connection, batch: Sequence[Waiting]) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        events = [event for delivery in batch for event in delivery.events]
        outcomes: list[Outcome] = ["unavailable"] * len(events)
        try:
            outcomes = await self._keep(connection, events)
            bad = [bad for delivery in batch for bad in delivery.bad]
            unstorable = compress(events, [outcome == "unstorable" for outcome in outcomes])
            bad += [bad_event_of(event, UNSTORABLE) for event in unstorable]
            await self._keep_bad(connection, bad)
            self._meter.written(seconds=loop.time() - begun)
        except Exception as error:
            self._meter.write_failed()
            log.warning("a batch was not written", extra={"problem": described(error), "events": len(events)})
            # Whatever state the connection is in, a new one is in none.
            connection.terminate()
        finally:
            self._answer(batch, outcomes)

    def _answer(self, batch: Sequence[Waiting], outcomes: Sequence[Outcome]) -> None:
        start = 0
        for delivery in batch:
            end = start + len(delivery.events)
            if not delivery.outcomes.done():
                delivery.outcomes.set_result(outcomes[start:end])
            start = end
            self._backlog.done(delivery)
        if not self._backlog.rows:
            self._idle.set()

    def _give_up_waiting(self) -> None:
        while batch := self._backlog.take():
            self._answer(batch, ["unavailable"] * sum(len(delivery.events) for delivery in batch))

    async def _keep(self, connection: asyncpg.Connection, events: Sequence[Envelope]) -> list[Outcome]:
        """Insert all at once; when a row cannot be stored, the halves, until that row is alone."""
        if not events:
            return []
        try:
            await self._insert(connection, KEEP_EVENTS, event_arrays(sorted(events, key=order_of)))
        except _ROWS_FAULT as error:
            if len(events) == 1:
                log.warning("an event cannot be stored", extra={"problem": type(error).__name__})
                return ["unstorable"]
            middle = len(events) // 2
            return [
                *await self._keep(connection, events[:middle]),
                *await self._keep(connection, events[middle:]),
            ]
        return ["kept"] * len(events)

    async def _keep_bad(self, connection: asyncpg.Connection, bad: Sequence[BadEvent]) -> None:
        if not bad:
            return
        try:
            await self._insert(connection, KEEP_BAD_EVENTS, bad_event_arrays(bad))
        except _ROWS_FAULT as error:
            extra = {"problem": type(error).__name__, "events": len(bad)}
            log.error("the reasons of bad events could not be stored", extra=extra)

    async def _insert(
        self, connection: asyncpg.Connection, statement: str, arrays: list[list[object]]
    ) -> None:
        try:
            await connection.execute(statement, *arrays)
        except _CROSSED:
            await connection.execute(statement, *arrays)
        except _NO_PARTITION:
            # Its day is kept, so the partition is what is wrong: it was dropped, or this is another database now.
            log.warning("a partition is missing")
            await self._maintenance.run(connection)
            await connection.execute(statement, *arrays)
