"""A small map of Kubernetes objects for the walks.

Not an API server: no schema, no conflicts of field managers. What is written is kept, deletions take dependents along.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from churnguard_core.names import API_VERSION, KIND
from churnguard_operator.observed import Document, OptionalKind
from churnguard_operator.settings import Settings

Key = tuple[str, str]

NAMESPACE = "retention"


def stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


@dataclass
class Objects:
    """Objects by kind and name; ``jobs_made`` and ``numbers`` remember what ever was."""

    settings: Settings
    now: datetime
    name: str = "telco"
    objects: dict[Key, Document] = field(default_factory=dict)
    served: frozenset[OptionalKind] = frozenset()
    missing: frozenset[Key] = frozenset()
    jobs_made: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    serves_wrongly: set[str] = field(default_factory=set)
    deleted_while_serving: list[str] = field(default_factory=list)
    writes: int = 0
    _count: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def create(self, spec: Document, **annotations: str) -> None:
        metadata = {
            "name": self.name,
            "namespace": NAMESPACE,
            "uid": f"uid-{next(self._count)}",
            "generation": 1,
            "resourceVersion": str(next(self._count)),
            "creationTimestamp": stamp(self.now),
            "annotations": annotations,
        }
        self.objects[KIND, self.name] = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": metadata,
            "spec": copy.deepcopy(spec),
        }

    @property
    def model(self) -> Document:
        return self.objects[KIND, self.name]

    @property
    def status(self) -> Document:
        found: Document = self.model.get("status", {})
        return found

    def edit(self, *path: str, to: Any) -> None:
        part = self.model["spec"]
        for name in path[:-1]:
            part = part.setdefault(name, {})
        if part.get(path[-1]) != to:
            part[path[-1]] = copy.deepcopy(to)
            self.model["metadata"]["generation"] += 1
            self._touch(self.model)

    def annotate(self, name: str, value: str) -> None:
        self.model["metadata"]["annotations"][name] = value
        self._touch(self.model)

    def apply(self, document: Document) -> None:
        key = document["kind"], document["metadata"]["name"]
        found = self.objects.get(key)
        self.writes += 1
        if found is not None:
            # Server-side apply of the one manager that matters here.
            uid, created = found["metadata"]["uid"], found["metadata"]["creationTimestamp"]
            merged = {**found, **copy.deepcopy(document)}
            merged["metadata"] = {**merged["metadata"], "uid": uid, "creationTimestamp": created}
            self.objects[key] = merged
            return
        made = copy.deepcopy(document)
        made["metadata"] |= {"uid": f"uid-{next(self._count)}", "creationTimestamp": stamp(self.now)}
        self.objects[key] = made
        if key[0] == "Job":
            self.jobs_made.append(key[1])
            self.on_job(made)

    def delete(self, kind: str, name: str) -> None:
        self.writes += 1
        gone = self.objects.pop((kind, name), None)
        uid = gone["metadata"]["uid"] if gone else ""
        for (other, its_name), document in list(self.objects.items()):
            owners = document["metadata"].get("ownerReferences", ())
            if any(owner["uid"] == uid for owner in owners):
                self.delete(other, its_name)

    def toggle_kind(self, kind: OptionalKind) -> None:
        """The definition of a kind is installed, or removed with all its objects."""
        self.served ^= {kind}
        if kind not in self.served:
            for name in [name for found, name in self.objects if found == kind]:
                del self.objects[kind, name]

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def jobs(self, *, purpose: str | None = None) -> list[Document]:
        return [
            document
            for (kind, _), document in self.objects.items()
            if kind == "Job" and purpose in (None, document["metadata"]["labels"]["churnguard.dev/purpose"])
        ]

    def active_jobs(self, *, purpose: str = "training") -> list[str]:
        return [
            each["metadata"]["name"]
            for each in self.jobs(purpose=purpose)
            if not each.get("status", {}).get("conditions")
        ]

    def inference_services(self) -> list[str]:
        return sorted(name for kind, name in self.objects if kind == "InferenceService")

    def _touch(self, document: Document) -> None:
        document["metadata"]["resourceVersion"] = str(next(self._count))

    def on_job(self, job: Document) -> None:
        """What the Job controller does about a new Job."""
        raise NotImplementedError
