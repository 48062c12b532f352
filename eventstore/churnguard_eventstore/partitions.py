"""Makes the partitions of days to come, and drops those of days that are over."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import asyncpg

from churnguard_eventstore.days import KeptDays, partition_name

_LOCK: Final = 0x636875726E  # any number, the same in every program of ours
_LOCK_SECONDS: Final = 5
"""Statements on the table wait behind one that waits for its lock: better to try again later than to hold them up."""

_EXISTING: Final = """
SELECT child.relname
FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = 'churnguard.events'::regclass
"""


async def keep_partitions(connection: asyncpg.Connection, *, days: KeptDays, today: date) -> None:
    """Make what is wanted and missing, and drop what is outdated, bad events too; one program at a time."""
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        existing = {row["relname"] for row in await connection.fetch(_EXISTING)}
        for day in days.wanted(today):
            if partition_name(day) not in existing:
                await _make(connection, day)
        for name in days.outdated(existing, today=today):
            await connection.execute(f"DROP TABLE churnguard.{name}")
        oldest = datetime.combine(today - timedelta(days=days.past), time(), UTC)
        await connection.execute("DELETE FROM churnguard.bad_events WHERE received_at < $1", oldest)


async def _make(connection: asyncpg.Connection, day: date) -> None:
    # Made aside and attached: CREATE TABLE ... PARTITION OF would lock out every insert for as long as it waits.
    name = f"churnguard.{partition_name(day)}"
    next_day = day + timedelta(days=1)
    await connection.execute(f"CREATE TABLE {name} (LIKE churnguard.events INCLUDING ALL)")
    await connection.execute(
        f"ALTER TABLE churnguard.events ATTACH PARTITION {name} "
        f"FOR VALUES FROM ('{day} 00:00:00+00') TO ('{next_day} 00:00:00+00')"
    )
