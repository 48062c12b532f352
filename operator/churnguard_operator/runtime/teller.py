"""Writes events about a model, where ``kubectl describe`` shows them."""

from __future__ import annotations

import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from churnguard_core.names import API_VERSION, KIND
from churnguard_operator.cluster.errors import ClusterError, ConflictError
from churnguard_operator.cluster.protocol import Cluster
from churnguard_operator.cluster.resources import EVENT
from churnguard_operator.events import Event
from churnguard_operator.names import MANAGER
from churnguard_operator.observed import Document, ModelView

logger = logging.getLogger("churnguard.operator.events")

MOST_REMEMBERED: Final = 1000
MOST_NOTE_BYTES: Final = 1024


class Teller:
    """Tells of changes. Who could not be told is not told again: the status says the same.

    Args:
        cluster: Where events are written.
        instance: Name of this process among its replicas.
        clock: The present.
    """

    def __init__(self, *, cluster: Cluster, instance: str, clock: Callable[[], datetime]) -> None:
        self._cluster = cluster
        self._instance = instance
        self._clock = clock
        self._told_last: OrderedDict[str, Event] = OrderedDict()

    async def tell_once(self, event: Event, model: ModelView) -> None:
        """Write an event unless it was the last one that this process told of the model in this way."""
        if self._told_last.get(model.uid) == event:
            return
        self._told_last[model.uid] = event
        self._told_last.move_to_end(model.uid)
        if len(self._told_last) > MOST_REMEMBERED:
            self._told_last.popitem(last=False)
        await self.tell(event, model)

    async def tell(self, event: Event, model: ModelView) -> None:
        """Write an event about a model."""
        document = event_document(event, model, instance=self._instance, now=self._clock())
        try:
            await self._cluster.create(EVENT, document)
        except ConflictError:
            # A first try has arrived after all.
            return
        except ClusterError as error:
            logger.warning("event not written: %s", error)


def event_document(event: Event, model: ModelView, *, instance: str, now: datetime) -> Document:
    """The event, with a name of its own."""
    note = event.message.encode()[:MOST_NOTE_BYTES].decode(errors="ignore")
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.kind,
        "metadata": {"name": f"{model.name}.{secrets.token_hex(8)}", "namespace": model.namespace},
        "eventTime": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": f"churnguard.dev/{MANAGER}",
        "reportingInstance": instance,
        "action": "Reconcile",
        "type": event.type,
        "reason": event.reason,
        "note": note,
        "regarding": {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "name": model.name,
            "namespace": model.namespace,
            "uid": model.uid,
            "resourceVersion": model.resource_version,
        },
    }
