"""Where accepted events go: a protocol with one promise."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from churnguard_collector.accepted import Accepted
from churnguard_core.events.bad import BadEvent

Outcome = Literal["kept", "unstorable", "unavailable", "overloaded"]
"""What became of an event: durable; refused for ever; unknown, because the store did not answer; not even tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Events that wait to be stored, and how many may."""

    events: int
    capacity: int


class Sink(Protocol):
    """Keeps events durably.

    A sink bounds its backlog and its own time: it never waits for room, and it decides on every event within the
    seconds that it was configured with.
    """

    async def start(self) -> None:
        """Begin; what hinders it for good is an error of the sink's own."""

    def deliver(
        self, events: Sequence[Accepted], bad: Sequence[BadEvent]
    ) -> asyncio.Future[Sequence[Outcome]]:
        """Keep events, and the reasons of bad ones beside them.

        Returns:
            An outcome for each of ``events``. ``kept`` is said only of what survives a crash of everything here. Bad
            events, and those that are ``unstorable``, are kept as such as far as possible. It never fails.
        """

    @property
    def backlog(self) -> Backlog:
        """What waits at this moment."""

    def problem(self) -> str | None:
        """Why no more events should come; None when they may."""

    async def drain(self, *, seconds: float) -> int:
        """Keep what waits, for at most so long; returns how many events are left."""

    async def close(self) -> None:
        """Let everything go."""
