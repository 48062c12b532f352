"""Clients that send as SDKs do: the same batch again when they do not know what became of it."""

from __future__ import annotations

import http.client
import itertools
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from churnguard_servers.clients import basic, connect, exchange
from churnguard_servers.processes import PATIENCE

PEOPLE = 97
PAUSES = (0.05, 0.2, 1.0, 3.0)


@dataclass(kw_only=True)
class Senders:
    """Events sent to a collector by several threads, from entering until leaving.

    Args:
        port: Where the collector is, on loopback; one that is killed comes back there.
        key: A key of a server.
        sizes: Events of the batches, over and over: small ones are broken off more often, large ones bring more events.
        clients: Threads.
        pauses: Seconds before a batch is sent again; after the last it is given up, as by a page that is closed.
    """

    port: int
    key: str
    sizes: Sequence[int]
    clients: int = 4
    pauses: Sequence[float] = PAUSES
    sent: Counter[str] = field(default_factory=Counter)
    """How often each event was sent."""
    acknowledged: set[str] = field(default_factory=set)
    broken_off: int = 0

    def __post_init__(self) -> None:
        self._news = threading.Condition()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._send, args=(client,), daemon=True) for client in range(self.clients)
        ]

    def __enter__(self) -> Senders:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def wait_for(self, more: int) -> None:
        """Until so many more events are acknowledged than now."""
        with self._news:
            wanted = len(self.acknowledged) + more
            while (seen := len(self.acknowledged)) < wanted:
                went_on = self._news.wait_for(lambda: len(self.acknowledged) > seen, PATIENCE)
                assert went_on, "nothing goes on"

    def _send(self, client: int) -> None:
        numbers = itertools.count()
        for size in itertools.cycle(self.sizes):
            if self._stop.is_set():
                return
            batch = [_event(client, number) for number in itertools.islice(numbers, size)]
            for pause in self.pauses:
                with self._news:
                    self.sent.update(event["messageId"] for event in batch)
                if self._is_answered(batch) or self._stop.wait(pause):
                    break

    def _is_answered(self, batch: list[dict[str, Any]]) -> bool:
        try:
            with closing(connect(self.port)) as connection:
                answer = exchange(connection, "POST", "/v1/batch", {"batch": batch}, basic(self.key))
        except (OSError, http.client.HTTPException):
            with self._news:
                self.broken_off += 1
            return False
        results = answer.json["results"]
        with self._news:
            self.acknowledged |= {each["messageId"] for each in results if each["result"] == "ok"}
            self._news.notify_all()
        return answer.status == 200


def _event(client: int, number: int) -> dict[str, Any]:
    return {
        "type": "track",
        "userId": f"u-{number % PEOPLE}",
        "event": "Product Viewed",
        "messageId": f"m-{client}-{number}",
        "timestamp": datetime.now(UTC).isoformat(),
        "properties": {"number": number},
    }
