"""What is kept of an object: thousands of Jobs and pods are in memory, and of most only little is ever read."""

from __future__ import annotations

from typing import Any, Final

from churnguard_operator.cluster.resources import CLAIM, DEPLOYMENT, JOB, POD, SERVICE
from churnguard_operator.names import LABEL_MANAGED_BY, MANAGER
from churnguard_operator.observed import Document
from churnguard_operator.views.fields import mapping

METADATA: Final = frozenset(
    {
        "annotations",
        "creationTimestamp",
        "deletionTimestamp",
        "generation",
        "labels",
        "name",
        "namespace",
        "ownerReferences",
        "resourceVersion",
        "uid",
    }
)

KEPT: Final[dict[str, dict[str, frozenset[str]]]] = {
    JOB.kind: {"status": frozenset({"conditions"})},
    POD.kind: {"status": frozenset({"conditions", "containerStatuses", "phase", "reason"})},
    DEPLOYMENT.kind: {
        "spec": frozenset({"replicas"}),
        "status": frozenset({"observedGeneration", "readyReplicas", "replicas", "updatedReplicas"}),
    },
    CLAIM.kind: {},
}
"""Per kind the parts of an object that are read; of other kinds all are."""


def slim(document: Document) -> Document:
    """The object without what nobody reads."""
    metadata = {name: value for name, value in document["metadata"].items() if name in METADATA}
    kind = document["kind"]
    kept = {} if _is_foreign_service(document) else KEPT.get(kind)
    if kept is None:
        return {**document, "metadata": metadata}
    if kind in KEPT:
        metadata.pop("annotations", None)
    parts: dict[str, Any] = {
        part: {name: value for name, value in mapping(document, part).items() if name in names}
        for part, names in kept.items()
    }
    return {"apiVersion": document["apiVersion"], "kind": kind, "metadata": metadata, **parts}


def _is_foreign_service(document: Document) -> bool:
    # Of others' Services only the name matters.
    labels = mapping(document, "metadata", "labels")
    return document["kind"] == SERVICE.kind and labels.get(LABEL_MANAGED_BY) != MANAGER
