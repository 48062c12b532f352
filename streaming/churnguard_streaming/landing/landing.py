"""The loop: read a batch, land it, read on; and begin anew after whatever fails."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Final, Protocol, TypeVar

from confluent_kafka import KafkaException

from churnguard_eventlog.connection import InvalidConnection
from churnguard_eventstore.maintenance import described
from churnguard_eventstore.migrate import WrongSchema
from churnguard_eventstore.offsets import Topic
from churnguard_streaming.landing.batches import Record, spans_of
from churnguard_streaming.landing.liveness import Liveness
from churnguard_streaming.landing.metrics import Metrics
from churnguard_streaming.landing.positions import LogWentBack, Positions
from churnguard_streaming.landing.reader import NoTopic, Offsets
from churnguard_streaming.landing.rejects import NotDelivered
from churnguard_streaming.landing.store import Landed, Store

log = logging.getLogger("churnguard.landing")

PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between attempts."""
ANSWER_SECONDS: Final = 30.0
"""How long the thread that reads waits for the database."""

CLOSE_SECONDS: Final = 5.0
"""How long a member of the group may take to leave it."""

_Answer = TypeVar("_Answer")


class Member(Protocol):
    """A member of the consumer group, whose methods block."""

    positions: Positions
    missing: int
    """Records that were deleted before they landed, and were not counted yet."""
    brokers_up: int | None
    has_joined: bool
    is_outdated: bool
    """Whether another should take its place, with other credentials."""

    @property
    def lags(self) -> Mapping[int, int]:
        """Records that wait, by partition of ours."""

    def read(self) -> Sequence[Record]:
        """What came; perhaps nothing."""

    def tell(self) -> None:
        """Tell the group how far we are."""

    def go_to(self, stored: Mapping[int, int]) -> None:
        """Read from elsewhere."""

    def close(self) -> None:
        """Leave."""


class Source(Protocol):
    """A topic of Kafka; its methods block."""

    def topic(self) -> Topic:
        """The topic as it is now."""

    def join(self, topic: Topic, *, offsets: Offsets) -> Member:
        """Become a member of the group that reads it."""


class Landing:
    """Lands until it is told to stop.

    Args:
        source: Where records come from.
        store: Where they land.
        metrics: Told of all that happens.
        liveness: Told of every step.
        clock: The time of day.
    """

    def __init__(
        self,
        *,
        source: Source,
        store: Store,
        metrics: Metrics,
        liveness: Liveness,
        clock: Callable[[], datetime],
    ) -> None:
        self._source = source
        self._store = store
        self._metrics = metrics
        self._liveness = liveness
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reader")
        self._stopping = asyncio.Event()
        self._member: Member | None = None
        self._failures = 0
        self._trouble: str | None = "it has not begun"
        self.left = 0

    @property
    def lags(self) -> Mapping[int, int]:
        """Records that wait, by partition of ours."""
        return {} if self._member is None else self._member.lags

    def problem(self) -> str | None:
        """Why events do not land; None when they do."""
        if self._stopping.is_set():
            return "draining"
        if (hang := self._liveness.problem()) is not None:
            return hang
        if self._trouble is not None:
            return self._trouble
        if self._store.maintenance.problem is not None:
            return self._store.maintenance.problem
        if self._member is not None and self._member.brokers_up == 0:
            return "no broker of Kafka can be reached"
        return None

    def stop(self) -> None:
        """Read no more, and end when the batch under way has landed."""
        self._stopping.set()

    async def run(self) -> None:
        """Land until it is stopped; ``left`` says how many records of a batch that was cancelled have not landed."""
        try:
            while not self._stopping.is_set():
                try:
                    await self._read_and_land()
                except Exception as error:
                    self.left = 0
                    self._failed(error)
                    await self._pause_unless_stopping()
        finally:
            self._store.close()
            self._thread.shutdown()

    async def _read_and_land(self) -> None:
        await self._store.open()
        topic = await self._in_thread(self._source.topic)
        offsets = partial(self._offsets, asyncio.get_running_loop(), topic)
        member = await self._in_thread(partial(self._source.join, topic, offsets=offsets))
        self._member = member
        try:
            while not self._stopping.is_set() and not member.is_outdated:
                records = await self._in_thread(member.read)
                self._count_missing(member)
                await self._store.open()
                if records:
                    await self._land(member, topic, records)
                    await self._in_thread(member.tell)
                if member.has_joined:
                    self._succeeded()
            if member.is_outdated:
                log.info("connection to Kafka changed")
        finally:
            self._member = None
            await self._close(member)

    async def _close(self, member: Member) -> None:
        """Leave the group; who cannot reach it any more does not wait for ever, and the group will notice."""
        closed: Future[None] = Future()

        def close() -> None:
            closed.set_running_or_notify_cancel()
            try:
                member.close()
                closed.set_result(None)
            except Exception as error:
                closed.set_exception(error)

        threading.Thread(target=close, name="closing", daemon=True).start()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await asyncio.wrap_future(closed)
        except TimeoutError:
            log.warning("the group was left without a word", extra={"seconds": CLOSE_SECONDS})

    def _count_missing(self, member: Member) -> None:
        if member.missing:
            self._metrics.missing(member.missing)
            member.missing = 0

    async def _land(self, member: Member, topic: Topic, records: Sequence[Record]) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        self.left = len(records)
        moves = member.positions.moves(spans_of(records))
        landed = await self._until_landed(partial(self._store.land, topic, records, moves=moves))
        self.left = 0
        member.positions.moved(move for move in moves if move.partition in landed.moved)
        fenced = {move.partition: move.next for move in moves if move.partition not in landed.moved}
        if fenced:
            await self._look_again(member, topic, fenced)
        self._metrics.landed(landed, seconds=loop.time() - begun, fenced=len(fenced))
        if landed.events:
            oldest = min(event.received_at for event in landed.events)
            self._metrics.was_on_its_way(seconds=(self._clock() - oldest).total_seconds())

    async def _until_landed(self, land: Callable[[], Awaitable[Landed]]) -> Landed:
        while True:
            try:
                await self._store.open()
                landed = await land()
            except Exception as error:
                self._store.close()
                self._failed(error)
                await asyncio.sleep(self._pause)
            else:
                self._succeeded()
                return landed

    async def _look_again(self, member: Member, topic: Topic, fenced: Mapping[int, int]) -> None:
        """Go where the database is with partitions that were not where we believed them to be.

        That is where we wanted to bring it when a commit succeeded whose answer never came.
        """
        stored = await self._store.offsets(topic, fenced)
        log.warning("offsets were moved by another", extra={"partitions": sorted(fenced)})
        await self._in_thread(partial(member.go_to, stored))

    def _offsets(
        self, loop: asyncio.AbstractEventLoop, topic: Topic, partitions: Sequence[int]
    ) -> Mapping[int, int]:
        """Asked by the thread that reads, while the loop waits for it."""
        asked = asyncio.run_coroutine_threadsafe(self._store.offsets(topic, partitions), loop)
        return asked.result(ANSWER_SECONDS)

    def _failed(self, error: Exception) -> None:
        self._liveness.step_ended()
        self._failures += 1
        at, trouble = _told(error)
        self._metrics.failed(at)
        log.debug("failed", exc_info=error)
        if trouble != self._trouble:
            self._trouble = trouble
            log.warning("landing does not go on", extra={"problem": trouble})

    def _succeeded(self) -> None:
        self._failures = 0
        if self._trouble is not None:
            self._trouble = None
            log.info("lands")

    @property
    def _pause(self) -> float:
        return PAUSES[min(self._failures, len(PAUSES)) - 1]

    async def _pause_unless_stopping(self) -> None:
        try:
            async with asyncio.timeout(self._pause):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _in_thread(self, work: Callable[[], _Answer]) -> _Answer:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._liveness.step_ended()


def _told(error: Exception) -> tuple[str, str]:
    """Where something failed, and what is told of it."""
    if isinstance(error, KafkaException):
        return ("kafka", f"Kafka: {error.args[0].str()}")
    if isinstance(error, LogWentBack):
        return ("kafka", "the topic is another one than it was")
    if isinstance(error, InvalidConnection | NoTopic | NotDelivered):
        return ("kafka", str(error))
    if isinstance(error, WrongSchema):
        return ("database", str(error))
    return ("database", f"the database: {described(error)}")
