"""Bring the tables to the version of this program, and tell whether they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import asyncpg

# Alembic and SQLAlchemy are imported where they are used: a program that serves never needs them.

HEAD: Final = "0002"
"""The version that this program works with."""
_FOLDER: Final = Path(__file__).parent / "migrations"


class WrongSchema(Exception):  # noqa: N818 - names the fact
    """The tables are not of this program's version; the message says what to do."""


async def migrate(url: str, *, version: str = HEAD) -> None:
    """Apply what is missing up to this version, all of it or, when a step fails, nothing."""
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    # The address goes to asyncpg as it is: SQLAlchemy would read it by rules of its own.
    engine = create_async_engine(
        "postgresql+asyncpg://", poolclass=NullPool, async_creator=lambda: asyncpg.connect(url)
    )
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade, version)
    finally:
        await engine.dispose()


def _upgrade(connection: Any, version: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, version)


async def check_schema(connection: asyncpg.Connection) -> None:
    """WrongSchema unless the tables are those that this program writes."""
    try:
        found = await connection.fetchval("SELECT version_num FROM churnguard.schema_version")
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        found = None
    if found != HEAD:
        was = "there are no tables" if found is None else f"the tables are of version {found}"
        raise WrongSchema(f"{was}, this program needs version {HEAD}; run its command migrate")
