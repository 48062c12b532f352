"""The sink that has Kafka acknowledge: ``kept`` is what all replicas in sync have.

Events come encoded and are handed to the producer in their order, so one that cannot be sent keeps no other from it.
The producer gathers the records of all requests into batches; a thread of its own hears what became of them. Its
idempotence covers what it repeats itself, not what a caller sends again: that is for the landing's exact dedupe.
A producer that has failed for good, or whose credentials have changed, is replaced by another.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import compress
from typing import Final, Protocol

from confluent_kafka import KafkaError, KafkaException

from churnguard_collector.accepted import Accepted
from churnguard_collector.deliveries import Deliveries, Delivery
from churnguard_collector.kafka_client import QUEUE_KIBIBYTES, KafkaClient
from churnguard_collector.sink import Backlog, Outcome
from churnguard_core.events.bad import UNSTORABLE, BadEvent, bad_event_of, encode_bad_event
from churnguard_core.events.envelope import Envelope
from churnguard_core.events.topics import record_headers, record_key
from churnguard_eventlog.access import ask_for_topics, problem_of_access, refusal_of
from churnguard_eventlog.connection import Connection, InvalidConnection
from churnguard_eventlog.settings import DELIVERY_MILLISECONDS
from churnguard_eventlog.statistics import Statistics
from churnguard_eventlog.topics import EventTopics

Headers = list[tuple[str, str | bytes | None]]

log = logging.getLogger("churnguard.collector")

FULL: Final = 0.5
"""The part of the queue from which on no more events should come."""
SILENT_SECONDS: Final = 30.0
"""Without a broker for so long, the sink is not ready."""
GIVE_UP_SECONDS: Final = DELIVERY_MILLISECONDS / 1000 + 5.0
"""librdkafka gives every record up by itself before that."""
LOOK_SECONDS: Final = 60.0
LOOK_SOON_SECONDS: Final = 2.0
"""Between two looks at the topics: when all is well, and when it is not."""
REPLACE_SECONDS: Final = 5.0
"""Between two producers that fail for good."""
ANSWER_SECONDS: Final = 5.0
TICK_SECONDS: Final = 1.0

_NO_BROKER: Final = "no broker of Kafka can be reached"
_HEADERS_OF_BAD: Final[Headers] = [("content-type", b"application/json")]


class Meter(Protocol):
    """Counts what the sink does."""

    def written(self, *, seconds: float) -> None:
        """All records of a request were acknowledged."""

    def record_failed(self, *, reason: str) -> None:
        """A record was not, as far as is known; called in any thread."""


class KafkaSink:
    """Keeps events in topics.

    Args:
        connect: Says where Kafka is, and as whom we come; asked again and again, because credentials change. Raises
            InvalidConnection when it cannot say.
        topics: Where events go, and the reasons of bad ones.
        capacity: Records that may wait.
        meter: Told of what happens.
    """

    def __init__(
        self, connect: Callable[[], Connection], *, topics: EventTopics, capacity: int, meter: Meter
    ) -> None:
        self._connect = connect
        self._topics = topics
        self._capacity = capacity
        self._meter = meter
        self._connection: Connection
        self._client: KafkaClient
        self._retired: list[KafkaClient] = []
        self._deliveries: Deliveries
        self._headers: dict[tuple[str, str], Headers] = {}
        self._invalid = ""
        self._answered = -math.inf
        self._refusal: str | None = None
        self._unusable: str | None = _NO_BROKER
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to talk to Kafka; returns when the topics were looked at, or cannot be.

        That no broker can be reached, or a topic is missing, is no error: it is what ``problem`` says until it changes.

        Raises:
            InvalidConnection: The settings cannot be used.
        """
        self._loop = asyncio.get_running_loop()
        self._looks = asyncio.Event()
        self._deliveries = Deliveries(failed=self._failed, completed=self._completed)
        self._connection = self._connect()
        self._client = self._new_client(self._connection)
        await self._look()
        self._judge()
        self._tasks = [asyncio.create_task(task) for task in (self._look_forever(), self._judge_forever())]

    @property
    def backlog(self) -> Backlog:
        """What waits, and what is on its way."""
        waiting = sum(len(client.producer) for client in (self._client, *self._retired))
        return Backlog(events=waiting, capacity=self._capacity)

    @property
    def statistics(self) -> Statistics | None:
        """The latest of the producer; None when there were none yet."""
        return self._client.statistics

    def problem(self) -> str | None:
        """Why no more events should come."""
        if self._unusable is not None:
            return self._unusable
        queued = 0 if self.statistics is None else self.statistics.queued_bytes
        if self.backlog.events > self._capacity * FULL or queued > QUEUE_KIBIBYTES * 1024 * FULL:
            return "too many events wait"
        return None

    def deliver(
        self, events: Sequence[Accepted], bad: Sequence[BadEvent]
    ) -> asyncio.Future[Sequence[Outcome]]:
        """Hand everything to the producer."""
        if self._unusable is not None:
            outcomes: asyncio.Future[Sequence[Outcome]] = self._loop.create_future()
            outcomes.set_result(["unavailable"] * len(events))
            return outcomes
        delivery = self._deliveries.begin(events=len(events))
        handed = self._produce(events, delivery)
        if "unstorable" in delivery.result:
            unstorable = compress(events, [outcome == "unstorable" for outcome in delivery.result])
            bad = [*bad, *(bad_event_of(each.envelope, UNSTORABLE) for each in unstorable)]
        delivery.expect(handed + self._produce_bad(bad, delivery))
        return delivery.outcomes

    async def drain(self, *, seconds: float) -> int:
        """Wait for all acknowledgements; returns how many records were left."""
        if waiting := self._deliveries.unanswered():
            await asyncio.wait(waiting, timeout=seconds)
        return self.backlog.events

    async def close(self) -> None:
        """Stop listening; what was not acknowledged is answered as unknown."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in (self._client, *self._retired):
            client.close()
        self._deliveries.expire(begun_before=math.inf)

    def _produce(self, events: Sequence[Accepted], delivery: Delivery) -> int:
        """Hand over events in their order; returns how many were."""
        produce, topic = self._client.producer.produce, self._topics.events
        heard, handed = delivery.heard, 0
        for place, event in enumerate(events):
            envelope = event.envelope
            key = record_key(workspace=envelope.workspace, subject=envelope.subject)
            headers = self._headers.get((envelope.type, envelope.source)) or self._new_headers(envelope)
            try:
                produce(topic, event.encoded, key, -1, partial(heard, place), None, 0, headers)
                handed += 1
            except BufferError:
                delivery.result[place:] = ["overloaded"] * (len(events) - place)
                break
            except KafkaException as failed:
                error = failed.args[0]
                delivery.result[place] = (
                    "unstorable" if error.code() == KafkaError.MSG_SIZE_TOO_LARGE else "unavailable"
                )
                self._failed(error, topic)
                self._client.note(error)
        return handed

    def _produce_bad(self, bad: Sequence[BadEvent], delivery: Delivery) -> int:
        handed = 0
        for each in bad:
            key = record_key(workspace=each.workspace, subject=each.subject) if each.subject else None
            try:
                self._client.producer.produce(
                    self._topics.bad_events,
                    encode_bad_event(each),
                    key,
                    on_delivery=partial(delivery.heard, None),
                    headers=_HEADERS_OF_BAD,
                )
                handed += 1
            except BufferError:
                self._meter.record_failed(reason="bad_event")
            except KafkaException as failed:
                self._meter.record_failed(reason="bad_event")
                self._client.note(failed.args[0])
        return handed

    def _new_headers(self, event: Envelope) -> Headers:
        # As many as there are types and keys.
        headers = self._headers[event.type, event.source] = [*record_headers(event)]
        return headers

    def _completed(self, delivery: Delivery) -> None:
        self._meter.written(seconds=self._loop.time() - delivery.begun)

    def _failed(self, error: KafkaError, topic: str) -> None:
        """A record was not delivered; called in any thread."""
        self._meter.record_failed(reason=error.name())
        refusal = refusal_of(error, topic=topic, access="write")
        if refusal is not None and refusal != self._refusal:
            self._refusal = refusal
            self._loop.call_soon_threadsafe(self._judge)

    def _new_client(self, connection: Connection) -> KafkaClient:
        def failed_for_good() -> None:
            self._loop.call_soon_threadsafe(self._judge)

        return KafkaClient(connection, capacity=self._capacity, failed_for_good=failed_for_good)

    async def _look_forever(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SOON_SECONDS if self._unusable else LOOK_SECONDS):
                    await self._looks.wait()
            self._looks.clear()
            await self._look()
            self._judge()

    async def _renew(self) -> None:
        """Take another client in the place of one that is of no use any more."""
        self._retired = [client for client in self._retired if not client.is_over]
        try:
            connection = await asyncio.to_thread(self._connect)
            self._invalid = ""
            if connection != self._connection:
                self._replace(connection)
                log.info("connection to Kafka changed")
            elif self._client.fatal is not None and self._client.age > REPLACE_SECONDS:
                log.error("the producer has failed and is replaced", extra={"problem": self._client.fatal})
                self._replace(connection)
        except InvalidConnection as invalid:
            # A mounted folder may be swapped at this moment.
            if self._invalid != (problem := str(invalid)):
                self._invalid = problem
                log.warning("connection to Kafka unchanged", extra={"problem": problem})
        except Exception:
            # Whatever it is: without this task, nobody would judge any more.
            log.exception("the connection to Kafka could not be looked at")

    def _replace(self, connection: Connection) -> None:
        before, self._client = self._client, self._new_client(connection)
        self._connection = connection
        before.retire()
        self._retired.append(before)
        self._looks.set()

    async def _look(self) -> None:
        topics = (self._topics.events, self._topics.bad_events)
        answers = ask_for_topics(self._client.admin, topics, seconds=ANSWER_SECONDS)
        waiting = [asyncio.wrap_future(answer) for answer in answers.values()]
        await asyncio.gather(*waiting, return_exceptions=True)
        try:
            self._refusal = problem_of_access(answers, access="write")
            self._answered = time.monotonic()
        except KafkaException as failed:
            self._client.trouble = self._client.trouble or failed.args[0].str()

    async def _judge_forever(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._deliveries.expire(begun_before=self._loop.time() - GIVE_UP_SECONDS)
            await self._renew()
            self._judge()

    def _judge(self) -> None:
        """Whether events can be kept at this moment."""
        before, self._unusable = self._unusable, self._problem_of_client()
        if self._unusable is not None and before != self._unusable:
            log.warning("events cannot be kept", extra={"problem": self._unusable})
            if before is None:
                # What was found a minute ago is not so any more.
                self._looks.set()
        elif before is not None and self._unusable is None:
            self._client.trouble = ""
            log.info("events can be kept")

    def _problem_of_client(self) -> str | None:
        client = self._client
        if time.monotonic() - max(self._answered, client.reached) > SILENT_SECONDS:
            return f"{_NO_BROKER}: {client.trouble}" if client.trouble else _NO_BROKER
        # A refusal says what to do; that a producer fails without the right to write only follows from it.
        if self._refusal is None and client.fatal is not None:
            return f"the producer has failed: {client.fatal}"
        return self._refusal
