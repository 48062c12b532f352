"""The topic of bad events, as landing writes it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from churnguard_core.events.bad import encode_bad_event
from churnguard_core.events.topics import record_key
from churnguard_eventlog.settings import DELIVERY_MILLISECONDS, Settings
from churnguard_streaming.landing.batches import Rejected

FLUSH_SECONDS: Final = DELIVERY_MILLISECONDS / 1000 + 5


class NotDelivered(Exception):  # noqa: N818 - names the fact
    """Kafka has not acknowledged a bad event; the message says why."""


class Rejects:
    """Writes bad events to Kafka.

    A record has headers that say where the refused one is, which Kafka keeps as long as its topic says: ``topic``,
    ``partition``, ``offset``.

    Args:
        settings: Of a producer, asked when one is made: for the first bad event, and after one that failed.
        topic: Where bad events go.
        events: The topic that they come from.
    """

    def __init__(self, settings: Callable[[], Settings], *, topic: str, events: str) -> None:
        self._settings = settings
        self._topic = topic
        self._events = events
        self._producer: Producer | None = None

    async def send(self, rejected: Sequence[Rejected]) -> None:
        """Return when all are acknowledged by Kafka; NotDelivered when one is not, and then some may be."""
        # One that has failed may have failed for good: it is put back when all is well.
        producer, self._producer = self._producer, None
        self._producer = await asyncio.to_thread(self._send, rejected, producer)

    def _send(self, rejected: Sequence[Rejected], producer: Producer | None) -> Producer:
        if producer is None:
            producer = Producer({**self._settings(), "logger": logging.getLogger("churnguard.kafka")})
        problems: list[KafkaError] = []

        def note(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                problems.append(error)

        try:
            for record, bad in rejected:
                producer.produce(
                    self._topic,
                    encode_bad_event(bad),
                    key=record_key(workspace=bad.workspace, subject=bad.subject) if bad.subject else None,
                    headers=[
                        ("content-type", b"application/json"),
                        ("topic", self._events.encode()),
                        ("partition", b"%d" % record.partition()),
                        ("offset", b"%d" % record.offset()),
                    ],
                    on_delivery=note,
                )
            left = producer.flush(FLUSH_SECONDS)
        # A fatal error that is raised while another is told comes as a SystemError.
        except (BufferError, KafkaException, SystemError) as error:
            raise NotDelivered(f"bad events cannot be written: {error}") from None
        if problems or left:
            why = problems[0].str() if problems else "no answer"
            raise NotDelivered(f"bad events cannot be written: {why}")
        return producer
