"""The tables, from nothing to what programs write, and from the version before."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from churnguard_eventstore import migrate as migrating
from churnguard_eventstore.migrate import HEAD, WrongSchema, check_schema, migrate
from churnguard_servers.postgres import PostgresServer, execute

pytestmark = pytest.mark.servers

Rows = Callable[..., list[dict[str, Any]]]
FIRST = "0001"
PATIENCE = 120.0
MIGRATE = "import asyncio, sys; from churnguard_eventstore.migrate import migrate; asyncio.run(migrate(sys.argv[1]))"
COLUMNS = """
SELECT table_name, column_name, data_type FROM information_schema.columns
WHERE table_schema = 'churnguard' ORDER BY 1, 2
"""
EVENTS = "SELECT workspace, message_id, subject, properties FROM churnguard.events"


def empty_database(postgres: PostgresServer, name: str) -> str:
    execute(postgres.url("postgres"), f"CREATE DATABASE {name}")
    return postgres.url(name)


def check(url: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            await check_schema(connection)
        finally:
            await connection.close()

    asyncio.run(run())


def test_there_is_one_way_and_it_leads_forward() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrating._FOLDER))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [HEAD]
    assert [
        script.revision for script in scripts.walk_revisions() if hasattr(script.module, "downgrade")
    ] == []


def test_an_empty_database_is_migrated_once_by_however_many(
    postgres: PostgresServer, rows: Rows, environment: dict[str, str]
) -> None:
    url = empty_database(postgres, "migrated_at_once")
    with pytest.raises(WrongSchema, match="there are no tables, this program needs version"):
        check(url)
    command = [sys.executable, "-c", MIGRATE, url]
    processes = [subprocess.Popen(command, env=environment, cwd="/") for _ in range(2)]
    assert [process.wait(PATIENCE) for process in processes] == [0, 0]
    assert rows(url, "SELECT version_num FROM churnguard.schema_version") == [{"version_num": HEAD}]
    before = rows(url, COLUMNS)
    assert {row["table_name"] for row in before} == {
        "events",
        "bad_events",
        "kafka_offsets",
        "schema_version",
    }
    asyncio.run(migrate(url))
    assert rows(url, COLUMNS) == before
    check(url)


def test_tables_of_the_version_before_keep_their_rows(postgres: PostgresServer, rows: Rows) -> None:
    url = empty_database(postgres, "migrated_step_by_step")
    asyncio.run(migrate(url, version=FIRST))
    execute(
        url,
        "CREATE TABLE churnguard.events_20260301 PARTITION OF churnguard.events "
        "FOR VALUES FROM ('2026-03-01 00:00:00+00') TO ('2026-03-02 00:00:00+00')",
        "INSERT INTO churnguard.events (workspace, message_id, original_timestamp, timestamp, received_at, type, "
        "subject, properties, context, source) SELECT 'demo', 'm' || number, '2026-03-01 12:00:00+00', now(), "
        """now(), 'track', 'k1_0', '{"a": 1}', '{}', 'server' FROM generate_series(1, 50) AS number""",
        "INSERT INTO churnguard.bad_events VALUES ('demo', 'server', 'schema', '[]', now(), 'm', NULL)",
    )
    before = rows(url, EVENTS + " ORDER BY message_id")
    with pytest.raises(
        WrongSchema, match=f"the tables are of version {FIRST}, this program needs version {HEAD}"
    ):
        check(url)
    asyncio.run(migrate(url))
    check(url)
    assert rows(url, EVENTS + " ORDER BY message_id") == before
    assert len(before) == 50
    assert len(rows(url, "SELECT * FROM churnguard.bad_events")) == 1
    assert rows(url, "SELECT * FROM churnguard.kafka_offsets") == []


def test_other_tables_of_the_database_are_left_alone(postgres: PostgresServer, rows: Rows) -> None:
    url = empty_database(postgres, "shop")
    execute(url, "CREATE TABLE events (id int)", "CREATE TABLE alembic_version (version_num text)")
    asyncio.run(migrate(url))
    assert rows(url, "SELECT * FROM public.alembic_version") == []
    assert rows(url, "SELECT * FROM public.events") == []
