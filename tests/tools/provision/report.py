"""What a build tells at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Built:
    """A tool that was just built; its size in bytes, and how long that took, maybe beside another."""

    name: str
    seconds: float
    size: int


def table(rows: Sequence[Built], *, seconds: float) -> str:
    """Seconds and megabytes of each, and of all: these took ``seconds`` by the clock."""
    total = Built(name="all", seconds=seconds, size=sum(row.size for row in rows))
    width = max(len(row.name) for row in (*rows, total))
    return "\n".join(
        f"{row.name:<{width}}  {row.seconds:6.0f} s  {row.size / 1e6:6.0f} MB" for row in (*rows, total)
    )
