"""Waiting for processes of our own, and reading what they log."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

PATIENCE = 120.0
"""Seconds until a test gives a process up."""


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that only asking tells."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.02)  # between two questions


class Log:
    """A process's lines on standard error, read as they come."""

    def __init__(self, stream: Any) -> None:
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._reader.start()

    def wait_for(self, message: str) -> dict[str, Any]:
        """The first line with this message; fails when the process ends without it."""
        with self._news:
            assert self._news.wait_for(lambda: self._ended or self.find(message), PATIENCE), self.lines
        found = self.find(message)
        assert found, f"no {message!r} in {self.lines}"
        return found[0]

    def find(self, message: str) -> list[dict[str, Any]]:
        """All lines with this message."""
        entries = [json.loads(line) for line in self.lines if line.startswith("{")]
        return [entry for entry in entries if entry["message"] == message]

    def to_the_end(self) -> list[str]:
        """All lines, when the process has ended."""
        self._reader.join(PATIENCE)
        return self.lines

    def _read(self, stream: Any) -> None:
        for line in stream:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()
        stream.close()
