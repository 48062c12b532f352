"""A real Apache Kafka of the tests' own: one broker or several, which can be killed and come back.

Each broker is a controller too. Its listener without encryption, on loopback as all of them, belongs to the tests: who
comes by it may do everything. Its listener with encryption asks for a password, as Strimzi's clusters do, and allows
only what was granted.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from churnguard_core.events.topics import BAD_EVENTS, EVENTS
from churnguard_servers.kafka_properties import Ports, properties
from churnguard_servers.kafka_security import (
    Secrets,
    User,
    change_password,
    create_user,
    grant,
    make_secrets,
    take_rights,
)

PATIENCE: Final = 120.0
"""Seconds until a broker that does not come up, or an answer that does not come, is given up."""
# A broker of a test lives for minutes: to compile thoroughly costs more than it brings.
JAVA_OPTIONS: Final = ("-Xmx320m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
QUIET: Final = {"log_level": 0}
"""librdkafka tells on standard error of every broker that is not there, which is what tests are about."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """The program ``java`` and the folder of Kafka's jars."""

    java: Path
    jars: Path

    def command(self, main: str, *arguments: str | Path) -> list[str | Path]:
        return [self.java, *JAVA_OPTIONS, "-cp", f"{self.jars}/*", main, *arguments]


@dataclass(kw_only=True)
class KafkaCluster:
    """Brokers that are numbered from 1; a topic has ``copies`` copies, more than half of which must be in sync."""

    installation: Installation
    folder: Path
    brokers: int = 1
    secrets: Secrets = field(init=False)
    _ports: dict[int, Ports] = field(init=False)
    _running: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def bootstrap(self) -> str:
        """Addresses without encryption, at which everything is allowed."""
        return ",".join(f"127.0.0.1:{ports.plain}" for ports in self._ports.values())

    @property
    def secure_bootstrap(self) -> str:
        """Addresses with encryption, at which a user may do what was granted."""
        return ",".join(f"127.0.0.1:{ports.secure}" for ports in self._ports.values())

    @cached_property
    def admin(self) -> AdminClient:
        """Who may do everything; one for life, because what it was asked for ends with it."""
        return AdminClient({"bootstrap.servers": self.bootstrap, **QUIET})

    def new_prefix(self) -> str:
        """What the names of topics begin with that nobody else uses."""
        return f"test{next(self._numbers)}-"

    def create_topic(self, name: str, *, partitions: int = 3, **settings: str) -> str:
        """Make a topic, and return its name; underscores in the names of settings stand for dots."""
        config = {setting.replace("_", "."): value for setting, value in settings.items()}
        topic = NewTopic(name, num_partitions=partitions, replication_factor=self.brokers, config=config)
        for done in self.admin.create_topics([topic], operation_timeout=PATIENCE).values():
            done.result(PATIENCE)
        # The brokers learn of it from the controller, one after the other.
        self._wait(lambda: all(self._leads(number, name) == partitions for number in self._running))
        return name

    def new_event_topics(self, *, partitions: int = 3) -> str:
        """Make the topics of events and of bad events for one test alone; returns what their names begin with."""
        prefix = self.new_prefix()
        for name in (EVENTS, BAD_EVENTS):
            self.create_topic(prefix + name, partitions=partitions)
        return prefix

    def create_user(
        self, name: str, *, password: str, writes: Sequence[str] = (), reads: Sequence[str] = ()
    ) -> User:
        """A user who may write to, or read from, topics and groups whose names begin like this."""
        return create_user(
            self.admin,
            name=name,
            password=password,
            writes=writes,
            reads=reads,
            folder=self.folder / "users",
            secrets=self.secrets,
        )

    def grant(self, user: User, *, writes: Sequence[str] = (), reads: Sequence[str] = ()) -> None:
        """From now on, this user may do that too."""
        grant(self.admin, user, writes=writes, reads=reads)

    def change_password(self, user: User, *, password: str) -> None:
        """From now on, this user logs in with another password, and the user's file has it."""
        change_password(self.admin, user, password=password)

    def take_rights(self, user: User) -> None:
        """From now on, this user may do nothing."""
        take_rights(self.admin, user)

    def make(self) -> None:
        """Prepare the folders of all brokers."""
        self._ports = {number: Ports.free() for number in range(1, self.brokers + 1)}
        self.secrets = make_secrets(self.folder / "secrets")
        cluster = str(uuid4())
        with ThreadPoolExecutor(self.brokers) as pool:
            for done in [pool.submit(self._format, number, cluster) for number in self._ports]:
                done.result()

    def start(self) -> None:
        """Start those that do not run, and wait until all answer and have all that they keep copies of."""
        for number in self._ports.keys() - self._running.keys():
            self._running[number] = self._launch(number)
        self._wait(lambda: all(self._is_complete(number) for number in self._running))

    def kill(self, number: int = 1) -> None:
        """SIGKILL to a broker."""
        process = self._running.pop(number)
        process.kill()
        process.wait()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """All brokers stand still: they answer nobody, and hang up on nobody."""
        for process in self._running.values():
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in self._running.values():
                process.send_signal(signal.SIGCONT)

    def leader(self, topic: str, *, partition: int = 0) -> int:
        """The broker that leads a partition now."""
        partitions: dict[int, Any] = self.admin.list_topics(topic, timeout=PATIENCE).topics[topic].partitions
        return int(partitions[partition].leader)

    @contextlib.contextmanager
    def forgetting(self, topic: str, *, number: int = 1) -> Iterator[None]:
        """A broker, alone, restarts before and after this, and then has nothing of what came in between."""
        log = self._node(number) / "data" / f"{topic}-0"
        before = self._node(number) / f"{topic}-before"
        self.kill(number)
        shutil.copytree(log, before)
        self.start()
        yield
        self.kill(number)
        shutil.rmtree(log)
        before.rename(log)
        self.start()

    def stop(self) -> None:
        # What they hold is thrown away: nothing has to be written first.
        for number in list(self._running):
            self.kill(number)

    def _wait(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            for number, process in self._running.items():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"no Kafka: {self._log(number).read_text()[-3000:]}")
            time.sleep(0.05)  # between two questions

    def _is_complete(self, number: int) -> bool:
        """Whether this broker answers, knows all others, and says that no copy of a partition lags behind."""
        try:
            found = self._asked(number).list_topics(timeout=1)
        except KafkaException:
            return False
        partitions = [each for topic in found.topics.values() for each in topic.partitions.values()]
        complete = all(len(each.isrs) == len(each.replicas) for each in partitions)
        return complete and set(found.brokers) == set(self._ports)

    def _leads(self, number: int, topic: str) -> int:
        """How many partitions of a topic have a leader, as far as this broker knows."""
        found = self._asked(number).list_topics(topic, timeout=PATIENCE).topics[topic]
        return sum(each.leader > 0 for each in found.partitions.values())

    def _asked(self, number: int) -> AdminClient:
        """A client of one broker: the others list one that died until they miss it."""
        return AdminClient({"bootstrap.servers": f"127.0.0.1:{self._ports[number].plain}", **QUIET})

    def _format(self, number: int, cluster: str) -> None:
        folder = self._node(number)
        folder.mkdir(parents=True)
        settings = properties(number, ports=self._ports, folder=folder, secrets=self.secrets)
        file = folder / "server.properties"
        file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        arguments = ("format", "--cluster-id", cluster.replace("-", "")[:22], "--config", file)
        command = self.installation.command("kafka.tools.StorageTool", *arguments)
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode != 0:
            raise RuntimeError(done.stdout + done.stderr)

    def _launch(self, number: int) -> subprocess.Popen[bytes]:
        folder = self._node(number)
        command = self.installation.command("kafka.Kafka", folder / "server.properties")
        with self._log(number).open("ab") as log:
            return subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _node(self, number: int) -> Path:
        return self.folder / f"broker-{number}"

    def _log(self, number: int) -> Path:
        return self._node(number) / "log"
