"""Lines of the table that ``make bench`` prints, and how they are timed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

SMOKE: Final = os.environ.get("BENCH") == "smoke"
REPEATS: Final = 3 if SMOKE else 7


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line. ``reach`` is in the unit of ``value``, None where nothing is asked; at least so much if ``least``."""

    what: str
    value: float
    unit: str
    reach: float | None = None
    least: float | None = None
    remark: str = ""

    def __str__(self) -> str:
        verdict = ""
        if self.reach is not None:
            verdict = f"<= {self.reach:g} {'ok' if self.value <= self.reach else 'MISSED'}"
        if self.least is not None:
            verdict = f">= {self.least:g} {'ok' if self.value >= self.least else 'MISSED'}"
        return f"  {self.what:<58}{self.value:>10.3g} {self.unit:<6}{verdict:<16}{self.remark}".rstrip()


def best_microseconds(work: Callable[[Any], object], records: Sequence[Any]) -> float:
    """Microseconds per record in the best of some passes over different records."""
    best = float("inf")
    for _ in range(REPEATS):
        start = time.perf_counter()
        for record in records:
            work(record)
        best = min(best, time.perf_counter() - start)
    return best / len(records) * 1e6


def seconds(work: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
