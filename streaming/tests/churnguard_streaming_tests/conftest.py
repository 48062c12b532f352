"""Topics, databases, and landings as processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence

import pytest

from churnguard_core.events import topics
from churnguard_servers.kafka import KafkaCluster
from churnguard_servers.processes import Log
from churnguard_streaming_tests.landings import Landing
from churnguard_streaming_tests.logs import EventLog

PROGRAM = ("-m", "churnguard_streaming.landing")


@pytest.fixture(scope="session")
def run(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """``run(*arguments, **environment)``: the program from its beginning to its end."""

    def to_the_end(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *PROGRAM, *arguments]
        with_more = {**environment, **more}
        return subprocess.run(command, env=with_more, cwd="/", capture_output=True, text=True, timeout=120)

    return to_the_end


@pytest.fixture
def land(environment: dict[str, str]) -> Iterator[Callable[..., Landing]]:
    """``land(url, log, *arguments, **environment)``: begin a landing on a free port.

    ``program`` is what Python is given to run.
    """
    begun: list[Landing] = []

    def begin(
        url: str, log: EventLog, *arguments: str, program: Sequence[str] = PROGRAM, **more: str
    ) -> Landing:
        command = [sys.executable, *program, "run", "--host", "127.0.0.1", "--port", "0", "--keep-days", "10"]
        kafka = {"KAFKA_BOOTSTRAP": log.kafka.bootstrap, "KAFKA_TOPIC_PREFIX": log.prefix}
        process = subprocess.Popen(
            [*command, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            env={**environment, "DATABASE_URL": url, **kafka, **more},
        )
        landing = Landing(process=process, log=Log(process.stderr))
        begun.append(landing)
        return landing

    yield begin
    for landing in begun:
        landing.end()


def make_log(kafka: KafkaCluster, *, partitions: int = 3) -> EventLog:
    """Topics that nobody else uses."""
    log = EventLog(kafka=kafka, prefix=kafka.new_prefix())
    kafka.create_topic(log.prefix + topics.EVENTS, partitions=partitions)
    kafka.create_topic(log.prefix + topics.BAD_EVENTS, partitions=1)
    return log


@pytest.fixture
def event_log(kafka: KafkaCluster) -> EventLog:
    """Topics of this test's own, with three partitions of events."""
    return make_log(kafka)
