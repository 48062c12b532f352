"""Clients that send as SDKs do: the same batch again when they do not know what became of it."""

from __future__ import annotations

import http.client
import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from churnguard_collector_tests.collectors import basic, exchange
from churnguard_collector_tests.write_keys import SERVER
from churnguard_servers.processes import PATIENCE

CLIENTS = 4
LARGEST_BATCH = 40
"""Events of the largest request: small ones are broken off more often, large ones bring more events."""
PAUSES = (0.05, 0.2, 1.0, 3.0)
"""Seconds before a batch is sent again; after the last it is given up, as by a page that is closed."""


@dataclass
class Load:
    """Events sent to a port of loopback by several threads until it is told to stop."""

    port: int
    largest_batch: int = LARGEST_BATCH
    sent: Counter[str] = field(default_factory=Counter)
    """How often each event was sent."""
    acknowledged: set[str] = field(default_factory=set)
    broken_off: int = 0

    def __post_init__(self) -> None:
        self._news = threading.Condition()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._send, args=(client,), daemon=True) for client in range(CLIENTS)
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def wait_for(self, more: int) -> None:
        """Until so many more events are acknowledged than now."""
        with self._news:
            wanted = len(self.acknowledged) + more
            while (seen := len(self.acknowledged)) < wanted:
                went_on = self._news.wait_for(lambda: len(self.acknowledged) > seen, PATIENCE)
                assert went_on, "nothing goes on"

    def _send(self, client: int) -> None:
        numbers = itertools.count()
        for size in itertools.cycle(range(1, self.largest_batch + 1)):
            if self._stop.is_set():
                return
            batch = list(itertools.islice(_events(client, numbers), size))
            for pause in PAUSES:
                with self._news:
                    self.sent.update(event["messageId"] for event in batch)
                if self._is_answered(batch) or self._stop.wait(pause):
                    break

    def _is_answered(self, batch: list[dict[str, Any]]) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
            with closing(connection):
                answer = exchange(connection, "POST", "/v1/batch", {"batch": batch}, basic(SERVER))
                results = answer.json["results"]
        except (OSError, http.client.HTTPException):
            with self._news:
                self.broken_off += 1
            return False
        with self._news:
            self.acknowledged |= {each["messageId"] for each in results if each["result"] == "ok"}
            self._news.notify_all()
        return answer.status == 200


def _events(client: int, numbers: Iterator[int]) -> Iterator[dict[str, Any]]:
    for number in numbers:
        yield {
            "type": "track",
            "userId": f"u-{number % 97}",
            "event": "Product Viewed",
            "messageId": f"m-{client}-{number}",
            "timestamp": datetime.now(UTC).isoformat(),
            "properties": {"number": number},
        }
