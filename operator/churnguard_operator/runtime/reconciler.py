"""One look at a model: see, decide, do. What is done is what the plan says, in its order.

    apply  ->  status, with the resourceVersion that was seen  ->  delete  ->  tell

When the status cannot be written, because the model is another by now, nothing is deleted and nothing is told: the next
look follows at once. Whatever breaks off, wherever, the next look goes on from what is there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec
from msgspec import structs

from churnguard_core.churnmodel.status import Status
from churnguard_core.names import API_VERSION, KIND
from churnguard_operator.cluster.errors import ApiError, ConflictError, ForbiddenError, NotFoundError
from churnguard_operator.cluster.protocol import Cluster
from churnguard_operator.cluster.resources import CHURN_MODEL, OPTIONAL, RESOURCES
from churnguard_operator.decide import decide
from churnguard_operator.events import Event
from churnguard_operator.observed import Document, ModelView, Observed
from churnguard_operator.plan import Deletion, Plan
from churnguard_operator.runtime.observer import Observer
from churnguard_operator.runtime.store import ModelKey, ObjectKey, Store
from churnguard_operator.runtime.teller import Teller
from churnguard_operator.settings import Settings

logger = logging.getLogger("churnguard.operator.reconciler")

AT_ONCE: Final = timedelta(0)


class UnknownKindError(Exception):
    """The definition of a kind was removed, or is being removed, since the plan was made."""


class Meter(Protocol):
    """Who counts what happens to models."""

    def moved(self, model: ModelView, *, to: Status) -> None:
        """A model's status was written."""


@dataclass(frozen=True, kw_only=True)
class Reconciler:
    """Brings models to what is wanted of them."""

    cluster: Cluster
    store: Store
    observer: Observer
    teller: Teller
    meter: Meter
    settings: Settings
    clock: Callable[[], datetime]

    async def reconcile(self, key: ModelKey) -> timedelta | None:
        """One look at a model; when to look again though nothing happens. ClusterError when a write failed."""
        observed = await self.observer.observe(key)
        if observed is None:
            return None
        plan = self._decide(observed)
        if strangers := await self._look_before_creating(plan):
            observed = await self.observer.observe(key, strangers=strangers)
            if observed is None:
                return None
            plan = self._decide(observed)
        try:
            await self._carry_out(plan, observed)
        except UnknownKindError as unknown:
            logger.info("not served any more, looking again", extra=_about(observed, error=str(unknown)))
            return AT_ONCE
        except ConflictError as conflict:
            logger.info("seen too late, looking again", extra=_about(observed, error=str(conflict)))
            await self._look_at_model(key)
            return AT_ONCE
        # What was written may call for more, and its event is no news when it comes.
        return plan.requeue_after if is_last_word(plan, observed) else AT_ONCE

    def _decide(self, observed: Observed) -> Plan:
        return decide(observed, settings=self.settings, now=self.clock())

    async def _look_before_creating(self, plan: Plan) -> list[Document]:
        """Objects that the plan would create and that are there: others', or ours that no event has told of yet.

        Applied blindly, others' objects would become half ours.
        """
        found = []
        for document in plan.apply:
            name, namespace = document["metadata"]["name"], document["metadata"]["namespace"]
            if self.store.has(ObjectKey(document["kind"], namespace, name)):
                continue
            try:
                there = await self.cluster.get(RESOURCES[document["kind"]], namespace=namespace, name=name)
            except NotFoundError:
                continue
            found.append({"apiVersion": document["apiVersion"], "kind": document["kind"], **there})
        return found

    async def _carry_out(self, plan: Plan, observed: Observed) -> None:
        for document in plan.apply:
            self.store.put(await self._apply(document, observed))
            logger.info(
                "applied", extra=_about(observed, kind=document["kind"], object=document["metadata"]["name"])
            )
        if plan.status is not None:
            self.store.put(await self.cluster.apply_status(status_document(observed, plan.status)))
            self.meter.moved(observed.model, to=plan.status)
        for deletion in plan.delete:
            await self._delete(deletion, observed)
        for event in plan.events:
            logger.info("told", extra=_about(observed, event=event.reason, text=event.message))
            await self.teller.tell(event, observed.model)

    async def _apply(self, document: Document, observed: Observed) -> Document:
        try:
            return await self.cluster.apply(document)
        except ConflictError:
            raise
        except ApiError as error:
            # A definition that is being removed takes no new objects; one that is gone is not found.
            if isinstance(error, ForbiddenError | NotFoundError) and await self._is_gone(document["kind"]):
                raise UnknownKindError(str(error)) from error
            # A quota or an admission policy, most likely: only people can do something about it.
            text = f"{document['kind']} {document['metadata']['name']} was refused: {error.message}"
            await self.teller.tell_once(
                Event(type="Warning", reason="ApplyFailed", message=text), observed.model
            )
            raise

    async def _is_gone(self, kind: str) -> bool:
        """Whether a kind that a cluster may lack is not served now."""
        if RESOURCES[kind] not in OPTIONAL:
            return False
        await self.observer.kinds.look()
        return kind not in self.observer.kinds.now

    async def _delete(self, deletion: Deletion, observed: Observed) -> None:
        namespace = observed.model.namespace
        left = await self.cluster.delete(
            RESOURCES[deletion.kind], namespace=namespace, name=deletion.name, uid=deletion.uid
        )
        # Until a watch tells of it, the next look would delete it again.
        if left is not None:
            self.store.put(left)
        else:
            self.store.deleted(ObjectKey(deletion.kind, namespace, deletion.name), uid=deletion.uid)
        logger.info("deleted", extra=_about(observed, kind=deletion.kind, object=deletion.name))

    async def _look_at_model(self, key: ModelKey) -> None:
        """Its newest version, without waiting for the event that brings it."""
        try:
            self.store.put(await self.cluster.get(CHURN_MODEL, namespace=key.namespace, name=key.name))
        except NotFoundError:
            # The event that it is gone is on its way.
            return


def is_last_word(plan: Plan, observed: Observed) -> bool:
    """Whether a plan wrote nothing that calls for another: nothing at all, or only what it told people."""
    if plan.apply or plan.delete:
        return False
    before, after = observed.model.status, plan.status
    return after is None or before == structs.replace(
        after,
        conditions=before.conditions,
        observed_generation=before.observed_generation,
        next_training_time=before.next_training_time,
    )


def status_document(observed: Observed, status: Status) -> Document:
    """A status as it is written: on the model that was seen, in the version that was seen."""
    model = observed.model
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": model.name,
            "namespace": model.namespace,
            "uid": model.uid,
            "resourceVersion": model.resource_version,
        },
        "status": msgspec.to_builtins(status),
    }


def _about(observed: Observed, **more: str) -> dict[str, str]:
    return {"model": f"{observed.model.namespace}/{observed.model.name}", **more}
