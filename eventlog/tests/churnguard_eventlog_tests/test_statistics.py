"""What is read of librdkafka's statistics."""

from __future__ import annotations

import time

import msgspec
import pytest
from confluent_kafka import Producer

from churnguard_eventlog.statistics import Statistics, parse_statistics


def broker(state: str, *, mean: int = 0, count: int = 0) -> dict[str, object]:
    return {"name": "b", "state": state, "rtt": {"avg": mean, "cnt": count, "p99": 1}}


def test_brokers_that_are_up_and_what_waits() -> None:
    brokers = {
        "a": broker("UP", mean=1500, count=3),
        "b": broker("UP", mean=2500, count=1),
        "c": broker("CONNECT", mean=9000, count=1),
        "d": broker("UP", mean=0, count=0),
    }
    text = msgspec.json.encode({"msg_cnt": 7, "msg_size": 700, "brokers": brokers, "topics": {}})
    assert parse_statistics(text) == Statistics(
        brokers_up=3, queued_records=7, queued_bytes=700, round_trip_seconds=0.0025
    )


def test_before_anything_was_sent_there_is_no_round_trip() -> None:
    assert parse_statistics("{}").round_trip_seconds is None
    with pytest.raises(ValueError, match="truncated"):
        parse_statistics("")


def test_librdkafkas_own_statistics_can_be_read() -> None:
    heard: list[Statistics] = []
    producer = Producer(
        {
            "bootstrap.servers": "127.0.0.1:1",
            "statistics.interval.ms": 10,
            "log_level": 0,
            "stats_cb": lambda text: heard.append(parse_statistics(text)),
        }
    )
    producer.produce("t", b"value", b"key")
    deadline = time.monotonic() + 60
    while not any(each.queued_records for each in heard):
        assert time.monotonic() < deadline
        producer.poll(0.1)
    assert (heard[-1].brokers_up, heard[-1].queued_records, heard[-1].queued_bytes) == (0, 1, 5)
    producer.purge()
