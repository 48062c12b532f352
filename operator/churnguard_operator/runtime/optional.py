"""Watches a kind that a cluster may lack, for as long as it is served: no longer, and without a restart.

not served  ->  looked for at each resync
served      ->  watched; all models are looked at, for some may have waited for it
gone again  ->  its objects are forgotten, as they are gone too; all models are looked at
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from churnguard_operator.cluster.errors import ClusterError
from churnguard_operator.observed import OptionalKind
from churnguard_operator.runtime.kinds import Watched
from churnguard_operator.runtime.queue import Queue
from churnguard_operator.runtime.served import ServedKinds
from churnguard_operator.runtime.store import ModelKey, Store
from churnguard_operator.runtime.watermarks import Watermarks

logger = logging.getLogger("churnguard.operator.optional")

PAUSE_SECONDS: Final = 2.0

Watch = Callable[[Watched, asyncio.Event], Awaitable[None]]
"""Watches until the event is set; raises whatever ends the watch before."""


@dataclass(frozen=True, kw_only=True)
class OptionalWatch:
    """The watch of one kind, whenever there is something to watch."""

    kind: OptionalKind
    watched: Watched
    watch: Watch
    kinds: ServedKinds
    store: Store
    queue: Queue[ModelKey]
    watermarks: Watermarks

    async def run(self) -> None:
        """For ever."""
        while True:
            await self.kinds.there(self.kind).wait()
            logger.info("%s is served", self.kind)
            self._look_at_all_models()
            await self._watch_while_served()
            logger.info("%s is not served any more", self.kind)
            self.store.forget(self.store.objects(self.kind, namespace=None))
            self.watermarks.forget(self.kind)
            self._look_at_all_models()

    async def _watch_while_served(self) -> None:
        gone = self.kinds.gone(self.kind)
        while not gone.is_set():
            try:
                await self.watch(self.watched, gone)
            except Exception as error:
                # Its definition was removed, most likely; whatever else it may be, the other watches meet too.
                logger.info("the watch of %s broke off: %s", self.kind, error)
            if not gone.is_set():
                await asyncio.sleep(PAUSE_SECONDS)  # what is served may be told late
                await self._look_for_it()

    async def _look_for_it(self) -> None:
        try:
            await self.kinds.look()
        except ClusterError as error:
            logger.warning("which kinds are served cannot be seen: %s", error)

    def _look_at_all_models(self) -> None:
        for key in self.store.models():
            self.queue.add(key)
