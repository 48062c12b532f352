"""All that takes events: started in the order of what needs what, and stopped the other way round."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from churnguard_cli.events.children import Child, LoggedChild, begin
from churnguard_cli.events.errors import CannotTakeEvents
from churnguard_cli.events.keys import ensure_keys
from churnguard_cli.events.postgres import (
    Postgres,
    prepare_postgres,
    start_postgres,
    wait_until_it_answers,
)
from churnguard_cli.ports import reachable
from churnguard_cli.server_log import Entry, read_entry
from churnguard_cli.signals import Interruption

COLLECTOR: Final = "churnguard_collector"
LANDING: Final = "churnguard_streaming.landing"
LOOPBACK: Final = "127.0.0.1"
STOP_SECONDS: Final = 60.0
"""The collector lets requests that have begun take 30 s, then writes out for 15 s."""
# -P: nothing in the current folder may stand in for a library.
_PYTHON: Final = (sys.executable, "-P", "-m")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where events come in and where they are kept.

    Args:
        folder: What stays between runs: the data of PostgreSQL, and the write keys.
        host: Address to listen on.
        port: Port of HTTP; 0 takes a free one.
        database: Address of a database; empty for one of our own.
        has_kafka: Whether KAFKA_BOOTSTRAP and its like say where Kafka is; the programs read them themselves.
    """

    folder: Path
    host: str
    port: int
    database: str
    has_kafka: bool


@dataclass(kw_only=True)
class Intake:
    """What runs; ``client`` is the command that looks into the database."""

    port: int
    client: str
    children: list[Child] = field(default_factory=list)

    def ended_by_itself(self) -> Child | None:
        """The child that ended before it was asked to, if there is one."""
        return next((child for child in self.children if child.ended_by_itself), None)


@contextmanager
def taking_events(
    settings: Settings, *, interruption: Interruption, on_entry: Callable[[str, Entry], None]
) -> Iterator[Intake]:
    """Take events while the block runs; at its end, whatever ends it, everything is stopped in order.

    Args:
        settings: Where.
        interruption: Signals to this process; when a child ends by itself, it is as if SIGTERM had come.
        on_entry: Called in threads with the name of a program and what its log holds besides the course of things.

    Raises:
        CannotTakeEvents: A program does not start, or did not end well; the message says which and why.
    """
    running = _Running(settings, interruption=interruption, on_entry=on_entry)
    try:
        try:
            yield running.start()
        finally:
            # From here on, signals only hurry: nothing may break off what follows.
            interruption.hold(running.kill)
    finally:
        running.stop()


class _Running:
    def __init__(
        self, settings: Settings, *, interruption: Interruption, on_entry: Callable[[str, Entry], None]
    ) -> None:
        self._settings = settings
        self._interruption = interruption
        self._on_entry = on_entry
        self._children: list[Child] = []
        self._sockets: tempfile.TemporaryDirectory[str] | None = None
        self._environment = dict(os.environ)

    def start(self) -> Intake:
        settings = self._settings
        settings.folder.mkdir(parents=True, exist_ok=True)
        keys = settings.folder / "write-keys.json"
        ensure_keys(keys)
        client = 'psql "$DATABASE_URL"' if settings.database else self._start_database().client
        self._migrate()
        if settings.has_kafka:
            self._start("the landing", LANDING, "run", "--port=0", host=LOOPBACK)
        arguments = _arguments(settings, keys=keys)
        port = self._start("the collector", COLLECTOR, "serve", *arguments, host=settings.host)
        return Intake(port=port, client=client, children=self._children)

    def stop(self) -> None:
        """Who takes events first, who keeps them last; so nothing that was acknowledged is lost."""
        problems = []
        for child in reversed(self._children):
            # One that has ended already was told of.
            runs = child.process.poll() is None
            if child.stop() != 0 and runs:
                problems.append(f"{child.name} did not end well ({child.how_it_ended()})")
        if self._sockets is not None:
            self._sockets.cleanup()
        if problems:
            raise CannotTakeEvents("; ".join(problems))

    def kill(self) -> None:
        """At once; what was acknowledged is kept all the same."""
        for child in self._children:
            child.kill()

    def _start_database(self) -> Postgres:
        self._sockets = tempfile.TemporaryDirectory(prefix="churnguard-", ignore_cleanup_errors=True)
        server = prepare_postgres(self._settings.folder, sockets=Path(self._sockets.name))
        with self._interruption.kept_back():
            child = start_postgres(server)
            self._children.append(child)
        wait_until_it_answers(server, child)
        child.watch(_end_everything)
        self._environment["DATABASE_URL"] = server.url
        return server

    def _migrate(self) -> None:
        command = [*_PYTHON, COLLECTOR, "migrate"]
        done = subprocess.run(command, env=self._environment, capture_output=True, check=False)
        if done.returncode != 0:
            entries = [read_entry(line) for line in done.stderr.splitlines()]
            problem = next((entry.problem for entry in reversed(entries)), "it said nothing")
            raise CannotTakeEvents(f"the tables could not be made: {problem}")

    def _start(self, name: str, module: str, *arguments: str, host: str) -> int:
        """Start one of our own programs; the port on which it listens at this address."""
        with self._interruption.kept_back():
            child = LoggedChild(
                name=name,
                process=begin(
                    [*_PYTHON, module, *arguments, f"--host={host}"], environment=self._environment
                ),
                stop_signal=signal.SIGTERM,
                stop_seconds=STOP_SECONDS,
                on_entry=lambda entry: self._on_entry(name, entry),
            )
            self._children.append(child)
        child.read_log()
        port = child.wait_until_ready(host=reachable(host))
        child.watch(_end_everything)
        return port


def _arguments(settings: Settings, *, keys: Path) -> list[str]:
    # Nobody balances load here who would have to hear of the end first.
    sink = "kafka" if settings.has_kafka else "postgres"
    return [f"--keys={keys}", f"--sink={sink}", f"--port={settings.port}", "--drain-seconds=0"]


def _end_everything() -> None:
    """As if somebody had stopped this program: whatever it does now is ended in the same way."""
    # To the main thread, which handles signals: it may wait for something that only a signal breaks off.
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
