"""Events as a collector writes them to Kafka."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from confluent_kafka import Producer
from msgspec import Raw

from churnguard_core.events.envelope import Envelope, encode_envelope
from churnguard_core.events.topics import record_headers, record_key

NOW = datetime.now(UTC)
PATIENCE = 120.0


def event(name: str, /, **changes: Any) -> Envelope:
    """An event of today; ``name`` is its message id."""
    return Envelope(
        **{
            "version": 1,
            "workspace": "demo",
            "message_id": name,
            "type": "track",
            "subject": f"k1_{sum(name.encode()) % 97:032x}",
            "name": "Product Added",
            "properties": Raw(b'{"cart_id":"c1","value":30}'),
            "context": Raw(b'{"locale":"de-DE"}'),
            "original_timestamp": NOW,
            "timestamp": NOW + timedelta(seconds=1),
            "received_at": NOW + timedelta(seconds=2),
            "source": "server",
            **changes,
        }
    )


@dataclass(frozen=True, kw_only=True)
class FakeRecord:
    """A record that was never in Kafka."""

    value_: bytes | None = None
    key_: bytes | None = None
    partition_: int = 0
    offset_: int = 0
    milliseconds: int = 0

    def partition(self) -> int:
        return self.partition_

    def offset(self) -> int:
        return self.offset_

    def key(self) -> bytes | None:
        return self.key_

    def value(self) -> bytes | None:
        return self.value_

    def timestamp(self) -> tuple[int, int]:
        return (1, self.milliseconds)


def record_of(event: Envelope, *, partition: int = 0, offset: int = 0) -> FakeRecord:
    """The record that an event would be in."""
    key = record_key(workspace=event.workspace, subject=event.subject)
    return FakeRecord(value_=encode_envelope(event), key_=key, partition_=partition, offset_=offset)


class Writer:
    """Writes to a topic, as the collector's sink does."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._topic = topic
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "compression.type": "lz4",
                "linger.ms": 5,
                "queue.buffering.max.messages": 2_000_000,
                "log_level": 0,
            }
        )

    def write(self, events: Iterable[Envelope]) -> None:
        """Return when all are acknowledged."""
        for each in events:
            self.put(
                encode_envelope(each),
                key=record_key(workspace=each.workspace, subject=each.subject),
                headers=list(record_headers(each)),
            )
        self.flush()

    def put(self, value: bytes | None, **more: Any) -> None:
        """Write any record, without waiting; ``more`` of confluent_kafka's produce."""
        self._producer.produce(self._topic, value, **more)
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait for all that was put."""
        assert self._producer.flush(PATIENCE) == 0
