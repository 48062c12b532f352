"""One run of the program: read the keys, reach the database, listen, take events, drain."""

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
from churnguard_collector.keys import InvalidKeys, Keys
from churnguard_collector.metrics import Metrics
from churnguard_collector.options import Options
from churnguard_collector.postgres_sink import PostgresSink
from churnguard_collector.reload import follow, read_keys
from churnguard_collector.server import serve
from churnguard_collector.service import Service
from churnguard_core.logs import configure_logging
from churnguard_eventstore.days import KeptDays
from churnguard_eventstore.migrate import HEAD, WrongSchema, migrate

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
        url = _database_url(options.database, environ=os.environ)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_migrate(url) if options.command == "migrate" else _serve(options, url=url))
    except (InvalidKeys, WrongSchema, NoDatabase, OSError) as error:
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


async def _migrate(url: str) -> int:
    with _reaching_the_database():
        await migrate(url)
    log.info("migrated", extra={"version": HEAD})
    return STOPPED


async def _serve(options: Options, *, url: str) -> int:
    started = time.monotonic()
    keys = read_keys(options.keys)
    metrics = Metrics(version=version("churnguard-collector"), sink="postgres")
    days = KeptDays(past=options.keep_days)
    sink = PostgresSink(url, days=days, capacity=options.most_waiting, meter=metrics)
    metrics.watch_backlog(lambda: sink.backlog)
    with contextlib.closing(_listen(options)) as listener:
        with _reaching_the_database():
            await sink.start()
        service = Service(keys=keys, sink=sink, days=days, metrics=metrics)
        reloading = asyncio.create_task(follow(options.keys, current=keys, apply=partial(_apply, service)))
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


def _apply(service: Service, keys: Keys) -> None:
    service.keys = keys


@contextlib.contextmanager
def _reaching_the_database() -> Iterator[None]:
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, OSError) as error:
        raise NoDatabase(f"the database cannot be reached: {error or type(error).__name__}") from None


def _listen(options: Options) -> socket.socket:
    address = (options.host, options.port)
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        return socket.create_server(address, family=family, backlog=2048)
    except OSError as error:
        raise OSError(f"cannot listen on {options.host}:{options.port}: {error.strerror}") from None


def _say_ready(listener: socket.socket, *, started: float) -> None:
    host, port = listener.getsockname()[:2]
    seconds = round(time.monotonic() - started, 3)
    log.info("ready", extra={"host": host, "port": port, "seconds": seconds})
