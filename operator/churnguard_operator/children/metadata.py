"""Names, labels and owner of everything that the operator makes."""

from __future__ import annotations

from collections.abc import Mapping

from churnguard_core.names import API_VERSION, KIND, LABEL_MODEL, LABEL_REVISION
from churnguard_operator.names import ANNOTATION_APPLIED, LABEL_MANAGED_BY, LABEL_PURPOSE, MANAGER, digest_of
from churnguard_operator.observed import Document, ModelView


def labels_of(model: ModelView, *, purpose: str, revision: str | None = None) -> dict[str, str]:
    """Labels of a child and of its pods."""
    labels = {LABEL_MANAGED_BY: MANAGER, LABEL_MODEL: model.name, LABEL_PURPOSE: purpose}
    return labels if revision is None else {**labels, LABEL_REVISION: revision}


def metadata_of(
    model: ModelView,
    *,
    name: str,
    labels: Mapping[str, str],
    annotations: Mapping[str, str] | None = None,
) -> Document:
    """Metadata of a child: it goes when its ChurnModel goes."""
    owner = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": model.name,
        "uid": model.uid,
        "controller": True,
        # Not blockOwnerDeletion: nothing waits for children to be gone first, and where its use is checked
        # (OwnerReferencesPermissionEnforcement), it takes the right to write finalizers of ChurnModels.
    }
    metadata = {
        "name": name,
        "namespace": model.namespace,
        "labels": dict(labels),
        "ownerReferences": [owner],
    }
    return {**metadata, "annotations": dict(annotations)} if annotations else metadata


def with_applied_hash(document: Document) -> Document:
    """The object with a hash of itself, so that a field that is no longer wanted is seen to be there.

    Never for an InferenceService: KServe copies its annotations to its pods, and another hash would restart them.
    """
    metadata = document["metadata"]
    annotations = {**metadata.get("annotations", {}), ANNOTATION_APPLIED: digest_of(document)[:16]}
    return {**document, "metadata": {**metadata, "annotations": annotations}}
