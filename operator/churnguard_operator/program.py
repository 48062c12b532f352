"""The operator as a program: its parts put together, started, and ended in order.

list what belongs to models  ->  list models, watch all of it, serve probes  ->  hold the Lease  ->  work
SIGTERM: stop watching  ->  finish what has begun  ->  release the Lease  ->  exit code 0
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

import aiohttp
import kopf

from churnguard_operator.cluster.client import ApiClient, log_in
from churnguard_operator.cluster.errors import ClusterError
from churnguard_operator.cluster.resources import CHURN_MODEL
from churnguard_operator.handlers import Watching, take_signals, watch
from churnguard_operator.options import Options
from churnguard_operator.runtime.happenings import Happenings
from churnguard_operator.runtime.health import Health, health_server
from churnguard_operator.runtime.informer import Informer, Source, list_all, run_until
from churnguard_operator.runtime.kinds import CHILDREN, OPTIONAL_CHILDREN, Watched
from churnguard_operator.runtime.lease import Lease, LostLeaseError
from churnguard_operator.runtime.lister import Lister
from churnguard_operator.runtime.metrics import Metrics
from churnguard_operator.runtime.model_metrics import ModelMetrics
from churnguard_operator.runtime.observer import Observer
from churnguard_operator.runtime.optional import OptionalWatch
from churnguard_operator.runtime.prober import Prober
from churnguard_operator.runtime.queue import Queue
from churnguard_operator.runtime.reconciler import Reconciler
from churnguard_operator.runtime.resync import Resync
from churnguard_operator.runtime.served import OPTIONAL_KINDS, ServedKinds
from churnguard_operator.runtime.store import ModelKey, Store
from churnguard_operator.runtime.teller import Teller
from churnguard_operator.runtime.watcher import Watcher
from churnguard_operator.runtime.watermarks import Stream, Watermarks
from churnguard_operator.runtime.workers import Workers
from churnguard_operator.sessions import Opened

logger = logging.getLogger("churnguard.operator")

DRAIN_SECONDS: Final = 20.0
WATCH_END_SECONDS: Final = 5.0
EXIT_STOPPED: Final = 0
EXIT_CRASHED: Final = 1
EXIT_REFUSED: Final = 2


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a running operator is made of."""

    store: Store
    queue: Queue[ModelKey]
    kinds: ServedKinds
    resync: Resync
    watermarks: Watermarks
    source: Source
    workers: Workers
    lease: Lease
    health: Health
    metrics: Metrics
    models: ModelMetrics


async def run(options: Options) -> int:
    """Run until a signal; the process's exit code."""
    metrics = Metrics(version=version("churnguard-operator"))
    async with AsyncExitStack() as stack:
        try:
            cluster = await stack.enter_async_context(ApiClient(login=log_in, meter=metrics))
        except kopf.LoginError as error:
            logger.error("%s", error)
            return EXIT_REFUSED
        session = await stack.enter_async_context(aiohttp.ClientSession())
        parts = _assemble(options, cluster=cluster, session=session, metrics=metrics)
        await stack.enter_async_context(
            health_server(
                parts.health, metrics=metrics, models=parts.models, host=options.host, port=options.port
            )
        )
        return await _run(parts, options)


def _assemble(
    options: Options, *, cluster: ApiClient, session: aiohttp.ClientSession, metrics: Metrics
) -> Parts:
    store, queue = Store(), Queue[ModelKey](clock=time.monotonic)
    watermarks = Watermarks(clock=time.monotonic)
    prober = Prober(cluster=cluster, session=session)
    kinds, happenings = ServedKinds(cluster=cluster), Happenings()
    observer = Observer(store=store, prober=prober, kinds=kinds, settings=options.settings)
    reconciler = Reconciler(
        cluster=cluster,
        store=store,
        observer=observer,
        teller=Teller(cluster=cluster, instance=options.identity, clock=_now),
        meter=happenings,
        settings=options.settings,
        clock=_now,
    )
    metrics.watch_queue(queue)
    lister = Lister(cluster=cluster, store=store)
    watcher = Watcher(
        store=store,
        queue=queue,
        watermarks=watermarks,
        meter=metrics,
        is_clusterwide=not options.namespaces,
    )
    return Parts(
        store=store,
        queue=queue,
        kinds=kinds,
        resync=Resync(lister=lister, kinds=kinds, watermarks=watermarks, namespaces=options.namespaces),
        watermarks=watermarks,
        source=Source(cluster=cluster, lister=lister, watcher=watcher, meter=metrics),
        workers=Workers(queue=queue, look=reconciler.reconcile, meter=metrics),
        lease=Lease(
            cluster=cluster,
            namespace=options.lease_namespace,
            name=options.lease_name,
            identity=options.identity,
        ),
        health=Health(queue=queue, watermarks=watermarks),
        metrics=metrics,
        models=ModelMetrics(store=store, happenings=happenings),
    )


async def _run(parts: Parts, options: Options) -> int:
    stop, stop_watching = asyncio.Event(), asyncio.Event()
    take_signals(stop)
    informers = [each for watched in CHILDREN for each in _informers(parts, options, watched)]
    try:
        await parts.kinds.look()
        # Before the first model: what is done for one depends on what is there.
        await list_all(informers)
    except ClusterError as error:
        logger.error("%s", error)
        return EXIT_CRASHED
    opened = Opened(
        wanted={Stream(CHURN_MODEL.kind, each) for each in options.namespaces or (None,)},
        meter=parts.metrics,
    )
    how = Watching(
        identity=options.identity,
        watcher=parts.source.watcher,
        meter=opened,
        namespaces=options.namespaces,
        stop=stop,
    )
    watching = asyncio.create_task(watch(how, until=stop_watching), name="watching")
    stopping = asyncio.create_task(_wait(stop), name="stopping")
    others = [
        asyncio.create_task(_lead(parts), name="leading"),
        asyncio.create_task(_resync(parts, options), name="resync"),
        *(asyncio.create_task(each.run_patiently(), name="informer") for each in informers),
        *(
            asyncio.create_task(each.run(), name=f"watching {each.kind}")
            for each in _optional(parts, options)
        ),
    ]
    becoming_ready = asyncio.create_task(_become_ready(parts, opened), name="becoming ready")
    # They end by a signal, or by a failure: kopf takes signals for a moment while it starts.
    done, _ = await asyncio.wait([stopping, watching, *others], return_when=asyncio.FIRST_COMPLETED)
    becoming_ready.cancel()
    parts.health.is_ready = False
    is_ordered = all(task.exception() is None for task in done)
    await parts.workers.drain(seconds=DRAIN_SECONDS if is_ordered else 0.0)
    for task in (stopping, *others):
        task.cancel()
    await asyncio.gather(stopping, *others, return_exceptions=True)
    await parts.lease.release()
    # The watching goes last: kopf waits for every task that began after it, and then breaks it off.
    stop_watching.set()
    await asyncio.wait([watching], timeout=WATCH_END_SECONDS)
    if not is_ordered:
        return _failure(done)
    logger.info("stopped")
    return EXIT_STOPPED


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()


def _failure(done: set[asyncio.Task[None]]) -> int:
    for task in done:
        error = task.exception()
        if isinstance(error, LostLeaseError):
            logger.error("%s", error)
        elif error is not None:
            logger.error("%s failed", task.get_name(), exc_info=error)
    return EXIT_CRASHED


def _informers(parts: Parts, options: Options, watched: Watched) -> list[Informer]:
    namespaces = options.namespaces or (None,)
    return [Informer(parts.source, watched=watched, namespace=each) for each in namespaces]


def _optional(parts: Parts, options: Options) -> Iterator[OptionalWatch]:
    async def watch_it(watched: Watched, until: asyncio.Event) -> None:
        await run_until(_informers(parts, options, watched), end=until)

    for kind, resource in OPTIONAL_KINDS.items():
        yield OptionalWatch(
            kind=kind,
            watched=next(each for each in OPTIONAL_CHILDREN if each.resource == resource),
            watch=watch_it,
            kinds=parts.kinds,
            store=parts.store,
            queue=parts.queue,
            watermarks=parts.watermarks,
        )


async def _become_ready(parts: Parts, opened: Opened) -> None:
    await opened.all.wait()
    parts.health.is_ready = True


async def _lead(parts: Parts) -> None:
    await parts.lease.acquire()
    parts.health.is_leader = True
    parts.metrics.leads()
    for key in parts.store.models():
        parts.queue.add(key)
    parts.workers.start()
    await parts.lease.hold()


async def _resync(parts: Parts, options: Options) -> None:
    while True:
        await asyncio.sleep(options.resync.total_seconds())  # between two lists
        try:
            missed = await parts.resync.run()
        except ClusterError as error:
            logger.warning("resync: %s", error)
            missed = frozenset()
        for key in missed:
            parts.queue.add(key)


def _now() -> datetime:
    return datetime.now(UTC)
