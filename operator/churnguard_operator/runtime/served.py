"""Which of the kinds that a cluster may lack it serves now: definitions come and go while the operator runs.

Looked up at each resync, and wherever the API server says that it does not know a kind.
"""

from __future__ import annotations

import asyncio
from typing import Final

from churnguard_operator.cluster.protocol import Cluster
from churnguard_operator.cluster.resources import HTTP_ROUTE, SCALED_OBJECT, Resource
from churnguard_operator.observed import OptionalKind

OPTIONAL_KINDS: Final[dict[OptionalKind, Resource]] = {"ScaledObject": SCALED_OBJECT, "HTTPRoute": HTTP_ROUTE}


class ServedKinds:
    """What was seen last, and events to wait for another sight.

    Args:
        cluster: What serves them.
    """

    def __init__(self, *, cluster: Cluster) -> None:
        self._cluster = cluster
        self._one_at_a_time = asyncio.Lock()
        self._there = {kind: asyncio.Event() for kind in OPTIONAL_KINDS}
        self._gone = {kind: asyncio.Event() for kind in OPTIONAL_KINDS}
        for gone in self._gone.values():
            gone.set()

    @property
    def now(self) -> frozenset[OptionalKind]:
        """The kinds that are served."""
        return frozenset(kind for kind, there in self._there.items() if there.is_set())

    def there(self, kind: OptionalKind) -> asyncio.Event:
        """Set while a kind is served."""
        return self._there[kind]

    def gone(self, kind: OptionalKind) -> asyncio.Event:
        """Set while a kind is not served."""
        return self._gone[kind]

    async def look(self) -> None:
        """See anew; ClusterError when that cannot be."""
        # An older answer must not come after a newer one.
        async with self._one_at_a_time:
            listed = await self._cluster.api_versions()
            for kind, resource in OPTIONAL_KINDS.items():
                version = resource.api_version
                is_served = version in listed and kind in await self._cluster.kinds_of(version)
                now, no_more = self._there[kind], self._gone[kind]
                (now if is_served else no_more).set()
                (no_more if is_served else now).clear()
