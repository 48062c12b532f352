"""Postgres: events and offsets in one transaction."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import asyncpg

from churnguard_core.events.envelope import Envelope
from churnguard_eventstore.connections import connect
from churnguard_eventstore.days import KeptDays
from churnguard_eventstore.maintenance import Maintenance
from churnguard_eventstore.migrate import check_schema
from churnguard_eventstore.offsets import Move, Topic, move_offsets, read_offsets
from churnguard_eventstore.staging import make_stage
from churnguard_streaming.landing.batches import Batch, Record, Rejected, batch_of, of_partitions, unstorable
from churnguard_streaming.landing.handing import Receiver
from churnguard_streaming.landing.keeping import Keeper
from churnguard_streaming.landing.liveness import Liveness

log = logging.getLogger("churnguard.landing")

PROGRAM: Final = "churnguard-land"

# These are about what a row holds, the last two before it leaves this program.
_ROWS_FAULT: Final = (
    asyncpg.DataError,
    asyncpg.ProgramLimitExceededError,
    OverflowError,
    UnicodeError,
)
_NO_PARTITION: Final = asyncpg.CheckViolationError
_Faults = tuple[type[Exception], ...]


class BadTopic(Protocol):
    """Where bad events go."""

    async def send(self, rejected: Sequence[Rejected]) -> None:
        """Return when all are durable; raise when one is not."""


@dataclass(frozen=True, kw_only=True)
class Landed:
    """What became of records.

    ``moved`` are the partitions whose offset was where it was believed to be; of the others, nothing landed.
    """

    moved: Collection[int]
    events: Sequence[Envelope]
    duplicates: int
    rejected: Mapping[str, int]


class Store:
    """One connection, which lands one batch after the other.

    Args:
        url: Says where the database is, with user and password; asked for every connection, because they change.
        days: Which days are kept.
        bad_topic: Where bad events go.
        receiver: Who is handed what lands.
        liveness: Told of every step.
        clock: The time of day, which says what days are kept.
    """

    def __init__(
        self,
        url: Callable[[], str],
        *,
        days: KeptDays,
        bad_topic: BadTopic,
        receiver: Receiver,
        liveness: Liveness,
        clock: Callable[[], datetime],
    ) -> None:
        self._url = url
        self._days = days
        self._bad_topic = bad_topic
        self._receiver = receiver
        self._liveness = liveness
        self._clock = clock
        self._keeper = Keeper()
        self._connection: asyncpg.Connection | None = None
        self.maintenance = Maintenance(connect=self._connect, days=days, clock=clock)

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._connection is not None and not self._connection.is_closed()

    async def open(self) -> None:
        """Connect, unless there is a connection.

        Raises:
            WrongSchema: The tables are not those of this program.
            OSError, TimeoutError, asyncpg.PostgresError: The database cannot be reached, or refuses.
        """
        if self.is_open:
            return
        connection = await self._connect()
        try:
            await check_schema(connection)
            if self.maintenance.problem is not None:
                await self.maintenance.run(connection)
            await make_stage(connection)
        except BaseException:
            connection.terminate()
            raise
        self._connection = connection
        self._liveness.step_ended()

    def close(self) -> None:
        """Hang up, whatever is under way: whatever state the connection is in, a new one is in none."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def offsets(self, topic: Topic, partitions: Iterable[int]) -> Mapping[int, int]:
        """The offset of the next record to land, by partition."""
        return await read_offsets(self._open_connection, topic, partitions)

    async def land(self, topic: Topic, records: Sequence[Record], *, moves: Sequence[Move]) -> Landed:
        """Keep what the records hold and move the offsets, both or none.

        Args:
            topic: Where they come from.
            records: In the order of each partition.
            moves: What they do to the offsets.

        Raises:
            Exception: Whatever went wrong. Nothing has landed or, when the connection broke at the end, everything.
        """
        try:
            return await self._land(topic, records, moves=moves, faults=_ROWS_FAULT)
        except _NO_PARTITION:
            # Its day is kept, so the partition is what is wrong; if it is not, then the row is.
            log.warning("a partition is missing")
            await self.maintenance.run(self._open_connection)
            return await self._land(topic, records, moves=moves, faults=(*_ROWS_FAULT, _NO_PARTITION))

    async def _land(
        self, topic: Topic, records: Sequence[Record], *, moves: Sequence[Move], faults: _Faults
    ) -> Landed:
        connection = self._open_connection
        async with connection.transaction():
            moved = await move_offsets(connection, topic, moves)
            if len(moved) < len(moves):
                records = of_partitions(records, moved)
            batch = batch_of(records, kept=self._days.at(self._clock()))
            events, refused = await self._keep(batch, faults=faults)
            rejected = [*batch.rejected, *refused]
            if rejected:
                await self._bad_topic.send(rejected)
            if events:
                await self._receiver.receive(events, connection=connection)
        return Landed(
            moved=moved,
            events=events,
            duplicates=batch.repeated + len(batch.events) - len(refused) - len(events),
            rejected=Counter(each.bad.reason for each in rejected),
        )

    async def _keep(self, batch: Batch, *, faults: _Faults) -> tuple[list[Envelope], list[Rejected]]:
        """Keep all at once; when a row is refused, the halves, until that row is alone.

        Returns:
            What is new, and what is refused.
        """
        kept: list[Envelope] = []
        refused: list[Rejected] = []
        pending = [range(len(batch.events))] if batch.events else []
        while pending:
            part = pending.pop()
            # A batch of nothing but refused rows is thousands of parts: together they may take any time.
            self._liveness.step_ended()
            try:
                async with self._open_connection.transaction():
                    events = batch.events[part.start : part.stop]
                    kept += await self._keeper.keep(self._open_connection, events)
            except faults as error:
                if len(part) == 1:
                    log.warning("an event cannot be stored", extra={"problem": type(error).__name__})
                    refused.append(unstorable(batch.records[part.start], batch.events[part.start]))
                else:
                    middle = part.start + len(part) // 2
                    pending += [range(middle, part.stop), range(part.start, middle)]
        return kept, refused

    @property
    def _open_connection(self) -> asyncpg.Connection:
        if self._connection is None:
            raise ConnectionError("there is no connection")
        return self._connection

    async def _connect(self) -> asyncpg.Connection:
        return await connect(self._url(), program=PROGRAM)
