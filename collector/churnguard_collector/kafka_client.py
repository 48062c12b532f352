"""A producer, the thread that hears what became of its records, and what it says of its brokers."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from churnguard_eventlog.connection import Connection, InvalidConnection
from churnguard_eventlog.settings import connection_settings, producer_settings
from churnguard_eventlog.statistics import Statistics, parse_statistics

log = logging.getLogger("churnguard.collector")
_librdkafka = logging.getLogger("churnguard.kafka")

CLIENT: Final = "churnguard-collector"
QUEUE_KIBIBYTES: Final = 128 * 1024
"""Of records that wait; what a process may need of memory is bounded by it."""
POLL_SECONDS: Final = 0.2


class KafkaClient:
    """A connection to Kafka for as long as it is good for anything.

    Args:
        connection: Where Kafka is.
        capacity: Records that may wait.
        failed_for_good: Called in another thread when the producer has failed in a way that it cannot recover from.

    Raises:
        InvalidConnection: The settings cannot be used.
    """

    def __init__(self, connection: Connection, *, capacity: int, failed_for_good: Callable[[], None]) -> None:
        self.statistics: Statistics | None = None
        self.trouble = ""
        self.fatal: str | None = None
        self.reached = -math.inf
        self._begun = time.monotonic()
        self._failed_for_good = failed_for_good
        settings = producer_settings(
            connection, client=CLIENT, queue_records=capacity, queue_kibibytes=QUEUE_KIBIBYTES
        )
        heard = {"stats_cb": self._counted, "error_cb": self._erred}
        try:
            self.producer = Producer({**settings, **heard}, logger=_librdkafka)
            self.admin = AdminClient(connection_settings(connection, client=CLIENT), logger=_librdkafka)
        except KafkaException as failed:
            raise InvalidConnection(f"Kafka: {failed.args[0].str()}") from None
        self._is_retired = threading.Event()
        self._is_closed = threading.Event()
        self._poller = threading.Thread(target=self._poll_forever, name="kafka-acks", daemon=True)
        self._poller.start()

    @property
    def age(self) -> float:
        """Seconds since it was begun."""
        return time.monotonic() - self._begun

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be heard of its records."""
        return not self._poller.is_alive()

    def retire(self) -> None:
        """Take no more records; what waits is still heard of, at once when no broker will ever have it."""
        self._is_retired.set()
        if self.fatal is not None:
            self.producer.purge()

    def close(self) -> None:
        """Hear nothing more."""
        self._is_closed.set()
        self._poller.join()

    def note(self, error: KafkaError) -> None:
        """What the producer has raised; in any thread."""
        if self.fatal is None and (error.fatal() or error.code() == KafkaError._FATAL):
            self.fatal = error.str()
            self._failed_for_good()

    def _poll_forever(self) -> None:
        while not self._is_closed.is_set() and not (self._is_retired.is_set() and not len(self.producer)):
            try:
                self.producer.poll(POLL_SECONDS)
            except KafkaException as failed:
                # What is fatal is raised here, and not told to error_cb.
                self.note(failed.args[0])
            except Exception:
                # Raised while an acknowledgement is told, the same comes as a SystemError that does not say what it is.
                log.exception("an acknowledgement could not be handled")

    def _counted(self, statistics: str) -> None:
        self.statistics = parse_statistics(statistics)
        if self.statistics.brokers_up:
            self.reached = time.monotonic()

    def _erred(self, error: KafkaError) -> None:
        # That all brokers are down follows, and says less than why.
        if error.code() != KafkaError._ALL_BROKERS_DOWN or not self.trouble:
            self.trouble = error.str()
