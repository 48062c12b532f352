"""One run of the program: read the keys, reach what keeps events, listen, take events, drain."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import socket
import time
from collections.abc import Iterator, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

import asyncpg
import uvloop
from prometheus_client import disable_created_metrics

from churnguard_collector.app import application
from churnguard_collector.choice import UnclearSink, chosen_sink
from churnguard_collector.kafka_sink import KafkaSink
from churnguard_collector.keys import InvalidKeys, Keys
from churnguard_collector.metrics import Metrics
from churnguard_collector.options import Options
from churnguard_collector.postgres_sink import PostgresSink
from churnguard_collector.reload import keys_file
from churnguard_collector.server import serve
from churnguard_collector.service import Service
from churnguard_collector.sink import Sink
from churnguard_core.logs import configure_logging
from churnguard_eventlog.connection import InvalidConnection, connection_from
from churnguard_eventlog.topics import topics_from
from churnguard_eventstore.days import KeptDays
from churnguard_eventstore.migrate import HEAD, WrongSchema, migrate
from churnguard_web.listening import listen, readiness

log = logging.getLogger("churnguard.collector")

STOPPED: Final = 0
REFUSED: Final = 2
LEFT: Final = 3
WRITE_OUT_SECONDS: Final = 15.0
"""How long what waits may take to be written after the last answer."""


class NoDatabase(Exception):  # noqa: N818 - names the fact
    """There is no address of a database, or nothing can be reached there; the message holds no password."""


def run(options: Options) -> int:
    """Migrate, or take events until a signal; the process's exit code."""
    configure_logging(level=options.log_level)
    disable_created_metrics()  # type: ignore[no-untyped-call]
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_migrate(options) if options.command == "migrate" else _serve(options))
    except (InvalidKeys, InvalidConnection, UnclearSink, WrongSchema, NoDatabase, OSError) as error:
        log.error("refused", extra={"problem": str(error)})
        return REFUSED


def _database_url(file: Path | None, *, environ: Mapping[str, str]) -> str:
    try:
        url = environ.get("DATABASE_URL", "") if file is None else file.read_text().strip()
    except (OSError, UnicodeError):
        raise NoDatabase(f"{file} cannot be read") from None
    if not url.startswith(("postgresql://", "postgres://")):
        where = "DATABASE_URL" if file is None else str(file)
        raise NoDatabase(f"{where} holds no address of a database: expected postgresql://...")
    return url


async def _migrate(options: Options) -> int:
    url = _database_url(options.database, environ=os.environ)
    with _reaching_the_database():
        await migrate(url)
    log.info("migrated", extra={"version": HEAD})
    return STOPPED


async def _serve(options: Options) -> int:
    started = time.monotonic()
    mounted = keys_file(options.keys)
    keys = mounted.read()
    days = KeptDays(past=options.keep_days)
    chosen = chosen_sink(
        named=options.sink,
        has_bootstrap=options.bootstrap is not None,
        has_database=options.database is not None,
        environ=os.environ,
    )
    metrics = Metrics(version=version("churnguard-collector"), sink=chosen)
    sink: Sink = (
        _kafka_sink(options, metrics=metrics)
        if chosen == "kafka"
        else _postgres_sink(options, days=days, metrics=metrics)
    )
    metrics.watch_backlog(lambda: sink.backlog)
    with contextlib.closing(listen(host=options.host, port=options.port)) as listener:
        with _reaching_the_database():
            await sink.start()
        service = Service(keys=keys, sink=sink, days=days, metrics=metrics)
        reloading = asyncio.create_task(mounted.follow(current=keys, apply=partial(_apply, service)))
        # What was loaded stays for life: the collector of garbage need not look at it again.
        gc.collect()
        gc.freeze()
        await serve(
            application(service, version=version("churnguard-collector")),
            service,
            listener=listener,
            drain_seconds=options.drain_seconds,
            ready=partial(_say_ready, listener, started=started),
        )
    reloading.cancel()
    events = await sink.drain(seconds=WRITE_OUT_SECONDS)
    await sink.close()
    left = {"events": events, "requests": service.unanswered}
    log.info("stopped", extra=left)
    return LEFT if any(left.values()) else STOPPED


def _kafka_sink(options: Options, *, metrics: Metrics) -> KafkaSink:
    connection = connection_from(os.environ, bootstrap=options.bootstrap)
    sink = KafkaSink(connection, topics=topics_from(os.environ), capacity=options.most_waiting, meter=metrics)
    metrics.watch_producer(lambda: sink.statistics)
    return sink


def _postgres_sink(options: Options, *, days: KeptDays, metrics: Metrics) -> PostgresSink:
    url = _database_url(options.database, environ=os.environ)
    return PostgresSink(url, days=days, capacity=options.most_waiting, meter=metrics)


def _apply(service: Service, keys: Keys) -> None:
    service.keys = keys


@contextlib.contextmanager
def _reaching_the_database() -> Iterator[None]:
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, OSError) as error:
        raise NoDatabase(f"the database cannot be reached: {error or type(error).__name__}") from None


def _say_ready(listener: socket.socket, *, started: float) -> None:
    log.info("ready", extra=readiness(listener, started=started))
