"""The promises of a producer and a consumer, as settings that librdkafka takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaException, Producer

from churnguard_eventlog.connection import Connection, Login
from churnguard_eventlog.settings import Settings, consumer_settings, producer_settings

PLAIN = Connection(bootstrap="127.0.0.1:1")


def producing(connection: Connection = PLAIN) -> Settings:
    return producer_settings(connection, client="test", queue_records=1000, queue_kibibytes=2048)


def test_a_producer_writes_durably_once_and_in_order() -> None:
    settings = producing()
    promises: dict[str, Any] = {
        "acks": "all",
        "enable.idempotence": True,
        "max.in.flight.requests.per.connection": 5,
        "partitioner": "murmur2_random",
        "queue.buffering.max.messages": 1000,
        "queue.buffering.max.kbytes": 2048,
    }
    assert {name: settings[name] for name in promises} == promises


def test_a_consumer_commits_only_what_it_is_told_to() -> None:
    settings = consumer_settings(PLAIN, client="test", group="g")
    assert (settings["enable.auto.commit"], settings["enable.auto.offset.store"]) == (False, False)
    assert (settings["auto.offset.reset"], settings["group.id"]) == ("earliest", "g")


@pytest.mark.parametrize(
    "connection",
    [
        PLAIN,
        Connection(bootstrap="127.0.0.1:1", protocol="SSL"),
        Connection(bootstrap="127.0.0.1:1", protocol="SASL_SSL", login=Login(user="u", password="p")),
    ],
)
def test_librdkafka_knows_all_of_them(connection: Connection) -> None:
    Producer({**producing(connection), "log_level": 0})
    settings = consumer_settings(connection, client="test", group="g")
    Consumer({**settings, "log_level": 0}).close()


def test_the_authority_of_the_brokers_is_read_from_its_file(tmp_path: Path) -> None:
    connection = Connection(bootstrap="127.0.0.1:1", protocol="SSL", authority=tmp_path / "ca.crt")
    with pytest.raises(KafkaException, match=r"ssl\.ca\.location"):
        Producer({**producing(connection), "log_level": 0})
