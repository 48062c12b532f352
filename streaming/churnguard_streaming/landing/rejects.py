"""The topic of bad events, as landing writes it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
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
        settings: Of a producer; it is made when the first event is bad.
        topic: Where bad events go.
        events: The topic that they come from.
    """

    def __init__(self, settings: Settings, *, topic: str, events: str) -> None:
        self._settings = settings
        self._topic = topic
        self._events = events
        self._producer: Producer | None = None

    async def send(self, rejected: Sequence[Rejected]) -> None:
        """Return when all are acknowledged by Kafka; NotDelivered when one is not, and then some may be."""
        await asyncio.to_thread(self._send, rejected)

    def _send(self, rejected: Sequence[Rejected]) -> None:
        if self._producer is None:
            self._producer = Producer({**self._settings, "logger": logging.getLogger("churnguard.kafka")})
        problems: list[KafkaError] = []

        def note(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                problems.append(error)

        for record, bad in rejected:
            try:
                self._producer.produce(
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
            except (BufferError, KafkaException) as error:
                raise NotDelivered(f"bad events cannot be written: {error}") from None
        left = self._producer.flush(FLUSH_SECONDS)
        if problems or left:
            why = problems[0].str() if problems else "no answer"
            raise NotDelivered(f"bad events cannot be written: {why}")
