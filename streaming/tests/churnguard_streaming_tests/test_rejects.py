"""The topic of bad events, on a real broker."""

from __future__ import annotations

import asyncio

import pytest

from churnguard_core.events.bad import BAD_EVENT_VERSION, BadEvent
from churnguard_core.events.topics import BAD_EVENTS, EVENTS
from churnguard_eventlog.connection import Connection
from churnguard_eventlog.settings import producer_settings
from churnguard_servers.kafka import KafkaCluster
from churnguard_servers.kafka_reading import records_of
from churnguard_streaming.landing.batches import Rejected
from churnguard_streaming.landing.rejects import NotDelivered, Rejects
from churnguard_streaming_tests.events import NOW, event, record_of

pytestmark = [pytest.mark.servers, pytest.mark.slow]


def rejected(name: str) -> Rejected:
    bad = BadEvent(
        version=BAD_EVENT_VERSION,
        workspace="demo",
        source="server",
        reason="unstorable",
        problems=(),
        received_at=NOW,
        message_id=name,
    )
    return Rejected(record_of(event(name)), bad)


def test_a_broker_that_forgot_what_it_acknowledged_is_told_the_next_bad_event_all_the_same(
    kafka: KafkaCluster,
) -> None:
    prefix = kafka.new_prefix()
    topic = kafka.create_topic(prefix + BAD_EVENTS, partitions=1)
    connection = Connection(bootstrap=kafka.bootstrap)
    settings = producer_settings(connection, client="test", queue_records=100, queue_kibibytes=1024)
    rejects = Rejects(lambda: settings, topic=topic, events=prefix + EVENTS)

    def send(name: str) -> None:
        asyncio.run(rejects.send([rejected(name)]))

    send("first")
    with kafka.forgetting(topic):
        send("forgotten")
    # To this producer the broker has become a stranger, for good.
    with pytest.raises(NotDelivered):
        send("again")
    send("again")
    assert [b'"first"' in found.value for found in records_of(kafka.bootstrap, topic)] == [True, False]
