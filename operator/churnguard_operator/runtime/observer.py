"""Everything that a decision about a model is made from, at one moment."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from churnguard_core.churnmodel.types import ChurnModel
from churnguard_operator.children.pods import claim_of
from churnguard_operator.cluster.resources import CLAIM
from churnguard_operator.observed import Document, Observed
from churnguard_operator.policy.acceptance import store_of
from churnguard_operator.policy.rollout import probes_wanted
from churnguard_operator.runtime.prober import Prober
from churnguard_operator.runtime.served import ServedKinds
from churnguard_operator.runtime.store import ModelKey, ObjectKey, Store
from churnguard_operator.settings import Settings
from churnguard_operator.views.cluster import view_cluster


@dataclass(frozen=True, kw_only=True)
class Observer:
    """Sees models: in the store what is there, by asking what pods answer."""

    store: Store
    prober: Prober
    kinds: ServedKinds
    settings: Settings

    async def observe(self, key: ModelKey, *, strangers: Iterable[Document] = ()) -> Observed | None:
        """What is seen of a model; None when there is no such model.

        Args:
            key: The model.
            strangers: Objects with names that its children would have, which the store does not know of.
        """
        document = self.store.model(key)
        if document is None:
            return None
        objects = [*self.store.objects_of(key), *strangers]
        seen = view_cluster(document, objects=objects, served=self.kinds.now)
        missing = frozenset(self._missing_claims(seen.model.parsed, namespace=key.namespace))
        probes = await asyncio.gather(
            *(
                self.prober.probe(name, namespace=key.namespace, model=key.name)
                for name in probes_wanted(seen)
            )
        )
        return replace(seen, missing=missing, probes=tuple(probes))

    def _missing_claims(self, model: ChurnModel | None, *, namespace: str) -> Iterator[tuple[str, str]]:
        if model is None:
            return
        store, file = store_of(model, settings=self.settings), model.spec.data.source.file
        for uri in (store.uri if store else None, file.uri if file else None):
            claim = claim_of(uri)
            if claim is not None and not self.store.has(ObjectKey(CLAIM.kind, namespace, claim)):
                yield CLAIM.kind, claim
