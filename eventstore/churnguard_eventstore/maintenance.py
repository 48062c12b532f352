"""Partitions for the days to come, made while others write."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

import asyncpg

from churnguard_eventstore.address import NoDatabase
from churnguard_eventstore.days import KeptDays
from churnguard_eventstore.partitions import keep_partitions

log = logging.getLogger("churnguard.eventstore")

SECONDS: Final = 3600.0
"""Between two rounds."""
SECONDS_AFTER_FAILURE: Final = 30.0


class Maintenance:
    """Keeps the partitions as the days go by.

    Args:
        connect: Opens a connection of its own.
        days: Which days are kept.
        clock: The time of day.
    """

    def __init__(
        self,
        *,
        connect: Callable[[], Awaitable[asyncpg.Connection]],
        days: KeptDays,
        clock: Callable[[], datetime],
    ) -> None:
        self._connect = connect
        self._days = days
        self._clock = clock
        self.problem: str | None = "partitions were not made yet"

    async def run(self, connection: asyncpg.Connection) -> None:
        """One round; raises what the database does."""
        await keep_partitions(connection, days=self._days, today=self._clock().astimezone(UTC).date())
        self.problem = None

    async def run_forever(self) -> None:
        """A round every hour, and soon again after one that failed."""
        while True:
            await asyncio.sleep(SECONDS if self.problem is None else SECONDS_AFTER_FAILURE)
            try:
                connection = await self._connect()
                try:
                    await self.run(connection)
                finally:
                    connection.terminate()
            except Exception as error:
                self.problem = "partitions could not be made"
                log.warning(self.problem, extra={"problem": described(error)})


def described(error: Exception) -> str:
    """What went wrong, without what the database says of rows: its details repeat values."""
    if isinstance(error, asyncpg.PostgresError):
        return f"{type(error).__name__} ({error.sqlstate})"
    return (
        f"{type(error).__name__}: {error}"
        if isinstance(error, OSError | NoDatabase)
        else type(error).__name__
    )
