"""Keeps the store as the cluster is: lists a kind once, then is told of every change from that very list on.

list  ->  watch from its version  ->  the connection ends: watch from the last version that was told
          that version is too old: list again, and what went meanwhile is forgotten
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from churnguard_operator.cluster.errors import ClusterError, GoneError, NotFoundError
from churnguard_operator.cluster.protocol import Change, Cluster
from churnguard_operator.runtime.kinds import Watched
from churnguard_operator.runtime.lister import Lister
from churnguard_operator.runtime.store import version_of
from churnguard_operator.runtime.watcher import Watcher
from churnguard_operator.runtime.watermarks import Stream

logger = logging.getLogger("churnguard.operator.informer")

PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before each further try in a row that brings nothing."""
UNKNOWN_SECONDS: Final = 30.0
"""Between two questions for a kind that the cluster does not know."""


class Meter(Protocol):
    """Who counts watches."""

    def watch_opened(self, stream: Stream) -> None:
        """A watch is being opened, for the first time or again."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """What informers have in common: whom they ask, and whom they tell."""

    cluster: Cluster
    lister: Lister
    watcher: Watcher
    meter: Meter


class Informer:
    """The objects of one kind, of one namespace or of all.

    Args:
        source: Whom to ask and to tell.
        watched: What to ask for.
        namespace: Where; everywhere without one.
    """

    def __init__(self, source: Source, *, watched: Watched, namespace: str | None) -> None:
        self._source = source
        self._watched = watched
        self._namespace = namespace
        self._stream = Stream(watched.resource.kind, namespace)
        self._since = ""

    async def list(self) -> None:
        """See what is there; ClusterError when that cannot be."""
        found = await self._source.lister.list(self._watched, namespace=self._namespace)
        self._since = found.version
        self._source.watcher.listed(self._stream, version=found.newest, models=found.missed)

    async def run(self) -> None:
        """For ever; NotFoundError when the cluster does not know the kind, or not any more."""
        in_vain = 0
        while True:
            before = self._since
            try:
                await self._follow()
            except NotFoundError:
                self._since = ""
                raise
            except GoneError:
                self._since = ""
            except ClusterError as error:
                logger.info("%s", error)
            in_vain = 0 if self._since != before else in_vain + 1
            pause = PAUSES[min(in_vain, len(PAUSES) - 1)]
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, hides nothing

    async def run_patiently(self) -> None:
        """For ever, also where the kind is unknown: whoever lacks it may install it."""
        while True:
            try:
                await self.run()
            except NotFoundError:
                resource = self._watched.resource
                text = "the cluster does not know %s of %s: is it installed?"
                logger.warning(text, resource.plural, resource.api_version)
            await asyncio.sleep(UNKNOWN_SECONDS)  # between two questions

    async def _follow(self) -> None:
        if not self._since:
            await self.list()
        self._source.meter.watch_opened(self._stream)
        async for change in self._source.cluster.changes(
            self._watched.resource,
            namespace=self._namespace,
            selector=self._watched.selector,
            since=self._since,
        ):
            self._take(change)

    def _take(self, change: Change) -> None:
        if change.type == "BOOKMARK":
            self._source.watcher.reached(self._stream, version=version_of(change.document))
        else:
            self._source.watcher.note(change.type, change.document)
        self._since = change.document["metadata"]["resourceVersion"]


async def list_all(informers: Iterable[Informer]) -> None:
    """See what is there of every kind that the cluster knows; ClusterError when that cannot be."""
    for informer in informers:
        try:
            await informer.list()
        except NotFoundError:
            # It will be told by the one that asks on.
            continue


async def run_until(informers: Iterable[Informer], *, end: asyncio.Event) -> None:
    """Until the event is set; raises what ends one of them before."""
    tasks = [asyncio.create_task(each.run()) for each in informers]
    ending = asyncio.create_task(end.wait())
    try:
        done, _ = await asyncio.wait([ending, *tasks], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (ending, *tasks):
            task.cancel()
        await asyncio.gather(ending, *tasks, return_exceptions=True)
    for task in done - {ending}:
        task.result()
