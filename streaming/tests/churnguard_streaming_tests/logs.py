"""The topics of a test's own."""

from __future__ import annotations

from dataclasses import dataclass

from confluent_kafka import Consumer, Message, TopicPartition

from churnguard_core.events import topics
from churnguard_servers.kafka import KafkaCluster
from churnguard_servers.processes import PATIENCE
from churnguard_streaming_tests.events import Writer


@dataclass(frozen=True, kw_only=True)
class EventLog:
    """Topics whose names begin with a prefix."""

    kafka: KafkaCluster
    prefix: str

    @property
    def events(self) -> str:
        return self.prefix + topics.EVENTS

    def writer(self) -> Writer:
        return Writer(self.kafka.bootstrap, self.events)

    def committed(self, group: str) -> int:
        """Sum of the offsets of events that a group of ours has told Kafka."""
        settings = {
            "bootstrap.servers": self.kafka.bootstrap,
            "group.id": self.prefix + group,
            "log_level": 0,
        }
        consumer = Consumer(settings)
        try:
            found = consumer.list_topics(self.events, timeout=PATIENCE).topics[self.events].partitions
            places = [TopicPartition(self.events, number) for number in found]
            return sum(max(0, each.offset) for each in consumer.committed(places, timeout=PATIENCE))
        finally:
            consumer.close()

    def bad_records(self, count: int) -> list[Message]:
        """The first records of the topic of bad events; fails when so many do not come."""
        consumer = Consumer({"bootstrap.servers": self.kafka.bootstrap, "group.id": "x", "log_level": 0})
        try:
            consumer.assign([TopicPartition(self.prefix + topics.BAD_EVENTS, 0, 0)])
            found = consumer.consume(count, PATIENCE)
        finally:
            consumer.close()
        assert len(found) == count
        return found
