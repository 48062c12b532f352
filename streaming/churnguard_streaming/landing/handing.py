"""What happens with events that have landed: a protocol with one promise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import asyncpg

from churnguard_core.events.envelope import Envelope


class Receiver(Protocol):
    """Is handed every event that lands, at the moment it does.

    It is called within the transaction that keeps the events, after they were kept and before the commit, with those
    that were not there before: never with a duplicate, and those of one subject in their order. If it raises, nothing
    of the transaction happens, and the same events come again.

    What it writes by ``connection`` is committed with the events: exactly once. What it does elsewhere happens at least
    once: a commit can fail after the call, and then the same events come again, perhaps to another program and in
    other batches. It has the time that a transaction may be idle, and everybody behind it waits.
    """

    async def receive(self, events: Sequence[Envelope], *, connection: asyncpg.Connection) -> None:
        """Take events; there is at least one."""


class Nobody:
    """Does nothing with them."""

    async def receive(self, events: Sequence[Envelope], *, connection: asyncpg.Connection) -> None:
        """Nothing."""
