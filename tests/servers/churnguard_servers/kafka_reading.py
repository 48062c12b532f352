"""Reading all that is in a topic."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, TopicPartition

SECONDS: Final = 120.0
AT_ONCE: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record as it lies in a partition."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: Mapping[str, bytes]


def records_of(bootstrap: str, topic: str) -> list[Record]:
    """All records of a topic, partition by partition as they were written, up to where each ends now."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "reads-all",
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )
    try:
        partitions = consumer.list_topics(topic, timeout=SECONDS).topics[topic].partitions
        ends = {
            number: consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=SECONDS)[1]
            for number in partitions
        }
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
        found: list[Record] = []
        missing = sum(ends.values())
        deadline = time.monotonic() + SECONDS
        while missing > 0:
            for message in consumer.consume(AT_ONCE, timeout=1.0):
                record = _record(message)
                if record.offset < ends[record.partition]:
                    found.append(record)
                    missing -= 1
            assert time.monotonic() < deadline, f"{missing} records of {topic} do not come"
        return sorted(found, key=lambda record: (record.partition, record.offset))
    finally:
        consumer.close()


def _record(message: Message) -> Record:
    if (error := message.error()) is not None:
        raise KafkaException(error)
    partition, offset, value = message.partition(), message.offset(), message.value()
    assert partition is not None
    assert offset is not None
    assert value is not None
    headers = dict(cast(Iterable[tuple[str, bytes]], message.headers() or []))
    return Record(partition=partition, offset=offset, key=message.key(), value=value, headers=headers)
