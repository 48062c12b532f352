"""One run of the program: read the keys, reach what keeps events, listen, take events, drain."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import socket
import time
from functools import partial
from importlib.metadata import version
from typing import Final

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
from churnguard_eventstore.address import NoDatabase, database_url
from churnguard_eventstore.connections import reaching_the_database
from churnguard_eventstore.days import KeptDays
from churnguard_eventstore.migrate import HEAD, WrongSchema, migrate
from churnguard_web.listening import listen, readiness

log = logging.getLogger("churnguard.collector")

STOPPED: Final = 0
REFUSED: Final = 2
LEFT: Final = 3
YOUNG_OBJECTS: Final = 50_000
"""Requests have no cycles, and thousands may be under way: looking at them again and again finds nothing."""
WRITE_OUT_SECONDS: Final = 15.0
"""How long what waits may take to be written after the last answer."""


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


async def _migrate(options: Options) -> int:
    url = database_url(options.database, environ=os.environ)
    with reaching_the_database():
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
        with reaching_the_database():
            await sink.start()
        service = Service(keys=keys, sink=sink, days=days, metrics=metrics)
        reloading = asyncio.create_task(mounted.follow(current=keys, apply=partial(_apply, service)))
        # What was loaded stays for life: the collector of garbage need not look at it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS)
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
    connect = partial(connection_from, os.environ, bootstrap=options.bootstrap)
    sink = KafkaSink(connect, topics=topics_from(os.environ), capacity=options.most_waiting, meter=metrics)
    metrics.watch_producer(lambda: sink.statistics)
    return sink


def _postgres_sink(options: Options, *, days: KeptDays, metrics: Metrics) -> PostgresSink:
    url = partial(database_url, options.database, environ=os.environ)
    return PostgresSink(url, days=days, capacity=options.most_waiting, meter=metrics)


def _apply(service: Service, keys: Keys) -> None:
    service.keys = keys


def _say_ready(listener: socket.socket, *, started: float) -> None:
    log.info("ready", extra=readiness(listener, started=started))
