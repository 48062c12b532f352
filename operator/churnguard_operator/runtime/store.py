"""What is known of the cluster: the newest version of every object that was seen, found by the model that it is about.

Events come late, twice and after answers to our own writes that are newer: versions only ever go forward. A version is
a number, as Kubernetes promises for the objects of one kind.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from churnguard_core.names import LABEL_MODEL
from churnguard_operator.cluster.resources import CHURN_MODEL, CLAIM, SERVICE
from churnguard_operator.observed import Document
from churnguard_operator.runtime.slim import slim
from churnguard_operator.views.fields import text

MOST_REMEMBERED_DELETIONS: Final = 10_000


class ModelKey(NamedTuple):
    """A ChurnModel, there or not."""

    namespace: str
    name: str


class ObjectKey(NamedTuple):
    """An object."""

    kind: str
    namespace: str
    name: str


class Store:
    """Objects in memory. Changes return the models that they are about."""

    def __init__(self) -> None:
        self._documents: dict[ObjectKey, Document] = {}
        self._of_model: dict[ModelKey, set[ObjectKey]] = {}
        self._deleted: OrderedDict[ObjectKey, int] = OrderedDict()

    def put(self, document: Document) -> frozenset[ModelKey]:
        """An object as somebody saw it; nothing changes when a newer version is known."""
        key, version = key_of(document), version_of(document)
        found = self._documents.get(key)
        if version <= max(version_of(found) if found else 0, self._deleted.get(key, 0)):
            return frozenset()
        kept = slim(document)
        self._documents[key] = kept
        before = models_of(found) if found else frozenset()
        after = models_of(kept)
        for model in before - after:
            self._unlink(model, key)
        for model in after - before:
            self._of_model.setdefault(model, set()).add(key)
        return self._concerned(kept, before | after)

    def remove(self, document: Document) -> frozenset[ModelKey]:
        """An object is gone, in this its last version."""
        key, version = key_of(document), version_of(document)
        self._deleted[key] = max(version, self._deleted.pop(key, 0))
        while len(self._deleted) > MOST_REMEMBERED_DELETIONS:
            self._deleted.popitem(last=False)
        found = self._documents.get(key)
        if found is None or version_of(found) > version:
            return frozenset()
        return self._drop(key)

    def forget(self, ghosts: Iterable[ObjectKey]) -> frozenset[ModelKey]:
        """Objects that are gone, as a list that does not have them says."""
        concerned = [self._drop(key) for key in ghosts if key in self._documents]
        return frozenset().union(*concerned)

    def deleted(self, key: ObjectKey, *, uid: str) -> None:
        """An object, and only this one, is gone, as the answer to its deletion says."""
        found = self._documents.get(key)
        if found is not None and text(found, "metadata", "uid") == uid:
            self._deleted[key] = max(version_of(found), self._deleted.pop(key, 0))
            self._drop(key)

    def model(self, key: ModelKey) -> Document | None:
        """A ChurnModel."""
        return self._documents.get(ObjectKey(CHURN_MODEL.kind, *key))

    def models(self) -> tuple[ModelKey, ...]:
        """All ChurnModels."""
        return tuple(
            ModelKey(key.namespace, key.name) for key in self._documents if key.kind == CHURN_MODEL.kind
        )

    def objects_of(self, model: ModelKey) -> Iterator[Document]:
        """All objects about a model but itself."""
        for key in sorted(self._of_model.get(model, ())):
            if key.kind != CHURN_MODEL.kind:
                yield self._documents[key]

    def has(self, key: ObjectKey) -> bool:
        """Whether an object is known."""
        return key in self._documents

    def objects(self, kind: str, *, namespace: str | None) -> frozenset[ObjectKey]:
        """All objects of a kind, those of one namespace or of all."""
        return frozenset(
            key for key in self._documents if key.kind == kind and namespace in (None, key.namespace)
        )

    def _drop(self, key: ObjectKey) -> frozenset[ModelKey]:
        gone = self._documents.pop(key)
        for model in models_of(gone):
            self._unlink(model, key)
        return self._concerned(gone, models_of(gone))

    def _unlink(self, model: ModelKey, key: ObjectKey) -> None:
        keys = self._of_model[model]
        keys.discard(key)
        if not keys:
            del self._of_model[model]

    def _concerned(self, document: Document, models: frozenset[ModelKey]) -> frozenset[ModelKey]:
        if document["kind"] == CLAIM.kind:
            # Any model of the namespace may wait for it; claims come and go rarely.
            namespace = text(document, "metadata", "namespace")
            return frozenset(each for each in self.models() if each.namespace == namespace)
        if document["kind"] == CHURN_MODEL.kind:
            return models
        return frozenset(model for model in models if self.model(model) is not None)


def key_of(document: Document) -> ObjectKey:
    """Which object a document is."""
    metadata = document["metadata"]
    return ObjectKey(document["kind"], metadata["namespace"], metadata["name"])


def version_of(document: Document) -> int:
    """The version of an object."""
    return int(document["metadata"]["resourceVersion"])


def models_of(document: Document) -> frozenset[ModelKey]:
    """Models that an object is about: by its label, and by its name where a model's own Service would have it."""
    namespace, name = text(document, "metadata", "namespace"), text(document, "metadata", "name")
    kind = document["kind"]
    if kind == CHURN_MODEL.kind:
        return frozenset({ModelKey(namespace, name)})
    labelled = text(document, "metadata", "labels", LABEL_MODEL)
    named = name if kind == SERVICE.kind else ""
    return frozenset(ModelKey(namespace, each) for each in (labelled, named) if each)
