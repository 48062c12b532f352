"""Events written to Kafka without an end, as by collectors whose senders repeat some of them."""

from __future__ import annotations

import itertools
import os
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from churnguard_servers.processes import PATIENCE, until
from churnguard_streaming_tests.events import event
from churnguard_streaming_tests.logs import EventLog

Rows = Callable[..., list[dict[str, Any]]]

EVENTS = int(os.environ.get("CHURNGUARD_TEST_EVENTS", "0"))
"""At least so many events in each test that kills something; a million takes minutes."""
AT_ONCE = 500
PAUSE = 0.0 if EVENTS else 0.2
"""Seconds between; few events make short tests."""
REPEATED = 25
"""Of those at once, how many come again later."""


class Load:
    """Writes until it is left, and knows what was acknowledged."""

    def __init__(self, log: EventLog, *, url: str, rows: Rows) -> None:
        self.acknowledged: set[str] = set()
        self.repeated = 0
        self._log = log
        self._url = url
        self._rows = rows
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def landed(self) -> int:
        """Events in the database; -1 when it does not answer."""
        try:
            found: int = self._rows(self._url, "SELECT count(*) AS n FROM churnguard.events")[0]["n"]
        except Exception:
            return -1
        return found

    def wait_for_landing(self, more: int = 3 * AT_ONCE) -> None:
        """Until so many more events have landed than now."""
        wanted = max(0, self.landed()) + max(more, EVENTS // 4)
        until(lambda: self.landed() >= wanted)

    def assert_landed_exactly_once(self) -> None:
        """After leaving: everything that was acknowledged is there once, and nothing else is."""
        until(lambda: self.landed() >= len(self.acknowledged))
        kept = Counter(row["message_id"] for row in self._rows(self._url))
        assert self.acknowledged - kept.keys() == set(), "acknowledged, and lost"
        assert kept.keys() - self.acknowledged == set(), "never written"
        assert {name for name, times in kept.items() if times > 1} == set(), "landed twice"
        print(f"{len(self.acknowledged)} acknowledged, {self.repeated} repeated, {len(kept)} landed")

    def _write(self) -> None:
        writer = self._log.writer()
        numbers = itertools.count()
        while not self._stop.is_set():
            events = [event(f"m-{number}") for number in itertools.islice(numbers, AT_ONCE)]
            writer.write([*events, *events[:REPEATED]])
            self.acknowledged |= {each.message_id for each in events}
            self.repeated += REPEATED
            self._stop.wait(PAUSE)
