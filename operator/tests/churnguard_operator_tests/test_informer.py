"""An informer against a server that ends, cuts and refuses watches on demand: the store follows the cluster."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import kopf
import pytest
from aiohttp import web

from churnguard_operator.cluster.client import ApiClient
from churnguard_operator.cluster.errors import ApiError, GoneError, NotFoundError, UnreachableError
from churnguard_operator.cluster.protocol import Change
from churnguard_operator.cluster.resources import CHURN_MODEL, JOB
from churnguard_operator.observed import Document
from churnguard_operator.runtime import informer as informers
from churnguard_operator.runtime.informer import Informer, Source, run_until
from churnguard_operator.runtime.kinds import Watched
from churnguard_operator.runtime.lister import Lister
from churnguard_operator.runtime.metrics import Metrics
from churnguard_operator.runtime.queue import Queue
from churnguard_operator.runtime.store import ModelKey, ObjectKey, Store
from churnguard_operator.runtime.watcher import Watcher
from churnguard_operator.runtime.watermarks import Stream, Watermarks
from churnguard_operator_tests.lacking_cluster import a_document

TELCO = ModelKey("retention", "telco")
PATIENCE = 60
UNKNOWN = {"kind": "Status", "code": 404, "message": "the server could not find the requested resource"}
TOO_OLD = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}


def a_job(*, version: int, name: str = "telco-r1-train") -> Document:
    document = a_document(JOB, version=version)
    return {**document, "metadata": {**document["metadata"], "name": name}}


def told(type_: str, document: Document) -> bytes:
    return json.dumps({"type": type_, "object": document}).encode() + b"\n"


def a_bookmark(version: int) -> bytes:
    return told("BOOKMARK", {"kind": "Job", "metadata": {"resourceVersion": str(version)}})


@dataclass
class Server:
    """Jobs of a namespace. Each watch is answered by the next of ``watches``, and the one after the last stays open."""

    jobs: list[Document] = field(default_factory=list)
    version: int = 0
    watches: list[bytes | tuple[int, Document]] = field(default_factory=list)
    is_known: bool = True
    lists: int = 0
    since: list[str] = field(default_factory=list)
    """Where each watch went on from."""
    selectors: set[str] = field(default_factory=set)
    held: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while a watch stays open."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if not self.is_known:
            return web.json_response(UNKNOWN, status=404)
        self.selectors.add(request.query["labelSelector"])
        if request.query.get("watch") != "true":
            self.lists += 1
            return web.json_response({"metadata": {"resourceVersion": str(self.version)}, "items": self.jobs})
        assert request.query["allowWatchBookmarks"] == "true"
        self.since.append(request.query["resourceVersion"])
        if not self.watches:
            return await self._hold(request)
        said = self.watches.pop(0)
        if isinstance(said, tuple):
            return web.json_response(said[1], status=said[0])
        response = web.StreamResponse()
        await response.prepare(request)
        # In pieces, as they come from afar.
        for start in range(0, len(said), 50_000):
            await response.write(said[start : start + 50_000])
        return response

    async def _hold(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        self.held.set()
        await asyncio.Event().wait()
        return response


@dataclass
class Scene:
    server: Server
    client: ApiClient
    store: Store
    queue: Queue[ModelKey]
    watermarks: Watermarks
    metrics: Metrics
    informer: Informer

    def job(self, name: str = "telco-r1-train") -> bool:
        return self.store.has(ObjectKey("Job", "retention", name))

    async def follow(self) -> None:
        """Run until a watch stays open, and everything before it was told."""
        await run_until([self.informer], end=self.server.held)


def play(server: Server, work: Callable[[Scene], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        application = web.Application()
        application.router.add_get("/{path:.*}", server.answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.01)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        metrics = Metrics(version="1")
        try:
            async with ApiClient(login=lambda: kopf.ConnectionInfo(server=address), meter=metrics) as client:
                async with asyncio.timeout(PATIENCE):
                    return await work(a_scene(server, client, metrics))
        finally:
            await runner.cleanup()

    return asyncio.run(run())


def a_scene(server: Server, client: ApiClient, metrics: Metrics) -> Scene:
    store, queue = Store(), Queue[ModelKey](clock=time.monotonic)
    watermarks = Watermarks(clock=time.monotonic)
    store.put(a_document(CHURN_MODEL, version=1))
    watcher = Watcher(store=store, queue=queue, watermarks=watermarks, meter=metrics, is_clusterwide=False)
    source = Source(
        cluster=client, lister=Lister(cluster=client, store=store), watcher=watcher, meter=metrics
    )
    watched = Watched(resource=JOB, selector="a=b")
    informer = Informer(source, watched=watched, namespace="retention")
    return Scene(server, client, store, queue, watermarks, metrics, informer)


def test_what_is_there_is_listed_and_what_happens_after_that_very_list_is_told() -> None:
    server = Server(jobs=[a_job(version=5)], version=9)
    server.watches = [
        told("DELETED", a_job(version=10)) + told("ADDED", a_job(version=11, name="telco-r2-train"))
    ]

    async def work(scene: Scene) -> None:
        await scene.informer.list()
        assert scene.job()
        assert await scene.queue.take() == TELCO
        scene.queue.done(TELCO)
        await scene.follow()
        assert not scene.job()
        assert scene.job("telco-r2-train")
        assert await scene.queue.take() == TELCO

    play(server, work)
    assert server.lists == 1
    assert server.selectors == {"a=b"}
    assert server.since == ["9", "11"]


def test_a_watch_that_ends_goes_on_from_the_last_version_that_it_told_of_or_marked() -> None:
    server = Server(version=9)
    server.watches = [told("ADDED", a_job(version=12)), a_bookmark(40), b""]

    async def work(scene: Scene) -> None:
        await scene.follow()
        # What a bookmark marks is told: a list that has seen as much finds no silent watch.
        scene.watermarks.listed(Stream("Job", "retention"), version=40)
        assert scene.watermarks._behind == {}
        restarts = 'churnguard_operator_watch_restarts_total{kind="Job"} 3.0'
        assert restarts in scene.metrics.page().decode()

    play(server, work)
    assert server.lists == 1
    assert server.since == ["9", "12", "40", "40"]


@pytest.mark.parametrize("refusal", [(410, TOO_OLD), told("ERROR", TOO_OLD)], ids=["answer", "event"])
def test_a_version_that_is_too_old_is_a_new_list_and_what_went_meanwhile_is_forgotten(
    refusal: bytes | tuple[int, Document],
) -> None:
    server = Server(jobs=[a_job(version=5)], version=9, watches=[refusal])

    async def work(scene: Scene) -> None:
        await scene.informer.list()
        server.jobs, server.version = [a_job(version=50, name="telco-r2-train")], 60
        await scene.follow()
        assert not scene.job()
        assert scene.job("telco-r2-train")

    play(server, work)
    assert server.lists == 2
    assert server.since == ["9", "60"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_watch_that_is_refused_is_asked_for_again(status: int) -> None:
    refusal = {"kind": "Status", "code": status, "message": "not now"}
    server = Server(version=9, watches=[(status, refusal), (status, refusal)])
    play(server, lambda scene: scene.follow())
    assert server.since == ["9", "9", "9"]


def test_a_kind_that_is_unknown_ends_the_watch_and_whoever_is_patient_asks_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(jobs=[a_job(version=5)], version=9, is_known=False)
    monkeypatch.setattr(informers, "UNKNOWN_SECONDS", 0.001)

    async def work(scene: Scene) -> None:
        with pytest.raises(NotFoundError):
            await scene.informer.run()
        patient = asyncio.create_task(scene.informer.run_patiently())
        while not caplog.records:
            await asyncio.sleep(0.001)  # between two looks
        server.is_known = True
        await server.held.wait()
        patient.cancel()
        await asyncio.gather(patient, return_exceptions=True)
        assert scene.job()

    play(server, work)
    assert "does not know jobs of batch/v1: is it installed?" in caplog.text


async def changes(client: ApiClient) -> list[Change]:
    found = client.changes(JOB, namespace="retention", selector="a=b", since="9")
    return [change async for change in found]


def test_an_object_of_any_size_is_told_whole() -> None:
    large = {**a_job(version=10), "data": "x" * 1_000_000}
    server = Server(watches=[told("ADDED", large) + told("MODIFIED", a_job(version=11))])
    found = play(server, lambda scene: changes(scene.client))
    assert found == [Change("ADDED", large), Change("MODIFIED", a_job(version=11))]


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (told("ERROR", TOO_OLD), GoneError),
        (told("ERROR", {"kind": "Status", "code": 500, "message": "etcd"}), ApiError),
        ((404, UNKNOWN), NotFoundError),
    ],
)
def test_an_error_within_a_watch_is_the_error_that_an_answer_would_be(
    said: bytes | tuple[int, Document], error: type[ApiError]
) -> None:
    with pytest.raises(error):
        play(Server(watches=[said]), lambda scene: changes(scene.client))


def test_nobody_there_is_no_change_but_an_error() -> None:
    async def work() -> None:
        info = kopf.ConnectionInfo(server="http://127.0.0.1:9")
        async with ApiClient(login=lambda: info, meter=Metrics(version="1")) as client:
            await changes(client)

    with pytest.raises(UnreachableError):
        asyncio.run(work())
