"""The tables, from nothing to what the program writes."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from churnguard_eventstore import migrate as migrating
from churnguard_eventstore.migrate import HEAD, migrate
from churnguard_servers.postgres import PostgresServer, execute

pytestmark = [pytest.mark.servers, pytest.mark.slow]

COLUMNS = """
SELECT table_name, column_name, data_type FROM information_schema.columns
WHERE table_schema = 'churnguard' ORDER BY 1, 2
"""


def test_there_is_one_way_and_it_leads_forward() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrating._FOLDER))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [HEAD]
    assert [
        script.revision for script in scripts.walk_revisions() if hasattr(script.module, "downgrade")
    ] == []


def test_an_empty_database_is_migrated_once_by_however_many(
    postgres: PostgresServer,
    run: Callable[..., subprocess.CompletedProcess[str]],
    rows: Callable[..., list[dict[str, Any]]],
) -> None:
    execute(postgres.url("postgres"), "CREATE DATABASE migrated_at_once")
    url = postgres.url("migrated_at_once")
    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(lambda _: run("migrate", url=url), range(2)))
    assert [each.returncode for each in done] == [0, 0], [each.stderr for each in done]
    versions = rows(url, "SELECT version_num FROM churnguard.schema_version")
    assert versions == [{"version_num": HEAD}]
    before = rows(url, COLUMNS)
    assert {row["table_name"] for row in before} == {"events", "bad_events", "schema_version"}
    asyncio.run(migrate(url))
    assert rows(url, COLUMNS) == before


def test_other_tables_of_the_database_are_left_alone(
    postgres: PostgresServer, rows: Callable[..., list[dict[str, Any]]]
) -> None:
    execute(
        postgres.url("postgres"),
        "CREATE DATABASE shop",
    )
    url = postgres.url("shop")
    execute(url, "CREATE TABLE events (id int)", "CREATE TABLE alembic_version (version_num text)")
    asyncio.run(migrate(url))
    assert rows(url, "SELECT * FROM public.alembic_version") == []
    assert rows(url, "SELECT * FROM public.events") == []
