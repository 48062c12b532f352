"""The Job that deletes bundles which history has dropped; the operator itself never touches a store."""

from __future__ import annotations

from collections.abc import Sequence

from churnguard_core.churnmodel.types import Resources, Store
from churnguard_operator.children.metadata import labels_of, metadata_of
from churnguard_operator.children.pods import (
    RESTRICTED_CONTAINER,
    claim_mounts,
    claim_of,
    resources_of,
    scratch,
    secret_mounts,
)
from churnguard_operator.children.training import pod_of
from churnguard_operator.names import prune_job_name
from churnguard_operator.observed import Document, ModelView
from churnguard_operator.settings import PodResources, Settings

RESOURCES = PodResources(cpu="50m", memory="128Mi", memory_limit="256Mi")


def prune_job(model: ModelView, *, keep: Sequence[str], store: Store, settings: Settings) -> Document:
    """The Job that keeps these bundles, ``<revision>-<digest12>``, and deletes the model's others."""
    labels = labels_of(model, purpose="prune")
    claim = claim_of(store.uri)
    tmp_volume, tmp_mount = scratch()
    claim_volumes, claim_places = claim_mounts({} if claim is None else {claim: False})
    secret_volumes, secret_places = secret_mounts({"store": store.secret_name})
    container = {
        "name": "prune",
        "image": settings.training_image,
        "imagePullPolicy": "IfNotPresent",
        "args": [
            "prune",
            f"--store={store.uri}",
            f"--model={model.namespace}/{model.name}",
            *(f"--keep={bundle}" for bundle in keep),
        ],
        "resources": resources_of(Resources(), default=RESOURCES),
        "securityContext": RESTRICTED_CONTAINER,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [tmp_mount, *claim_places, *secret_places],
    }
    volumes = [tmp_volume, *claim_volumes, *secret_volumes]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata_of(model, name=prune_job_name(model=model.name, keep=keep), labels=labels),
        "spec": {
            "backoffLimit": 2,
            "completions": 1,
            "parallelism": 1,
            "podReplacementPolicy": "Failed",
            "activeDeadlineSeconds": int(settings.prune_deadline.total_seconds()),
            "template": {
                "metadata": {"labels": labels},
                "spec": pod_of(model, container=container, volumes=volumes, settings=settings),
            },
        },
    }
