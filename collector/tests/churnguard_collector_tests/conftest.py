"""A Postgres, databases in it, and collectors as processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from churnguard_collector_tests.collectors import Collector
from churnguard_collector_tests.write_keys import key_file
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
