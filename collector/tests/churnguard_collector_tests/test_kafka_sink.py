"""The sink on a real broker: how much it takes, and what it says of each event."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from churnguard_collector.accepted import Accepted
from churnguard_collector.kafka_sink import FULL, KafkaSink
from churnguard_collector.metrics import Metrics
from churnguard_collector_tests.accepted_events import BAD, event
from churnguard_core.events.envelope import decode_envelope
from churnguard_core.events.topics import BAD_EVENTS, EVENTS
from churnguard_eventlog.connection import Connection, InvalidConnection
from churnguard_eventlog.topics import EventTopics
from churnguard_servers.kafka import KafkaCluster
from churnguard_servers.kafka_reading import records_of

pytestmark = pytest.mark.servers


def large_event(name: str, *, letters: int) -> Accepted:
    """Random letters: nothing makes them small on their way."""
    text = "".join(random.Random(name).choices("0123456789abcdef", k=letters))
    return event(name, properties=b'{"text":"%s"}' % text.encode())


def with_sink(
    cluster: KafkaCluster,
    prefix: str,
    story: Callable[[KafkaSink], Awaitable[None]],
    *,
    capacity: int = 1000,
    metrics: Metrics | None = None,
) -> None:
    async def tell() -> None:
        sink = KafkaSink(
            lambda: Connection(bootstrap=cluster.bootstrap),
            topics=EventTopics.behind(prefix),
            capacity=capacity,
            meter=metrics or Metrics(version="test", sink="kafka"),
        )
        await sink.start()
        try:
            async with asyncio.timeout(120):
                await story(sink)
        finally:
            await sink.close()

    asyncio.run(tell())


def names(cluster: KafkaCluster, prefix: str) -> list[str]:
    found = records_of(cluster.bootstrap, prefix + EVENTS)
    return sorted(decode_envelope(record.value).message_id for record in found)


def test_what_does_not_fit_is_refused_at_once_and_what_waits_is_acknowledged(kafka: KafkaCluster) -> None:
    prefix = kafka.new_event_topics()

    async def story(sink: KafkaSink) -> None:
        assert sink.problem() is None
        with kafka.paused():
            waiting = sink.deliver([event(f"{number:03}") for number in range(90)], [])
            assert sink.problem() == "too many events wait"
            assert sink.backlog.events == 90 > sink.backlog.capacity * FULL
            more = sink.deliver([event(f"{number:03}") for number in range(90, 105)], [BAD])
            none = await sink.deliver([event("999")] * 3, [])
            assert none == ["overloaded"] * 3
            assert await sink.drain(seconds=0.01) == 100
        assert await waiting == ["kept"] * 90
        assert await more == ["kept"] * 10 + ["overloaded"] * 5
        assert await sink.drain(seconds=60) == 0
        assert sink.problem() is None

    with_sink(kafka, prefix, story, capacity=100)
    assert names(kafka, prefix) == [f"{number:03}" for number in range(100)]


def test_an_event_that_a_broker_refuses_is_told_apart_from_those_it_takes(kafka: KafkaCluster) -> None:
    prefix = kafka.new_prefix()
    kafka.create_topic(prefix + EVENTS, partitions=40, max_message_bytes="3000")
    kafka.create_topic(prefix + BAD_EVENTS, partitions=1)
    metrics = Metrics(version="test", sink="kafka")

    async def story(sink: KafkaSink) -> None:
        # A partition takes or refuses what comes to it together, so each of the large ones has one of its own.
        outcomes = await sink.deliver([event("1"), large_event("large", letters=9000), event("2")], [BAD])
        assert outcomes == ["kept", "unavailable", "kept"]

    with_sink(kafka, prefix, story, metrics=metrics)
    assert names(kafka, prefix) == ["1", "2"]
    assert len(records_of(kafka.bootstrap, prefix + BAD_EVENTS)) == 1
    assert b'kafka_records_failed_total{reason="MSG_SIZE_TOO_LARGE"} 1.0' in metrics.page()


def test_an_event_that_no_broker_could_take_is_unstorable(kafka: KafkaCluster) -> None:
    prefix = kafka.new_event_topics()

    async def story(sink: KafkaSink) -> None:
        outcomes = await sink.deliver([event("1"), large_event("huge", letters=2_000_000), event("2")], [])
        assert outcomes == ["kept", "unstorable", "kept"]

    with_sink(kafka, prefix, story)
    assert names(kafka, prefix) == ["1", "2"]
    (bad,) = records_of(kafka.bootstrap, prefix + BAD_EVENTS)
    told = msgspec.json.decode(bad.value)
    assert (told["reason"], told["messageId"]) == ("unstorable", "huge")


def test_what_waits_when_it_is_closed_is_answered_as_unknown(kafka: KafkaCluster) -> None:
    prefix = kafka.new_event_topics()

    async def tell() -> None:
        meter = Metrics(version="test", sink="kafka")
        connection = Connection(bootstrap=kafka.bootstrap)
        sink = KafkaSink(lambda: connection, topics=EventTopics.behind(prefix), capacity=100, meter=meter)
        await sink.start()
        with kafka.paused():
            waiting = sink.deliver([event("1"), event("2")], [])
            await sink.close()
            assert await waiting == ["unavailable"] * 2

    asyncio.run(tell())


def test_many_requests_at_once_each_get_their_own_outcomes(kafka: KafkaCluster) -> None:
    prefix = kafka.new_event_topics()

    async def story(sink: KafkaSink) -> None:
        requests = [[event(f"{request}-{n}") for n in range(request % 7)] for request in range(300)]
        outcomes = await asyncio.gather(*(sink.deliver(each, []) for each in requests))
        assert [len(each) for each in outcomes] == [len(each) for each in requests]
        assert {outcome for each in outcomes for outcome in each} == {"kept"}

    with_sink(kafka, prefix, story, capacity=10_000)
    assert names(kafka, prefix) == sorted(f"{r}-{n}" for r in range(300) for n in range(r % 7))


def test_credentials_that_cannot_be_read_leave_the_connection_that_is(
    kafka: KafkaCluster, caplog: pytest.LogCaptureFixture
) -> None:
    prefix = kafka.new_event_topics()
    asked: list[str] = []

    def connect() -> Connection:
        asked.append("")
        if len(asked) > 1:
            raise InvalidConnection("password cannot be read")
        return Connection(bootstrap=kafka.bootstrap)

    async def tell() -> None:
        meter = Metrics(version="test", sink="kafka")
        sink = KafkaSink(connect, topics=EventTopics.behind(prefix), capacity=100, meter=meter)
        await sink.start()
        while len(asked) < 4:
            await asyncio.sleep(0.05)  # between two looks
        assert sink.problem() is None
        assert await sink.deliver([event("1")], []) == ["kept"]
        await sink.close()

    asyncio.run(tell())
    said = [each for each in caplog.records if each.getMessage() == "connection to Kafka unchanged"]
    assert [vars(each)["problem"] for each in said] == ["password cannot be read"]


def test_settings_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    async def tell() -> None:
        connection = Connection(bootstrap="127.0.0.1:1", protocol="SSL", authority=tmp_path / "none")
        meter = Metrics(version="test", sink="kafka")
        sink = KafkaSink(lambda: connection, topics=EventTopics(), capacity=100, meter=meter)
        with pytest.raises(InvalidConnection, match=r"ssl\.ca\.location"):
            await sink.start()

    asyncio.run(tell())
