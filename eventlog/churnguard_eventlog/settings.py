"""Settings of librdkafka, which does the talking to Kafka. Pure."""

from __future__ import annotations

from typing import Final

from churnguard_eventlog.connection import Connection

Settings = dict[str, str | int | float | bool]

DELIVERY_MILLISECONDS: Final = 10_000
"""A record that no broker has acknowledged by then counts as not delivered."""
LINGER_MILLISECONDS: Final = 10
"""How long a record waits for others. Longer batches cost less, and every answer waits for it."""
STATISTICS_MILLISECONDS: Final = 5_000
_METADATA_MILLISECONDS: Final = 60_000
"""Brokers hang up on who is silent for ten minutes; an idle client must not look like one without a broker."""


def connection_settings(connection: Connection, *, client: str) -> Settings:
    """What every client needs; ``client`` is its name in the brokers' logs and quotas."""
    settings: Settings = {
        "bootstrap.servers": connection.bootstrap,
        "client.id": client,
        "security.protocol": connection.protocol,
        "topic.metadata.refresh.interval.ms": _METADATA_MILLISECONDS,
        "reconnect.backoff.max.ms": 2_000,
        # That a broker closes an idle connection is no news.
        "log.connection.close": False,
    }
    if connection.login is not None:
        settings |= {
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": connection.login.user,
            "sasl.password": connection.login.password,
        }
    if connection.authority is not None:
        settings["ssl.ca.location"] = str(connection.authority)
    return settings


def producer_settings(
    connection: Connection, *, client: str, queue_records: int, queue_kibibytes: int
) -> Settings:
    """A producer whose acknowledgement means durable, and which writes nothing twice and nothing out of order.

    Args:
        connection: Where Kafka is.
        client: Name of the client.
        queue_records: Records that may wait or be on their way.
        queue_kibibytes: The same in KiB of keys and values.
    """
    return connection_settings(connection, client=client) | {
        "acks": "all",
        "enable.idempotence": True,
        "max.in.flight.requests.per.connection": 5,
        # What Java's clients choose: without it, the same key lies in another partition than Flink expects.
        "partitioner": "murmur2_random",
        "compression.type": "lz4",
        "linger.ms": LINGER_MILLISECONDS,
        "message.timeout.ms": DELIVERY_MILLISECONDS,
        "queue.buffering.max.messages": queue_records,
        "queue.buffering.max.kbytes": queue_kibibytes,
        "statistics.interval.ms": STATISTICS_MILLISECONDS,
    }


def consumer_settings(connection: Connection, *, client: str, group: str) -> Settings:
    """A consumer that reads from where it is told to, and commits when it is told to.

    Args:
        connection: Where Kafka is.
        client: Name of the client.
        group: Consumers of one group share the partitions.
    """
    return connection_settings(connection, client=client) | {
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        # Where there is no offset, everything that is kept is new to us.
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "enable.partition.eof": False,
        "statistics.interval.ms": STATISTICS_MILLISECONDS,
    }
