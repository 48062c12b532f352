"""A member of the group, on a real broker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from churnguard_eventlog.connection import Connection, InvalidConnection
from churnguard_eventstore.offsets import Topic
from churnguard_streaming.landing.batches import spans_of
from churnguard_streaming.landing.reader import KafkaSource, Reader
from churnguard_streaming_tests.events import event
from churnguard_streaming_tests.logs import EventLog

pytestmark = [pytest.mark.servers, pytest.mark.slow]

PATIENCE = timedelta(seconds=120)


class DatabaseAwayError(Exception):
    """What the database would say."""


def source(log: EventLog) -> KafkaSource:
    kafka = Connection(bootstrap=log.kafka.bootstrap)
    return KafkaSource(connect=lambda: kafka, name=log.events, group=log.prefix + "readers", client="test")


def read_until_something_comes(reader: Reader) -> int:
    """Lands it, and returns how many records it was."""
    deadline = datetime.now(UTC) + PATIENCE
    while not (records := reader.read()):
        assert datetime.now(UTC) < deadline, "nothing comes"
    reader.positions.moved(reader.positions.moves(spans_of(records)))
    return len(records)


def test_when_the_database_is_away_as_partitions_come_the_one_who_reads_is_told(event_log: EventLog) -> None:
    def away(partitions: Sequence[int]) -> Mapping[int, int]:
        raise DatabaseAwayError

    reader = source(event_log).join(Topic(name=event_log.events, id="x"), offsets=away)
    with pytest.raises(DatabaseAwayError):
        read_until_something_comes(reader)
    reader.close()


def test_credentials_that_cannot_be_read_are_told_once_and_those_that_are_there_serve_on(
    event_log: EventLog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("churnguard_streaming.landing.reader.LOOK_SECONDS", 0.0)
    problems = [""]

    def connect() -> Connection:
        if problems[0]:
            raise InvalidConnection(problems[0])
        return Connection(bootstrap=event_log.kafka.bootstrap)

    found = KafkaSource(
        connect=connect, name=event_log.events, group=event_log.prefix + "readers", client="test"
    )
    reader = found.join(found.topic(), offsets=lambda partitions: dict.fromkeys(partitions, 0))
    writer = event_log.writer()
    for problem in ("the password is gone", "the password is empty", ""):
        problems[0] = problem
        for name in (f"{problem} 1", f"{problem} 2"):
            writer.write([event(name)])
            read_until_something_comes(reader)
            assert not reader.is_outdated
    reader.close()
    said = [each for each in caplog.records if each.getMessage() == "connection to Kafka unchanged"]
    assert [vars(each)["problem"] for each in said] == ["the password is gone", "the password is empty"]


def test_a_batch_of_large_events_ends_when_it_is_large(
    event_log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("churnguard_streaming.landing.reader.MOST_BYTES", 40_000)
    monkeypatch.setattr("churnguard_streaming.landing.reader.AT_ONCE", 2)
    found = source(event_log)
    large = b'{"text":"%s"}' % (b"x" * 20_000)
    event_log.writer().write(event(f"{number}", properties=large) for number in range(9))
    reader = found.join(found.topic(), offsets=lambda partitions: dict.fromkeys(partitions, 0))
    batches: list[int] = []
    while sum(batches) < 9:
        batches.append(read_until_something_comes(reader))
    # What is read at once may go beyond it.
    assert max(batches) <= 3, batches
    reader.close()


def test_it_reads_from_where_it_is_told_and_knows_what_waits(event_log: EventLog) -> None:
    found = source(event_log)
    topic = found.topic()
    assert (topic.name, len(topic.id)) == (event_log.events, 22)
    writer = event_log.writer()
    writer.write(event("same", subject="k1_" + "0" * 32) for _ in range(10))
    offsets: dict[int, int] = {}

    def told(partitions: Sequence[int]) -> Mapping[int, int]:
        return {each: offsets.get(each, 0) for each in partitions}

    reader = found.join(topic, offsets=told)
    assert read_until_something_comes(reader) == 10
    assert sum(reader.lags.values()) == 0
    (partition,) = (each for each, end in reader.positions.next.items() if end == 10)
    reader.go_to({partition: 7, 99: 3})
    assert read_until_something_comes(reader) == 3
    reader.close()

    offsets[partition] = 4
    reader = found.join(topic, offsets=told)
    assert read_until_something_comes(reader) == 6
    reader.close()
