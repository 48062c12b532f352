"""Keeps events in the cheapest way that is still exact.

To copy events to where they are kept costs two thirds of what it costs to copy them aside and to move what is new; but
it fails as a whole when one is there already. Events that come twice mostly do so within minutes, when a sender did not
hear the answer. So those that came not long ago are moved, the others are copied, and if that fails all are moved, for
a while without trying. What is new is decided by the table's key alone: here it is only guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import asyncpg

from churnguard_core.events.envelope import Envelope
from churnguard_eventstore.staging import keep_all, keep_new

REMEMBERED: Final = 100_000
"""Message ids that are remembered at least; twice as many at most."""
WARY: Final = 50
"""How many times nothing is copied after a copy that failed: who lands a log again meets nothing but known events."""


class Keeper:
    """Keeps events, and remembers which came."""

    def __init__(self) -> None:
        self._recent: set[str] = set()
        self._before: set[str] = set()
        self._wary = 0

    async def keep(self, connection: asyncpg.Connection, events: Sequence[Envelope]) -> list[Envelope]:
        """Keep those that are not there yet, and return them in their order; to be called in a transaction.

        Args:
            connection: With a stage.
            events: No two with the same workspace, message id and original timestamp.
        """
        if self._wary:
            self._wary -= 1
            new = await keep_new(connection, events)
        else:
            new = await self._copy_or_move(connection, events)
        self._remember(events)
        return new

    async def _copy_or_move(
        self, connection: asyncpg.Connection, events: Sequence[Envelope]
    ) -> list[Envelope]:
        recent, before = self._recent, self._before
        unknown = [each for each in events if each.message_id not in recent and each.message_id not in before]
        try:
            async with connection.transaction():
                await keep_all(connection, unknown)
        except asyncpg.UniqueViolationError:
            self._wary = WARY
            return await keep_new(connection, events)
        if len(unknown) == len(events):
            return unknown
        suspected = [each for each in events if each.message_id in recent or each.message_id in before]
        moved = await keep_new(connection, suspected)
        if not moved:
            return unknown
        new = {id(each) for each in (*unknown, *moved)}
        return [each for each in events if id(each) in new]

    def _remember(self, events: Sequence[Envelope]) -> None:
        if len(self._recent) >= REMEMBERED:
            self._recent, self._before = set(), self._recent
        self._recent.update(each.message_id for each in events)
