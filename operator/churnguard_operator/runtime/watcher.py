"""What watches tell: into the store, and the models that it is about into the queue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from churnguard_operator.observed import Document
from churnguard_operator.runtime.queue import Queue
from churnguard_operator.runtime.store import ModelKey, Store, version_of
from churnguard_operator.runtime.watermarks import Stream, Watermarks


class Meter(Protocol):
    """Who counts what watches tell."""

    def told(self, *, kind: str, change: str) -> None:
        """An object of this kind was listed, added, modified or deleted."""


@dataclass(frozen=True, kw_only=True)
class Watcher:
    """Takes notice; does nothing else."""

    store: Store
    queue: Queue[ModelKey]
    watermarks: Watermarks
    meter: Meter
    is_clusterwide: bool

    def listed(self, stream: Stream, *, version: int, models: Iterable[ModelKey]) -> None:
        """A watch is to go on from a list, which brought news of these models."""
        self.reached(stream, version=version)
        for model in models:
            self.queue.add(model)

    def reached(self, stream: Stream, *, version: int) -> None:
        """A watch has told everything up to this version."""
        self.watermarks.told(stream, version=version)

    def note(self, change: str | None, document: Document) -> None:
        """An object as a watch told of it; ``change`` is None when it was there when the watch began."""
        kind, namespace = document["kind"], document["metadata"]["namespace"]
        self.meter.told(kind=kind, change=(change or "listed").lower())
        self.watermarks.told(
            Stream(kind, None if self.is_clusterwide else namespace), version=version_of(document)
        )
        is_gone = change == "DELETED"
        for model in self.store.remove(document) if is_gone else self.store.put(document):
            self.queue.add(model)
