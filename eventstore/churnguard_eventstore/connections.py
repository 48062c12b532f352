"""Connections of those who write events."""

from __future__ import annotations

from typing import Final

import asyncpg

CONNECT_SECONDS: Final = 5.0
STATEMENT_SECONDS: Final = 10.0
"""An answer of the database that takes longer is none."""
IDLE_SECONDS: Final = 30.0
"""How long a transaction may wait for its program: one that hangs, or has gone without a word, holds up others."""


async def connect(url: str, *, program: str) -> asyncpg.Connection:
    """A connection whose commits are durable and whose transactions end, whatever becomes of the program.

    Args:
        url: Where the database is, with user and password.
        program: The name that operators of the database see.

    Raises:
        OSError, TimeoutError, asyncpg.PostgresError: The database cannot be reached, or refuses.
    """
    return await asyncpg.connect(
        url,
        timeout=CONNECT_SECONDS,
        command_timeout=STATEMENT_SECONDS,
        server_settings={
            "application_name": program,
            # A role or a database may have been set to answer before the disk does.
            "synchronous_commit": "on",
            "statement_timeout": f"{STATEMENT_SECONDS:.0f}s",
            "idle_in_transaction_session_timeout": f"{IDLE_SECONDS:.0f}s",
            # Whose machine is gone without a word is missed by the network only.
            "tcp_keepalives_idle": "15",
            "tcp_keepalives_interval": "5",
            "tcp_keepalives_count": "3",
        },
    )
