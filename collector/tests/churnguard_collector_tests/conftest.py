"""A Postgres, databases in it, and collectors as processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pytest

from churnguard_collector_tests.collectors import Collector
from churnguard_collector_tests.write_keys import key_file
from churnguard_servers.kafka import KafkaCluster
from churnguard_servers.processes import Log


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
    """``start(url, *arguments, keys=, settings=, program=, **more of Popen)``: begin a collector on a free port.

    ``url`` is that of its database, None where it has none; ``settings`` are variables of its environment.
    """
    begun: list[Collector] = []

    def begin(
        url: str | None,
        *arguments: str,
        keys: dict[str, Any] | None = None,
        port: int = 0,
        settings: Mapping[str, str] = MappingProxyType({}),
        program: Sequence[str] = ("-m", "churnguard_collector"),
        **more: Any,
    ) -> Collector:
        file = tmp_path_factory.mktemp("keys") / "keys.json"
        file.write_text(json.dumps(key_file() if keys is None else keys))
        command = [sys.executable, *program, "serve", "--keys", str(file)]
        command += ["--host", "127.0.0.1", "--port", str(port), "--keep-days", "10", "--drain-seconds", "0"]
        database = {} if url is None else {"DATABASE_URL": url}
        process = subprocess.Popen(
            [*command, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            **{"cwd": "/", "env": {**environment, **database, **settings}, **more},
        )
        collector = Collector(process=process, log=Log(process.stderr), keys=file)
        begun.append(collector)
        return collector

    yield begin
    for collector in begun:
        collector.end()


@pytest.fixture(scope="module")
def shared_database(database: Callable[[], str]) -> str:
    """The database of this module's ``collector``."""
    return database()


@pytest.fixture(scope="module")
def collector(start: Callable[..., Collector], shared_database: str) -> Collector:
    """A collector for all tests of a module that only send."""
    return start(shared_database)


@pytest.fixture(scope="session")
def start_on_kafka(start: Callable[..., Collector]) -> Callable[..., Collector]:
    """``start_on_kafka(cluster, prefix, *arguments, **as start)``: one whose topics' names begin with the prefix."""

    def begin(cluster: KafkaCluster, prefix: str, *arguments: str, **more: Any) -> Collector:
        settings = {"KAFKA_BOOTSTRAP": cluster.bootstrap, "KAFKA_TOPIC_PREFIX": prefix}
        settings |= more.pop("settings", {})
        return start(None, *arguments, settings=settings, **more)

    return begin
