"""A collector on a real broker: what it writes, what it refuses, and what it says when it cannot."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable

import pytest

from churnguard_collector_tests.collectors import Collector
from churnguard_core.events.envelope import decode_envelope
from churnguard_core.events.topics import BAD_EVENTS, EVENTS, partition_of
from churnguard_servers.kafka import KafkaCluster
from churnguard_servers.kafka_reading import records_of
from churnguard_servers.kafka_security import User
from churnguard_servers.processes import PATIENCE, until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

Start = Callable[..., Collector]
EVENT = {"userId": "u", "event": "x"}
FORBIDDEN = "TOPIC_AUTHORIZATION_FAILED"


def test_an_event_answered_ok_is_a_record_with_key_and_headers(
    start_on_kafka: Start, kafka: KafkaCluster
) -> None:
    prefix = kafka.new_event_topics(partitions=5)
    collector = start_on_kafka(kafka, prefix)
    assert collector.get("/readyz").status == 200
    batch = [{**EVENT, "type": "track", "userId": f"u-{n % 7}", "messageId": f"m-{n}"} for n in range(50)]
    answer = collector.send("/v1/batch", {"batch": [*batch[:20], {"type": "track"}, *batch[20:]]})
    assert answer.results == ["ok"] * 20 + ["schema"] + ["ok"] * 30
    found = records_of(kafka.bootstrap, prefix + EVENTS)
    envelopes = [decode_envelope(record.value) for record in found]
    assert sorted(each.message_id for each in envelopes) == sorted(str(each["messageId"]) for each in batch)
    for record, envelope in zip(found, envelopes, strict=True):
        assert record.key == f"demo:{envelope.subject}".encode()
        # Where the key belongs for Java's clients too.
        assert record.partition == partition_of(record.key, partitions=5)
        assert record.headers == {
            "content-type": b"application/json",
            "envelope-version": b"1",
            "type": b"track",
            "source": b"server",
        }
    of_one = [each.message_id for each in envelopes if each.subject == envelopes[0].subject]
    assert of_one == sorted(of_one, key=lambda name: int(name.removeprefix("m-")))
    (bad,) = records_of(kafka.bootstrap, prefix + BAD_EVENTS)
    assert json.loads(bad.value)["reason"] == "schema"
    assert collector.stop() == 0


def test_a_missing_topic_is_told_and_found_when_it_is_there(
    start_on_kafka: Start, kafka: KafkaCluster
) -> None:
    prefix = kafka.new_prefix()
    kafka.create_topic(prefix + EVENTS)
    collector = start_on_kafka(kafka, prefix)
    ready = collector.get("/readyz")
    assert (ready.status, ready.json["problem"]) == (503, f"there is no topic {prefix}{BAD_EVENTS}")
    answer = collector.send("/v1/track", EVENT)
    assert (answer.status, answer.results, answer.headers["retry-after"]) == (503, ["unavailable"], "1")
    kafka.create_topic(prefix + BAD_EVENTS)
    collector.log.wait_for("events can be kept")
    assert collector.get("/readyz").status == 200
    assert collector.send("/v1/track", EVENT).results == ["ok"]
    assert collector.stop() == 0


def secured(cluster: KafkaCluster, user: User) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP": cluster.secure_bootstrap,
        "KAFKA_USER": user.name,
        "KAFKA_CREDENTIALS": str(user.folder),
    }


def test_a_user_who_may_write_events_and_nothing_else_is_enough(
    start_on_kafka: Start, kafka: KafkaCluster
) -> None:
    prefix = kafka.new_event_topics()
    user = kafka.create_user(f"{prefix}writer", password="Sesame4711", writes=[f"{prefix}churnguard.events."])
    collector = start_on_kafka(kafka, prefix, settings=secured(kafka, user))
    assert collector.get("/readyz").status == 200
    assert collector.send("/v1/batch", {"batch": [{**EVENT, "type": "track"}, {}]}).results == [
        "ok",
        "schema",
    ]
    assert [len(records_of(kafka.bootstrap, prefix + topic)) for topic in (EVENTS, BAD_EVENTS)] == [1, 1]
    assert collector.stop() == 0
    assert "Sesame4711" not in "\n".join(collector.log.to_the_end())


def test_what_a_user_may_not_do_is_told_before_the_first_event(
    start_on_kafka: Start, kafka: KafkaCluster
) -> None:
    prefix = kafka.new_event_topics()
    user = kafka.create_user(f"{prefix}reader", password="x", reads=[prefix])
    collector = start_on_kafka(kafka, prefix, settings=secured(kafka, user))
    refusal = f"this user may not write the topic {prefix}{EVENTS}"
    assert collector.log.wait_for("events cannot be kept")["problem"] == refusal
    ready = collector.get("/readyz")
    assert (ready.status, ready.json["problem"]) == (503, refusal)
    assert collector.send("/v1/track", EVENT).results == ["unavailable"]
    assert records_of(kafka.bootstrap, prefix + EVENTS) == []


def test_a_right_that_is_taken_away_is_noticed_with_the_next_event(
    start_on_kafka: Start, kafka: KafkaCluster
) -> None:
    prefix = kafka.new_event_topics()
    user = kafka.create_user(f"{prefix}writer", password="x", writes=[prefix])
    collector = start_on_kafka(kafka, prefix, settings=secured(kafka, user))
    assert collector.send("/v1/track", EVENT).results == ["ok"]
    kafka.take_rights(user)
    assert collector.send("/v1/track", EVENT).results == ["unavailable"]
    until(lambda: collector.get("/readyz").status == 503)
    refusal = f"this user may not write the topic {prefix}{EVENTS}"
    assert collector.get("/readyz").json["problem"] == refusal
    assert collector.metric("churnguard_collector_kafka_records_failed_total", reason=FORBIDDEN) == 1


def test_a_right_that_comes_later_is_found_and_events_are_kept_from_then_on(
    start_on_kafka: Start, kafka: KafkaCluster
) -> None:
    prefix = kafka.new_event_topics()
    user = kafka.create_user(f"{prefix}late", password="x", reads=[prefix])
    collector = start_on_kafka(kafka, prefix, settings=secured(kafka, user))
    # A producer that may write nothing at all gets no identity, and never asks again.
    assert "may not write" in collector.log.wait_for("events cannot be kept")["problem"]
    kafka.grant(user, writes=[prefix])
    collector.log.wait_for("events can be kept")
    assert collector.send("/v1/track", EVENT).results == ["ok"]
    assert collector.get("/readyz").status == 200
    kafka.take_rights(user)
    until(lambda: collector.send("/v1/track", EVENT).results == ["unavailable"])
    kafka.grant(user, writes=[prefix])
    until(lambda: collector.send("/v1/track", EVENT).results == ["ok"])
    assert collector.stop() == 0


def test_a_broker_that_forgot_what_it_acknowledged_costs_a_producer_and_no_restart(
    start_on_kafka: Start, kafka: KafkaCluster
) -> None:
    prefix = kafka.new_event_topics(partitions=1)
    collector = start_on_kafka(kafka, prefix)

    def is_kept(name: str) -> bool:
        batch = [{**EVENT, "type": "track", "messageId": f"{name}-{number}"} for number in range(20)]
        return collector.send("/v1/batch", {"batch": batch}).results == ["ok"] * 20

    assert is_kept("first")
    with kafka.forgetting(prefix + EVENTS):
        until(lambda: is_kept("forgotten"))
    # The broker has another idea of what comes next from this producer, which for that one is the end.
    until(lambda: is_kept("later"))
    collector.log.wait_for("the producer has failed and is replaced")
    assert collector.get("/readyz").status == 200
    found = [decode_envelope(each.value).message_id for each in records_of(kafka.bootstrap, prefix + EVENTS)]
    assert {name.partition("-")[0] for name in found} == {"first", "later"}
    assert set(found) >= {f"{name}-{number}" for name in ("first", "later") for number in range(20)}
    assert collector.stop() == 0


def test_a_password_that_changes_is_used_without_a_restart(
    start_on_kafka: Start, kafka: KafkaCluster
) -> None:
    prefix = kafka.new_event_topics()
    user = kafka.create_user(f"{prefix}writer", password="old", writes=[prefix])
    collector = start_on_kafka(kafka, prefix, settings=secured(kafka, user))
    assert collector.send("/v1/track", {**EVENT, "messageId": "before"}).results == ["ok"]
    kafka.change_password(user, password="new")
    collector.log.wait_for("connection to Kafka changed")
    # Connections that are logged in stay so: only those that are made from now on need the new one.
    kafka.kill()
    kafka.start()
    until(lambda: collector.send("/v1/track", {**EVENT, "messageId": "after"}).results == ["ok"])
    found = [decode_envelope(each.value) for each in records_of(kafka.bootstrap, prefix + EVENTS)]
    assert {each.message_id for each in found} == {"before", "after"}
    assert collector.stop() == 0


def test_a_wrong_password_is_named_as_such(start_on_kafka: Start, kafka: KafkaCluster) -> None:
    prefix = kafka.new_event_topics()
    user = kafka.create_user(f"{prefix}writer", password="right", writes=[prefix])
    (user.folder / "password").write_text("Sesame4711")
    collector = start_on_kafka(kafka, prefix, settings=secured(kafka, user))
    until(lambda: "Authentication failed" in collector.get("/readyz").json["problem"])
    assert collector.get("/readyz").json["problem"].startswith("no broker of Kafka can be reached: ")
    assert collector.stop() == 0
    said = "\n".join(collector.log.to_the_end())
    assert [each in said for each in ("Sesame4711", "Traceback")] == [False, False]


def test_brokers_that_do_not_answer_leave_it_unready_until_they_do(
    start_on_kafka: Start, kafka: KafkaCluster
) -> None:
    prefix = kafka.new_event_topics()
    with kafka.paused():
        collector = start_on_kafka(kafka, prefix)
        ready = collector.get("/readyz")
        assert ready.status == 503
        assert ready.json["problem"].startswith("no broker of Kafka can be reached")
        assert collector.get("/healthz").status == 200
        assert collector.send("/v1/track", EVENT).results == ["unavailable"]
    collector.log.wait_for("events can be kept")
    assert collector.send("/v1/track", EVENT).results == ["ok"]


def test_what_waits_is_acknowledged_before_the_end(start_on_kafka: Start, kafka: KafkaCluster) -> None:
    prefix = kafka.new_event_topics()
    collector = start_on_kafka(kafka, prefix)
    assert collector.get("/readyz").status == 200
    answers: list[str] = []

    def send() -> None:
        answers.extend(collector.send("/v1/track", {**EVENT, "messageId": "waits"}).results)

    sender = threading.Thread(target=send)
    with kafka.paused():
        sender.start()
        until(lambda: collector.metric("churnguard_collector_buffer_events") == 1)
        collector.process.send_signal(signal.SIGTERM)
        collector.log.wait_for("draining")
    sender.join(PATIENCE)
    assert answers == ["ok"]
    assert collector.process.wait(PATIENCE) == 0
    assert collector.log.wait_for("stopped")["events"] == 0
    (record,) = records_of(kafka.bootstrap, prefix + EVENTS)
    assert decode_envelope(record.value).message_id == "waits"


def test_its_metrics_say_how_it_stands_with_kafka(start_on_kafka: Start, kafka: KafkaCluster) -> None:
    collector = start_on_kafka(kafka, kafka.new_event_topics(), "--most-waiting", "5000")
    assert collector.send("/v1/track", EVENT).results == ["ok"]
    until(lambda: collector.metric("churnguard_collector_kafka_brokers_up") == 1)
    assert collector.metric("churnguard_collector_buffer_events") == 0
    assert collector.metric("churnguard_collector_buffer_bytes") == 0
    assert collector.metric("churnguard_collector_buffer_capacity_events") == 5000
    assert collector.metric("churnguard_collector_write_duration_seconds_count", sink="kafka") == 1


PERSON = ("marked-person-4711", "visitor-4711", "marked.person@mail.example", "203.0.113.77")


def test_a_marked_person_is_found_nowhere_behind_the_collector(
    start_on_kafka: Start, kafka: KafkaCluster
) -> None:
    prefix = kafka.new_event_topics()
    collector = start_on_kafka(kafka, prefix, "--log-level", "debug")
    person, visitor, email, address = PERSON
    everywhere = {
        "text": f"{person} {visitor} {email} {address}",
        person: email,
        "list": [{email: [address]}],
    }
    context = {
        "ip": address,
        "userAgent": person,
        "page": {"url": f"https://x/{person}?e={email}", "title": email},
    }
    event = {"userId": person, "anonymousId": visitor, "properties": everywhere, "context": context}
    named = {**event, "event": f"Called {person}", "name": email, "category": address}
    traits = {**everywhere, "email": email, "id": person}
    good = [{**named, "type": "track", "messageId": f"{person}-{number}"} for number in range(3)]
    good += [{**named, "type": type_} for type_ in ("page", "screen")]
    good += [{**event, "type": "identify", "traits": traits}]
    good += [{**event, "type": "group", "groupId": "g-1", "traits": traits}]
    good += [{**event, "type": "alias", "previousId": visitor}]
    bad = [
        {**each, "messageId": f"{email}-{n}", "timestamp": "1999-01-01T00:00:00Z"}
        for n, each in enumerate(good)
    ]
    assert collector.send("/v1/batch", {"batch": good + bad}).results == ["ok"] * 8 + ["clock_skew"] * 8
    assert collector.send("/v1/track", f"no json of {email}".encode()).status == 400
    assert collector.send("/v1/track", {**event, "userId": [person]}).status == 400
    assert collector.get(f"/v1/px.gif?k=sk_server&d={person}").status == 400
    found = [
        record for topic in (EVENTS, BAD_EVENTS) for record in records_of(kafka.bootstrap, prefix + topic)
    ]
    assert len(found) == 8 + 8 + 1
    parts = [part for each in found for part in (each.value, each.key or b"", *each.headers.values())]
    kept = b"\n".join([*parts, collector.get("/metrics").body]).decode()
    assert collector.stop() == 0
    kept += "\n".join(collector.log.to_the_end())
    assert [mark for mark in PERSON if mark in kept] == []
