"""Connections of those who write events."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

import asyncpg

from churnguard_eventstore.address import NoDatabase

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


@contextlib.contextmanager
def reaching_the_database() -> Iterator[None]:
    """What goes wrong inside on the way to the database is a NoDatabase that says so."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, OSError) as error:
        raise NoDatabase(f"the database cannot be reached: {error or type(error).__name__}") from None
