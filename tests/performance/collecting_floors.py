"""What no collector in Python goes below here: a server that does nothing, and a producer that has no server."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaError, Message, Producer

from churnguard_core.events.topics import record_key
from churnguard_eventlog.connection import Connection
from churnguard_eventlog.settings import producer_settings
from pinned import Pinned, free_port, pinned

HEADERS: Final[list[tuple[str, str | bytes | None]]] = [
    ("content-type", b"application/json"),
    ("envelope-version", b"1"),
    ("type", b"track"),
    ("source", b"private"),
]
ROUNDS: Final = 5
UNDER_WAY: Final = 32
"""Batches that wait for their acknowledgements, as with so many callers."""


@contextlib.contextmanager
def plain_uvicorn() -> Iterator[Pinned]:
    """A server that answers every request with a constant."""
    port = free_port()
    command = [sys.executable, str(Path(__file__).with_name("peer_server.py")), "floor", str(port)]
    with pinned(command, port=port, ready="/v2/health/ready") as server:
        yield server


def producer_microseconds(value: bytes, *, bootstrap: str, topic: str, batch: int, batches: int) -> float:
    """Processor time of librdkafka for a batch of records that are acknowledged one by one, best of some rounds."""
    acknowledged = 0

    def heard(error: KafkaError | None, _: Message) -> None:
        nonlocal acknowledged
        assert error is None, error
        acknowledged += 1

    settings = producer_settings(
        Connection(bootstrap=bootstrap),
        client="churnguard-bench",
        queue_records=100_000,
        queue_kibibytes=131_072,
    )
    producer = Producer(settings)
    keys = [record_key(workspace="private", subject=f"k1_{number:032x}") for number in range(97)]
    costs = []
    for _ in range(ROUNDS):
        sent, before = acknowledged, time.process_time()
        for number in range(batches * batch):
            if number % batch == 0:
                while sent - acknowledged > UNDER_WAY * batch:
                    producer.poll(0.1)
            producer.produce(topic, value, keys[number % len(keys)], -1, heard, None, 0, HEADERS)
            sent += 1
        assert producer.flush(60) == 0
        costs.append((time.process_time() - before) / batches * 1e6)
    return min(costs)
