"""Topics of Kafka, and the keys and headers of their records.

The records of one person have one key, so they stay in order. Partitions are chosen as Java's clients choose them:
what Flink or Kafka Streams writes by the same key lies in the same partition.
"""

from __future__ import annotations

from typing import Final

from churnguard_core.events.envelope import ENVELOPE_VERSION, Envelope

EVENTS: Final = "churnguard.events.v1"
"""Envelopes."""
BAD_EVENTS: Final = "churnguard.events.bad.v1"
"""Why events were refused."""
ERASURES: Final = "churnguard.erasures.v1"
"""Subjects to erase; compacted."""

Headers = tuple[tuple[str, bytes], ...]

_SEED: Final = 0x9747B28C
_MULTIPLIER: Final = 0x5BD1E995
_MASK: Final = 0xFFFFFFFF


def record_key(*, workspace: str, subject: str) -> bytes:
    """Key of a record that is about a subject."""
    return f"{workspace}:{subject}".encode()


def record_headers(envelope: Envelope) -> Headers:
    """What can be known of a record without reading it."""
    return (
        ("content-type", b"application/json"),
        ("envelope-version", b"%d" % ENVELOPE_VERSION),
        ("type", envelope.type.encode()),
        ("source", envelope.source.encode()),
    )


def partition_of(key: bytes, *, partitions: int) -> int:
    """Partition of a key, as the default partitioner of Java's producer has it."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def murmur2(data: bytes) -> int:
    """The 32 bit hash of Kafka's Java clients, as a number without sign."""
    length = len(data)
    value = _SEED ^ length
    whole = length - length % 4
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * _MULTIPLIER & _MASK
        word = (word ^ word >> 24) * _MULTIPLIER & _MASK
        value = value * _MULTIPLIER & _MASK ^ word
    if rest := data[whole:]:
        value = (value ^ int.from_bytes(rest, "little")) * _MULTIPLIER & _MASK
    value = (value ^ value >> 13) * _MULTIPLIER & _MASK
    return value ^ value >> 15
