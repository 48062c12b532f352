"""Everything listed anew, now and then.

Watches tell of what changes while they hold. What is deleted while one is broken, not every watch makes up for: such
ghosts, and whatever else was missed, come to light here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from churnguard_operator.cluster.errors import NotFoundError
from churnguard_operator.cluster.resources import OPTIONAL
from churnguard_operator.runtime.kinds import WATCHED, Watched
from churnguard_operator.runtime.lister import Lister
from churnguard_operator.runtime.served import ServedKinds
from churnguard_operator.runtime.store import ModelKey
from churnguard_operator.runtime.watermarks import Stream, Watermarks


@dataclass(frozen=True, kw_only=True)
class Resync:
    """Lists all that is watched into the store.

    Args:
        namespaces: Where to look; everywhere when there are none.
    """

    lister: Lister
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
        try:
            found = await self.lister.list(watched, namespace=namespace)
        except NotFoundError:
            return frozenset()
        self.watermarks.listed(Stream(watched.resource.kind, namespace), version=found.newest)
        return found.missed
