"""Kafka: records of the partitions that the group gives us, from where they landed last.

All methods block, and belong to one thread.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from confluent_kafka import (
    OFFSET_INVALID,
    Consumer,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from churnguard_eventlog.access import refusal_of
from churnguard_eventlog.connection import Connection, InvalidConnection
from churnguard_eventlog.settings import Settings, connection_settings, consumer_settings
from churnguard_eventlog.statistics import parse_statistics
from churnguard_eventstore.offsets import Topic
from churnguard_streaming.landing.batches import Record
from churnguard_streaming.landing.positions import Positions, start_of

log = logging.getLogger("churnguard.landing")
kafka_log = logging.getLogger("churnguard.kafka")

MOST_RECORDS: Final = 5_000
MOST_BYTES: Final = 16 * 2**20
READ_SECONDS: Final = 0.2
"""A batch is what came until it has so many records, so many bytes, or so long."""
AT_ONCE: Final = 1_000
"""Records between two looks at the bytes."""
ANSWER_SECONDS: Final = 5.0
"""How long a broker may take to answer."""
COMMIT_SECONDS: Final = 1.0
"""Between two times that Kafka is told the offsets."""
LOOK_SECONDS: Final = 2.0
"""Between two looks at the credentials."""
SESSION_MILLISECONDS: Final = 10_000
"""After so long without a word, a member's partitions go to others."""
PREFETCH_KIBIBYTES: Final = 32 * 1024

Offsets = Callable[[Sequence[int]], Mapping[int, int]]
"""The offset of the next record to land, by partition; blocks."""


class NoTopic(Exception):  # noqa: N818 - names the fact
    """The topic is not there, or not for us."""


class Reader:
    """A member of the group.

    Args:
        settings: Of a consumer.
        topic: What is read.
        offsets: Says where to begin; asked in the reader's thread.
        is_current: Whether the settings are still those to come with; InvalidConnection when that cannot be said.
    """

    def __init__(
        self, settings: Settings, *, topic: Topic, offsets: Offsets, is_current: Callable[[], bool]
    ) -> None:
        self._topic = topic
        self._offsets = offsets
        self._is_current = is_current
        self._looked = time.monotonic()
        self._invalid = ""
        self.is_outdated = False
        self._told = time.monotonic()
        self.positions = Positions()
        self._ends: Mapping[int, int] = {}
        self.missing = 0
        self.brokers_up: int | None = None
        self.has_joined = False
        own: dict[str, Any] = {
            # Of what moves to another member, and of nothing else, reading is interrupted.
            "partition.assignment.strategy": "cooperative-sticky",
            # An offset that is not there any more is looked at when the partition is assigned, and told.
            "auto.offset.reset": "error",
            # Heartbeats come from a thread of their own, so who misses them is gone.
            "session.timeout.ms": SESSION_MILLISECONDS,
            "queued.max.messages.kbytes": PREFETCH_KIBIBYTES,
            "stats_cb": self._note_statistics,
            "logger": kafka_log,
        }
        self._consumer = Consumer({**settings, **own})
        self._consumer.subscribe(
            [topic.name], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked
        )

    @property
    def lags(self) -> Mapping[int, int]:
        """Records that wait, by partition of ours; this is for every thread."""
        next_ = self.positions.next
        return {partition: max(0, end - next_.get(partition, end)) for partition, end in self._ends.items()}

    def read(self) -> Sequence[Record]:
        """What came, in the order of each partition; perhaps nothing.

        Raises:
            KafkaException: There is nothing more to read before the reader is made anew.
            Exception: What ``offsets`` raises.
        """
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            self._look_at_settings()
        messages = self._consume()
        ours = self.positions.next
        self._ends = {partition: self._end(partition) for partition in ours}
        # A partition may have gone while its last records came.
        return [each for each in cast("list[Record]", messages) if each.partition() in ours]

    def tell(self) -> None:
        """Tell Kafka how far we are, for those who look at its groups; not every time."""
        if time.monotonic() - self._told < COMMIT_SECONDS or not self.positions.next:
            return
        self._told = time.monotonic()
        offsets = [self._place(partition, offset) for partition, offset in self.positions.next.items()]
        self._consumer.commit(offsets=offsets, asynchronous=True)

    def go_to(self, stored: Mapping[int, int]) -> None:
        """Read these partitions, as far as they are ours, from where they have landed."""
        for partition, offset in stored.items():
            if partition in self.positions:
                self._consumer.seek(self._place(partition, offset))
                self.positions.begin(partition, stored=offset, start=offset)

    def close(self) -> None:
        """Leave the group."""
        self._told = -COMMIT_SECONDS
        try:
            self.tell()
        finally:
            self._consumer.close()

    def _consume(self) -> Sequence[Message]:
        messages: list[Message] = []
        size, until = 0, time.monotonic() + READ_SECONDS
        while len(messages) < MOST_RECORDS and size < MOST_BYTES:
            came = self._consumer.consume(AT_ONCE, max(0.0, until - time.monotonic()))
            for message in came:
                if (error := message.error()) is not None:
                    raise KafkaException(error)
                size += len(message)
            messages += came
            if time.monotonic() >= until:
                break
        return messages

    def _look_at_settings(self) -> None:
        try:
            self.is_outdated = not self._is_current()
            self._invalid = ""
        except InvalidConnection as invalid:
            # A mounted folder may be swapped at this moment.
            if self._invalid != (problem := str(invalid)):
                self._invalid = problem
                log.warning("connection to Kafka unchanged", extra={"problem": problem})

    def _assigned(self, consumer: Consumer, assigned: list[TopicPartition]) -> None:
        self.has_joined = True
        stored = self._offsets([each.partition for each in assigned])
        for place in assigned:
            partition = place.partition
            low, high = consumer.get_watermark_offsets(place, timeout=ANSWER_SECONDS)
            start = start_of(stored[partition], low=low, high=high)
            if start.missing:
                self.missing += start.missing
                extra = {"partition": partition, "records": start.missing}
                log.error("records were deleted before they landed", extra=extra)
            if start.is_new_log:
                extra = {"partition": partition, "landed": stored[partition], "end": high}
                log.error("fewer records are there than have landed: all are read", extra=extra)
            place.offset = start.offset
            self.positions.begin(partition, stored=stored[partition], start=start.offset)
        consumer.incremental_assign(assigned)
        self._log_partitions()

    def _revoked(self, consumer: Consumer, revoked: list[TopicPartition]) -> None:
        self.positions.end(each.partition for each in revoked)
        consumer.incremental_unassign(revoked)
        self._log_partitions()

    def _log_partitions(self) -> None:
        log.info("partitions", extra={"partitions": sorted(self.positions.next)})

    def _end(self, partition: int) -> int:
        """Offset of the next record that will be written, as far as it is known."""
        _, high = self._consumer.get_watermark_offsets(self._place(partition), cached=True)
        return int(high)

    def _place(self, partition: int, offset: int = OFFSET_INVALID) -> TopicPartition:
        return TopicPartition(self._topic.name, partition, offset)

    def _note_statistics(self, text: str) -> None:
        self.brokers_up = parse_statistics(text).brokers_up


@dataclass(frozen=True, kw_only=True)
class KafkaSource:
    """A topic, and the group that reads it.

    ``connect`` says where Kafka is, and as whom we come; it is asked again and again, because credentials change.
    ``client`` is our name in the brokers' logs and quotas.
    """

    connect: Callable[[], Connection]
    name: str
    group: str
    client: str

    def topic(self) -> Topic:
        """The topic as it is now.

        Raises:
            NoTopic: It is not there, or not for us.
            KafkaException: No broker answers, or the log-in fails.
            InvalidConnection: It is not said where Kafka is.
        """
        settings = connection_settings(self.connect(), client=self.client)
        admin = AdminClient(settings, logger=kafka_log)
        asked = admin.describe_topics(TopicCollection([self.name]), request_timeout=ANSWER_SECONDS)
        try:
            return Topic(name=self.name, id=str(asked[self.name].result().topic_id))
        except KafkaException as error:
            refusal = refusal_of(error.args[0], topic=self.name, access="read")
            if refusal is None:
                raise
            raise NoTopic(refusal) from None

    def join(self, topic: Topic, *, offsets: Offsets) -> Reader:
        """Become a member of the group that reads it."""
        connection = self.connect()
        settings = consumer_settings(connection, client=self.client, group=self.group)
        return Reader(settings, topic=topic, offsets=offsets, is_current=lambda: self.connect() == connection)
