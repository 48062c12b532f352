"""All objects of a kind, into the store; what the store has and the cluster has not is a ghost, and goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from churnguard_operator.cluster.protocol import Cluster
from churnguard_operator.runtime.kinds import Watched
from churnguard_operator.runtime.store import ModelKey, ObjectKey, Store, key_of, version_of


class Listed(NamedTuple):
    """What a list brought.

    ``version`` is that of the list, from which a watch goes on; ``newest`` is that of its newest object, 0 when there
    is none; ``missed`` are models about which something was not known before.
    """

    version: str
    newest: int
    missed: frozenset[ModelKey]


@dataclass(frozen=True, kw_only=True)
class Lister:
    """Lists objects into the store."""

    cluster: Cluster
    store: Store

    async def list(self, watched: Watched, *, namespace: str | None) -> Listed:
        """All objects of a kind, of one namespace or of all; NotFoundError when the cluster knows no such kind."""
        resource = watched.resource
        # What comes to be while the list is on its way is not among these, and so no ghost.
        known_before = self.store.objects(resource.kind, namespace=namespace)
        seen: set[ObjectKey] = set()
        missed: set[ModelKey] = set()
        newest, version = 0, ""
        async for page in self.cluster.pages(resource, namespace=namespace, selector=watched.selector):
            version = version or page.version
            for document in page.documents:
                seen.add(key_of(document))
                newest = max(newest, version_of(document))
                missed |= self.store.put(document)
        return Listed(version, newest, frozenset(missed) | self.store.forget(known_before - seen))
