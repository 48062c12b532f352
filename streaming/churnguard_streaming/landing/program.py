"""One run of the program: reach the database, listen, land, drain."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import Final

import uvloop
from prometheus_client import disable_created_metrics

from churnguard_core.logs import configure_logging
from churnguard_eventlog.connection import Connection, InvalidConnection, connection_from
from churnguard_eventlog.settings import Settings, producer_settings
from churnguard_eventlog.topics import PREFIX_VARIABLE, EventTopics, topics_from
from churnguard_eventstore.address import NoDatabase, database_url
from churnguard_eventstore.connections import reaching_the_database
from churnguard_eventstore.days import KeptDays
from churnguard_eventstore.migrate import HEAD, WrongSchema, migrate
from churnguard_streaming.landing.app import application
from churnguard_streaming.landing.handing import Nobody
from churnguard_streaming.landing.landing import Landing
from churnguard_streaming.landing.liveness import Liveness
from churnguard_streaming.landing.metrics import Metrics
from churnguard_streaming.landing.options import Options
from churnguard_streaming.landing.reader import KafkaSource
from churnguard_streaming.landing.rejects import Rejects
from churnguard_streaming.landing.store import PROGRAM, Store
from churnguard_web.listening import listen, readiness
from churnguard_web.server import Server

log = logging.getLogger("churnguard.landing")

STOPPED: Final = 0
REFUSED: Final = 2
LEFT: Final = 3
GARBAGE: Final = 100_000
"""Objects between two looks for garbage."""
MOST_REJECTED: Final = 10_000
MOST_REJECTED_KIBIBYTES: Final = 16 * 1024


def run(options: Options) -> int:
    """Migrate, or land events until a signal; the process's exit code."""
    configure_logging(level=options.log_level)
    disable_created_metrics()  # type: ignore[no-untyped-call]
    try:
        url = partial(database_url, options.database, environ=os.environ)
        url()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_migrate(url) if options.command == "migrate" else _land(options, url=url))
    except (InvalidConnection, WrongSchema, NoDatabase, OSError) as error:
        log.error("refused", extra={"problem": str(error)})
        return REFUSED


async def _migrate(url: Callable[[], str]) -> int:
    with reaching_the_database():
        await migrate(url())
    log.info("migrated", extra={"version": HEAD})
    return STOPPED


async def _land(options: Options, *, url: Callable[[], str]) -> int:
    started = time.monotonic()
    connect, topics = partial(connection_from, os.environ), topics_from(os.environ)
    connect()
    metrics = Metrics(version=version("churnguard-streaming"))
    liveness = Liveness(clock=time.monotonic)
    store = Store(
        url,
        days=KeptDays(past=options.keep_days),
        bad_topic=_bad_topic(connect, topics),
        receiver=Nobody(),
        liveness=liveness,
        clock=_now,
    )
    with contextlib.closing(listen(host=options.host, port=options.port)) as listener:
        with reaching_the_database():
            await store.open()
        source = KafkaSource(connect=connect, name=topics.events, group=_group(options), client=PROGRAM)
        landing = Landing(source=source, store=store, metrics=metrics, liveness=liveness, clock=_now)
        metrics.watch_lags(lambda: landing.lags)
        _spare_the_garbage_collector()
        app = application(hang=liveness.problem, problem=landing.problem, metrics=metrics.page)
        server = Server(app, listener=listener)
        maintaining = asyncio.create_task(store.maintenance.run_forever())
        serving = asyncio.create_task(
            server.serve(on_ready=lambda: log.info("ready", extra=readiness(listener, started=started)))
        )
        try:
            await _land_until_signal(landing, drain_seconds=options.drain_seconds)
        finally:
            maintaining.cancel()
            server.stop()
            await serving
    log.info("stopped", extra={"records": landing.left})
    return LEFT if landing.left else STOPPED


async def _land_until_signal(landing: Landing, *, drain_seconds: float) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(landing.run())

    def drain() -> None:
        log.info("draining", extra={"seconds": drain_seconds})
        landing.stop()
        loop.call_later(drain_seconds, task.cancel)

    def stop() -> None:
        landing.stop()
        task.cancel()

    loop.add_signal_handler(signal.SIGTERM, drain)
    loop.add_signal_handler(signal.SIGINT, stop)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _bad_topic(connect: Callable[[], Connection], topics: EventTopics) -> Rejects:
    def settings() -> Settings:
        return producer_settings(
            connect(), client=PROGRAM, queue_records=MOST_REJECTED, queue_kibibytes=MOST_REJECTED_KIBIBYTES
        )

    return Rejects(settings, topic=topics.bad_events, events=topics.events)


def _group(options: Options) -> str:
    return os.environ.get(PREFIX_VARIABLE, "") + options.group


def _spare_the_garbage_collector() -> None:
    # What was loaded stays for life. And a batch is many objects, none of which refers to itself.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)


def _now() -> datetime:
    return datetime.now(UTC)
