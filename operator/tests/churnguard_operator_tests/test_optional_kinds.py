"""Kinds that a cluster may lack come and go while the operator runs: it notices, and nothing fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from churnguard_operator.cluster.resources import CHURN_MODEL, HTTP_ROUTE
from churnguard_operator.runtime import optional
from churnguard_operator.runtime.kinds import WATCHED, Watched
from churnguard_operator.runtime.lister import Lister
from churnguard_operator.runtime.optional import OptionalWatch
from churnguard_operator.runtime.queue import Queue
from churnguard_operator.runtime.resync import Resync
from churnguard_operator.runtime.served import ServedKinds
from churnguard_operator.runtime.store import ModelKey, ObjectKey, Store
from churnguard_operator.runtime.watermarks import PATIENCE_SECONDS, Stream, Watermarks
from churnguard_operator_tests.lacking_cluster import Cluster, a_document

TELCO = ModelKey("retention", "telco")
ROUTE = ObjectKey("HTTPRoute", "retention", "telco")
(ROUTES,) = (each for each in WATCHED if each.resource == HTTP_ROUTE)
TIMEOUT = 60


class Watches:
    """What is watched, and how each watch ends."""

    def __init__(self) -> None:
        self.begun = 0
        self.breaks = asyncio.Event()

    async def watch(self, watched: Watched, until: asyncio.Event) -> None:
        assert watched == ROUTES
        self.begun += 1
        self.breaks.clear()
        ends = [asyncio.create_task(each.wait()) for each in (until, self.breaks)]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in ends:
            task.cancel()
        if not until.is_set():
            raise RuntimeError("404 page not found")


@dataclass
class Scene:
    cluster: Cluster
    kinds: ServedKinds
    store: Store
    queue: Queue[ModelKey]
    watermarks: Watermarks
    watches: Watches

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await asyncio.sleep(0.001)  # between two looks

    async def is_queued(self) -> None:
        """Returns when the model is to be looked at; takes it."""
        key = await self.queue.take()
        assert key == TELCO
        self.queue.done(key)


def play(work: Callable[[Scene], Awaitable[None]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optional, "PAUSE_SECONDS", 0.001)

    async def run() -> None:
        cluster = Cluster()
        kinds = ServedKinds(cluster=cluster)
        scene = Scene(
            cluster=cluster,
            kinds=kinds,
            store=Store(),
            queue=Queue(clock=time.monotonic),
            watermarks=Watermarks(clock=time.monotonic),
            watches=Watches(),
        )
        scene.store.put(a_document(CHURN_MODEL, version=1))
        watch = OptionalWatch(
            kind="HTTPRoute",
            watched=ROUTES,
            watch=scene.watches.watch,
            kinds=kinds,
            store=scene.store,
            queue=scene.queue,
            watermarks=scene.watermarks,
        )
        running = asyncio.create_task(watch.run())
        async with asyncio.timeout(TIMEOUT):
            await work(scene)
        assert not running.done()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())


def test_a_kind_that_appears_is_watched_and_all_models_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(scene: Scene) -> None:
        await scene.kinds.look()
        assert scene.kinds.now == frozenset()
        scene.cluster.served = {"HTTPRoute"}
        await scene.kinds.look()
        await scene.wait_for(lambda: scene.watches.begun == 1)
        await scene.is_queued()
        assert scene.kinds.now == {"HTTPRoute"}

    play(work, monkeypatch)


def test_a_kind_that_vanishes_is_forgotten_with_its_objects_and_watched_again_when_it_returns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def work(scene: Scene) -> None:
        scene.cluster.served = {"HTTPRoute"}
        await scene.kinds.look()
        await scene.is_queued()
        scene.store.put(a_document(HTTP_ROUTE, version=2))
        scene.cluster.served = set()
        # The API server ends the watch and does not know the kind any more.
        scene.watches.breaks.set()
        await scene.is_queued()
        assert not scene.store.has(ROUTE)
        assert scene.kinds.now == frozenset()
        scene.cluster.served = {"HTTPRoute"}
        await scene.kinds.look()
        await scene.wait_for(lambda: scene.watches.begun == 2)

    play(work, monkeypatch)


def test_a_watch_that_breaks_off_while_its_kind_is_served_begins_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def work(scene: Scene) -> None:
        scene.cluster.served = {"HTTPRoute"}
        await scene.kinds.look()
        for times in range(1, 4):
            await scene.wait_for(lambda times=times: scene.watches.begun == times)  # type: ignore[misc]
            scene.watches.breaks.set()
        scene.cluster.is_reachable = False
        await scene.wait_for(lambda: scene.watches.begun == 4)

    play(work, monkeypatch)


def test_a_kind_is_served_once_its_group_is_listed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(scene: Scene) -> None:
        scene.cluster.served = {"HTTPRoute"}
        scene.cluster.lists_groups = False
        await scene.kinds.look()
        assert scene.kinds.now == frozenset()

    play(work, monkeypatch)


def test_a_resync_lists_what_is_served_then() -> None:
    async def run() -> None:
        cluster = Cluster(objects=[a_document(HTTP_ROUTE, version=7), a_document(CHURN_MODEL, version=1)])
        kinds, store = ServedKinds(cluster=cluster), Store()
        watermarks = Watermarks(clock=time.monotonic)
        resync = Resync(
            lister=Lister(cluster=cluster, store=store),
            kinds=kinds,
            watermarks=watermarks,
            namespaces=["retention"],
        )
        await resync.run()
        assert not store.has(ROUTE)
        cluster.served = {"HTTPRoute"}
        assert await resync.run() == {TELCO}
        assert store.has(ROUTE)
        assert "ScaledObject" not in cluster.listed

    asyncio.run(run())


def test_a_kind_that_is_not_watched_any_more_is_no_silent_watch() -> None:
    now = [0.0]
    watermarks = Watermarks(clock=lambda: now[0])
    stream = Stream("HTTPRoute", "retention")
    watermarks.told(stream, version=5)
    for _ in range(2):
        watermarks.listed(stream, version=6)
        now[0] += PATIENCE_SECONDS + 1
    watermarks.listed(stream, version=6)
    assert watermarks.silent() == (stream,)
    watermarks.forget("HTTPRoute")
    assert watermarks.silent() == ()
