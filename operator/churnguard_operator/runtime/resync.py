"""Everything listed anew: before the first look at any model, and now and then afterwards.

Watches tell of what changes while they hold. What is deleted while one is broken, nobody tells of: such ghosts, and
whatever else was missed, come to light here.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from churnguard_operator.cluster.errors import NotFoundError
from churnguard_operator.cluster.protocol import Cluster
from churnguard_operator.cluster.resources import OPTIONAL, Resource
from churnguard_operator.runtime.kinds import WATCHED, Watched
from churnguard_operator.runtime.served import ServedKinds
from churnguard_operator.runtime.store import ModelKey, ObjectKey, Store, key_of, version_of
from churnguard_operator.runtime.watermarks import Stream, Watermarks

logger = logging.getLogger("churnguard.operator.resync")


@dataclass(frozen=True, kw_only=True)
class Resync:
    """Lists all that is watched into the store.

    Args:
        namespaces: Where to look; everywhere when there are none.
    """

    cluster: Cluster
    store: Store
    kinds: ServedKinds
    watermarks: Watermarks
    namespaces: Sequence[str]

    async def run(self) -> frozenset[ModelKey]:
        """Models about which something was missed."""
        await self.kinds.look()
        missed: set[ModelKey] = set()
        for watched in WATCHED:
            if watched.resource in OPTIONAL and watched.resource.kind not in self.kinds.now:
                continue
            for namespace in self.namespaces or (None,):
                missed |= await self._list(watched, namespace=namespace)
        return frozenset(missed)

    async def _list(self, watched: Watched, *, namespace: str | None) -> frozenset[ModelKey]:
        resource = watched.resource
        # What comes to be while the list is on its way is not among these, and so no ghost.
        known_before = self.store.objects(resource.kind, namespace=namespace)
        seen: set[ObjectKey] = set()
        missed: set[ModelKey] = set()
        newest = 0
        try:
            async for page in self.cluster.pages(resource, namespace=namespace, selector=watched.selector):
                for document in page:
                    seen.add(key_of(document))
                    newest = max(newest, version_of(document))
                    missed |= self.store.put(document)
        except NotFoundError:
            if resource not in OPTIONAL:
                _say_unknown(resource)
            return frozenset()
        self.watermarks.listed(Stream(resource.kind, namespace), version=newest)
        return frozenset(missed) | self.store.forget(known_before - seen)


def _say_unknown(resource: Resource) -> None:
    text = "the cluster does not know %s of %s: is it installed?"
    logger.warning(text, resource.plural, resource.api_version)
