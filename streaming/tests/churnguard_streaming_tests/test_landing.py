"""Events land once, whatever lies in the log beside them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from msgspec import Raw

from churnguard_core.events import topics
from churnguard_core.events.envelope import encode_envelope
from churnguard_servers.processes import PATIENCE, until
from churnguard_streaming_tests.events import NOW, event
from churnguard_streaming_tests.landings import Landing
from churnguard_streaming_tests.logs import EventLog

pytestmark = [pytest.mark.servers, pytest.mark.slow]

Land = Callable[..., Landing]
Database = Callable[[], str]
Rows = Callable[..., list[dict[str, Any]]]


def names(rows: Rows, url: str) -> list[str]:
    return sorted(row["message_id"] for row in rows(url))


def test_an_event_lands_once_and_what_cannot_land_is_on_the_bad_topic(
    land: Land, database: Database, event_log: EventLog, rows: Rows
) -> None:
    url = database()
    good = [event(f"{number:03}") for number in range(200)]
    writer = event_log.writer()
    writer.write(good[:150])
    # As a sender that asks again, and one that has become somebody else meanwhile.
    writer.write([*good[100:], event("000", subject="k1_" + "f" * 32)])
    writer.write([event("nul", properties=Raw(rb'{"a":"\u0000"}'))])
    writer.write([event("ancient", original_timestamp=NOW - timedelta(days=30))])
    writer.put(b"no envelope", key=b"demo:someone@example.org")
    writer.put(None, key=b"demo:k1_" + b"0" * 32)
    writer.flush()

    landing = land(url, event_log)
    until(lambda: landing.problem() is None and len(names(rows, url)) == 200)
    until(lambda: landing.metric("records_rejected_total") == 4)
    assert names(rows, url) == [each.message_id for each in good]
    assert (landing.metric("events_landed_total"), landing.metric("events_duplicate_total")) == (200, 51)
    assert landing.metric("lag_records") == 0

    refused = event_log.bad_records(4)
    told = [json.loads(each.value() or b"") for each in refused]
    assert Counter(each["reason"] for each in told) == {"unstorable": 1, "clock_skew": 1, "malformed": 2}
    assert b"example.org" not in b"".join(each.value() or b"" for each in refused)
    places = [dict(each.headers() or []) for each in refused]
    assert {each["topic"] for each in places} == {event_log.events.encode()}
    assert len({(each["partition"], each["offset"]) for each in places}) == 4
    assert landing.stop() == 0
    assert landing.log.find("stopped")[0]["records"] == 0


def test_it_goes_on_where_the_database_says_whatever_kafka_remembers(
    land: Land, database: Database, event_log: EventLog, rows: Rows
) -> None:
    url = database()
    writer = event_log.writer()
    writer.write(event(f"{number:03}") for number in range(100))
    first = land(url, event_log)
    until(lambda: first.metric("events_landed_total") == 100)
    assert first.stop() == 0
    writer.write(event(f"{number:03}") for number in range(100, 130))
    # A group that Kafka has never heard of.
    second = land(url, event_log, "--group", "another")
    until(lambda: second.metric("events_landed_total") == 30)
    assert second.metric("events_duplicate_total") == 0
    assert second.stop() == 0
    # Kafka is told for those who look at its groups.
    assert event_log.committed("another") == 130
    assert len(names(rows, url)) == 130


def test_records_that_kafka_deleted_are_counted_and_the_rest_lands(
    land: Land, database: Database, event_log: EventLog, rows: Rows
) -> None:
    url = database()
    writer = event_log.writer()
    writer.put(encode_envelope(event("first")), partition=0)
    writer.flush()
    landing = land(url, event_log)
    until(lambda: landing.metric("events_landed_total") == 1)
    assert landing.stop() == 0
    for number in range(5):
        writer.put(encode_envelope(event(str(number))), partition=0)
    writer.flush()
    deleted = event_log.kafka.admin.delete_records([TopicPartition(event_log.events, 0, 4)])
    for done in deleted.values():
        done.result(PATIENCE)

    landing = land(url, event_log)
    landing.log.wait_for("records were deleted before they landed")
    until(lambda: landing.metric("events_landed_total") == 2)
    assert names(rows, url) == ["3", "4", "first"]
    assert landing.log.find("records were deleted before they landed")[0]["records"] == 3
    assert landing.metric("records_missing_total") == 3
    assert landing.stop() == 0


def test_a_topic_that_is_made_anew_lands_from_its_beginning(
    land: Land, database: Database, event_log: EventLog, rows: Rows
) -> None:
    url = database()
    event_log.writer().write(event(f"old-{number}") for number in range(50))
    landing = land(url, event_log)
    until(lambda: landing.metric("events_landed_total") == 50)
    assert landing.stop() == 0
    for done in event_log.kafka.admin.delete_topics([event_log.events], operation_timeout=PATIENCE).values():
        done.result(PATIENCE)
    event_log.kafka.create_topic(event_log.events, partitions=3)
    # More than have landed, so that offsets alone do not tell.
    event_log.writer().write(event(f"new-{number}") for number in range(80))
    landing = land(url, event_log)
    until(lambda: landing.metric("events_landed_total") == 80)
    assert landing.stop() == 0
    assert len(names(rows, url)) == 130


def test_a_password_of_kafka_that_changes_is_used_without_a_restart(
    land: Land, database: Database, event_log: EventLog, rows: Rows
) -> None:
    url, kafka = database(), event_log.kafka
    user = kafka.create_user(
        f"{event_log.prefix}lander", password="old", reads=[event_log.prefix], writes=[event_log.prefix]
    )
    settings = {
        "KAFKA_BOOTSTRAP": kafka.secure_bootstrap,
        "KAFKA_USER": user.name,
        "KAFKA_CREDENTIALS": str(user.folder),
    }
    landing = land(url, event_log, **settings)
    event_log.writer().write([event("before")])
    until(lambda: names(rows, url) == ["before"])
    kafka.change_password(user, password="new")
    landing.log.wait_for("connection to Kafka changed")
    # Connections that are logged in stay so: only those that are made from now on need the new one.
    kafka.kill()
    kafka.start()
    event_log.writer().write([event("after")])
    until(lambda: names(rows, url) == ["after", "before"])
    landing.wait_until_it_lands()
    assert landing.stop() == 0


def test_without_its_topic_it_waits_and_says_so(
    land: Land, database: Database, event_log: EventLog, rows: Rows
) -> None:
    url = database()
    other = EventLog(kafka=event_log.kafka, prefix=event_log.prefix + "later-")
    landing = land(url, other)
    until(lambda: landing.problem() == f"there is no topic {other.events}")
    assert landing.get("/healthz")[0] == 200
    other.kafka.create_topic(other.events, partitions=1)
    other.kafka.create_topic(other.prefix + topics.BAD_EVENTS, partitions=1)
    other.writer().write([event("a")])
    until(lambda: names(rows, url) == ["a"])
    landing.wait_until_it_lands()
    assert landing.stop() == 0
