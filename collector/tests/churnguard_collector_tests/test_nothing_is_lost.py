"""SIGKILL under load: what was answered ok is there once, the rest at most once, and nothing else is.

In a topic, an event that was sent again may be there as often as it was sent: the landing tells them apart. With
``CHURNGUARD_KILL_EVENTS`` each of these tests goes on until so many events are acknowledged.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from churnguard_collector_tests.collectors import Collector
from churnguard_collector_tests.write_keys import SERVER
from churnguard_core.events import topics
from churnguard_core.events.envelope import decode_envelope
from churnguard_servers.kafka import KafkaCluster
from churnguard_servers.kafka_reading import Record, records_of
from churnguard_servers.postgres import PostgresServer
from churnguard_servers.senders import Senders

Rows = Callable[..., list[dict[str, Any]]]
KILLS = 3
BROKER_KILLS = 2  # each waits until the brokers have caught up
EVENTS = int(os.environ.get("CHURNGUARD_KILL_EVENTS", "4000"))
EVENTS_BETWEEN_KILLS = EVENTS // (KILLS + 1)
MANY = 100_000
SIZES = range(1, 401 if EVENTS >= MANY else 41)
SLOWEST = 200
"""Events a second, on the busiest machine."""

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(300 + EVENTS // SLOWEST)]


def assert_kept(load: Senders, kept: Counter[str]) -> None:
    assert load.acknowledged - kept.keys() == set(), "answered ok, and lost"
    assert kept.keys() - load.sent.keys() == set(), "never sent"
    print(
        f"{len(load.sent)} sent, {len(load.acknowledged)} answered ok, {len(kept)} kept, "
        f"{load.broken_off} requests broken off, {load.sent.total() - len(load.sent)} events sent again, "
        f"{kept.total() - len(kept)} kept again"
    )


def assert_kept_exactly_once(load: Senders, found: list[dict[str, Any]]) -> None:
    kept = Counter(row["message_id"] for row in found)
    assert {number for number, times in kept.items() if times > 1} == set(), "kept twice"
    assert_kept(load, kept)


def assert_on_topic(load: Senders, found: list[Record]) -> None:
    kept = Counter(decode_envelope(record.value).message_id for record in found)
    # The producer never writes twice what it was handed once.
    assert {number for number, times in kept.items() if times > load.sent[number]} == set(), "written twice"
    assert_kept(load, kept)


def test_a_collector_that_is_killed_again_and_again_loses_nothing(
    start: Callable[..., Collector], database: Callable[[], str], rows: Rows
) -> None:
    url = database()
    collector = start(url)
    port = collector.port
    with Senders(port=port, key=SERVER, sizes=SIZES) as load:
        for _ in range(KILLS):
            load.wait_for(EVENTS_BETWEEN_KILLS)
            collector.kill()
            collector = start(url, port=port)
        load.wait_for(EVENTS_BETWEEN_KILLS)
    assert load.broken_off >= KILLS
    assert_kept_exactly_once(load, rows(url))
    assert collector.stop() == 0


def test_a_database_that_is_killed_again_and_again_loses_nothing(
    start: Callable[..., Collector], mortal_postgres: PostgresServer, rows: Rows
) -> None:
    url = mortal_postgres.new_database()
    collector = start(url)
    with Senders(port=collector.port, key=SERVER, sizes=SIZES) as load:
        for _ in range(KILLS):
            load.wait_for(EVENTS_BETWEEN_KILLS)
            mortal_postgres.kill()
            mortal_postgres.start()
        load.wait_for(EVENTS_BETWEEN_KILLS)
    assert collector.log.find("a batch was not written") or collector.log.find(
        "the database cannot be reached"
    )
    assert_kept_exactly_once(load, rows(url))
    assert collector.stop() == 0


def test_a_collector_that_is_killed_again_and_again_loses_nothing_on_its_way_to_kafka(
    start_on_kafka: Callable[..., Collector], kafka: KafkaCluster
) -> None:
    prefix = kafka.new_event_topics()
    collector = start_on_kafka(kafka, prefix)
    port = collector.port
    with Senders(port=port, key=SERVER, sizes=SIZES) as load:
        for _ in range(KILLS):
            load.wait_for(EVENTS_BETWEEN_KILLS)
            collector.kill()
            collector = start_on_kafka(kafka, prefix, port=port)
        load.wait_for(EVENTS_BETWEEN_KILLS)
    assert load.broken_off >= KILLS
    assert_on_topic(load, records_of(kafka.bootstrap, prefix + topics.EVENTS))
    assert collector.stop() == 0


def test_brokers_that_are_killed_one_after_the_other_lose_nothing(
    start_on_kafka: Callable[..., Collector], kafka_trio: KafkaCluster
) -> None:
    prefix = kafka_trio.new_event_topics()
    collector = start_on_kafka(kafka_trio, prefix)
    with Senders(port=collector.port, key=SERVER, sizes=SIZES) as load:
        for _ in range(BROKER_KILLS):
            load.wait_for(EVENTS_BETWEEN_KILLS)
            # Whatever else it does, it leads a partition: what was on its way to it has to go another way.
            killed = kafka_trio.leader(prefix + topics.EVENTS)
            kafka_trio.kill(killed)
            load.wait_for(EVENTS_BETWEEN_KILLS // 2)
            kafka_trio.start()
        load.wait_for(EVENTS_BETWEEN_KILLS)
    assert_on_topic(load, records_of(kafka_trio.bootstrap, prefix + topics.EVENTS))
    assert collector.stop() == 0
