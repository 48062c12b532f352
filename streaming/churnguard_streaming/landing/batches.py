"""Records of Kafka as a batch to land: what is an event, what is bad, and how far it goes. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Protocol

from churnguard_core.events.bad import (
    BAD_EVENT_VERSION,
    UNSTORABLE,
    BadEvent,
    Problem,
    bad_event_of,
    finding,
)
from churnguard_core.events.checks import KeptTime
from churnguard_core.events.envelope import Envelope, UnknownEnvelope, decode_envelope
from churnguard_eventstore.rows import order_of

_NO_ENVELOPE: Final = Problem("", "is no envelope of a version that is known here")
_NOT_KEPT: Final = finding("clock_skew", "originalTimestamp", "lies outside of the days that are kept")
_KEY: Final = re.compile(r"([a-z][-a-z0-9]{0,39}):(k[0-9]{1,7}_[0-9a-f]{32})")


class Record(Protocol):
    """What is needed of a record; confluent_kafka's messages are such."""

    def partition(self) -> int:
        """Its partition."""

    def offset(self) -> int:
        """Its place there."""

    def key(self) -> Any:
        """Workspace and subject, in bytes."""

    def value(self) -> Any:
        """An envelope, in bytes; None in a record that only deletes."""

    def timestamp(self) -> tuple[int, int]:
        """Kind, and milliseconds since 1970."""


class Rejected(NamedTuple):
    """A record that does not land, and why."""

    record: Record
    bad: BadEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a transaction lands: ``events`` with the ``records`` that they came in, at the same places."""

    events: Sequence[Envelope]
    records: Sequence[Record]
    rejected: Sequence[Rejected]
    repeated: int
    """Events that were in it twice, and are in ``events`` once."""


def spans_of(records: Iterable[Record]) -> dict[int, tuple[int, int]]:
    """Of each partition, the offset of its first record and the one after its last; they come in order."""
    firsts: dict[int, int] = {}
    ends: dict[int, int] = {}
    for record in records:
        partition, offset = record.partition(), record.offset()
        firsts.setdefault(partition, offset)
        ends[partition] = offset + 1
    return {partition: (first, ends[partition]) for partition, first in firsts.items()}


def of_partitions(records: Iterable[Record], partitions: Collection[int]) -> list[Record]:
    """Those of the records that are in one of the partitions."""
    return [record for record in records if record.partition() in partitions]


def batch_of(records: Iterable[Record], *, kept: KeptTime) -> Batch:
    """The records as a batch.

    Args:
        records: In the order they came.
        kept: The time whose events are kept.
    """
    events: list[Envelope] = []
    sources: list[Record] = []
    rejected: list[Rejected] = []
    repeated = 0
    # By message id first: to hash and compare whole keys, with their times, would cost every event what few need.
    by_id: dict[str, list[Envelope]] = {}
    for record in records:
        try:
            event = decode_envelope(record.value() or b"")
        except UnknownEnvelope:
            rejected.append(_undecodable(record))
            continue
        if not kept.earliest <= event.original_timestamp <= kept.latest:
            rejected.append(Rejected(record, bad_event_of(event, _NOT_KEPT)))
            continue
        others = by_id.setdefault(event.message_id, [])
        if others and any(order_of(event) == order_of(other) for other in others):
            repeated += 1
            continue
        others.append(event)
        events.append(event)
        sources.append(record)
    return Batch(events=events, records=sources, rejected=rejected, repeated=repeated)


def unstorable(record: Record, event: Envelope) -> Rejected:
    """An event that the database refuses."""
    return Rejected(record, bad_event_of(event, UNSTORABLE))


def _undecodable(record: Record) -> Rejected:
    # Nothing is repeated of what is not understood, but a key that is as ours are.
    named = _KEY.fullmatch(bytes(record.key() or b"").decode(errors="replace"))
    _, milliseconds = record.timestamp()
    bad = BadEvent(
        version=BAD_EVENT_VERSION,
        workspace=named[1] if named else "",
        source="",
        reason="malformed",
        problems=(_NO_ENVELOPE,),
        received_at=datetime.fromtimestamp(max(0, milliseconds) / 1000, UTC),
        subject=named[2] if named else None,
    )
    return Rejected(record, bad)
