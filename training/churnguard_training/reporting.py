"""Progress lines on standard output."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import BinaryIO

from churnguard_core.progress import ProgressLine, Stage, encode_progress


class Reporter:
    """Writes one progress line per call, at once.

    Args:
        stream: Where to; flushed after every line, a reader follows along.
        clock: Seconds, rising.
    """

    def __init__(self, stream: BinaryIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._start = clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the start of the run."""
        return self._clock() - self._start

    def report(self, stage: Stage, message: str, *, percent: float | None = None) -> None:
        """Say where the run is."""
        line = ProgressLine(stage=stage, elapsed=round(self.elapsed, 2), message=message, percent=percent)
        self._stream.write(encode_progress(line) + b"\n")
        self._stream.flush()
