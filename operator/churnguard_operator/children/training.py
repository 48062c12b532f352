"""The training Job of a revision, and the file with the ChurnModel that it reads."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from churnguard_core.churnmodel.types import ChurnModel, Store
from churnguard_core.result import BundleReference
from churnguard_operator.children.metadata import labels_of, metadata_of
from churnguard_operator.children.pods import (
    RESTRICTED_CONTAINER,
    RESTRICTED_POD,
    claim_mounts,
    claim_of,
    resources_of,
    scratch,
    secret_mounts,
)
from churnguard_operator.names import job_name, service_account_name
from churnguard_operator.observed import Document, ModelView
from churnguard_operator.settings import Settings

MODEL_FOLDER: Final = "/etc/churnguard/model"
MODEL_FILE: Final = "churnmodel.json"
TERMINATION_MESSAGE: Final = "/dev/termination-log"
"""Where a pod leaves its result; it is all that the operator reads of a run."""

TERMINATION_SECONDS: Final = 30


def model_file_name(revision: str) -> str:
    """Name of the ConfigMap with the ChurnModel that a revision is trained from."""
    return f"{revision}-train"


def training_model(model: ChurnModel) -> dict[str, Any]:
    """The ChurnModel as training reads it: serving, history and schedule are no business of a Job that runs."""
    document: dict[str, Any] = msgspec.to_builtins(model)
    training = {
        name: value
        for name, value in document["spec"].get("training", {}).items()
        if name in ("algorithms", "balancing", "search", "seed")
    }
    spec = {"data": document["spec"]["data"], "training": training}
    if gates := document["spec"].get("gates"):
        spec["gates"] = gates
    return {**document, "spec": spec}


def model_file(model: ModelView, parsed: ChurnModel, *, revision: str) -> Document:
    """ConfigMap with the ChurnModel, for one revision's Jobs."""
    text = msgspec.json.encode(training_model(parsed), order="deterministic").decode()
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata_of(
            model,
            name=model_file_name(revision),
            labels=labels_of(model, purpose="training", revision=revision),
        ),
        "data": {MODEL_FILE: text},
    }


def training_job(
    model: ModelView,
    parsed: ChurnModel,
    *,
    revision: str,
    attempt: int,
    store: Store,
    champion: BundleReference | None,
    settings: Settings,
) -> Document:
    """The Job of one attempt.

    A Job makes one pod and no second: the operator counts attempts itself, because why an attempt failed decides
    whether another makes sense, and because the wait before it must outlive the Job.
    """
    labels = labels_of(model, purpose="training", revision=revision)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata_of(model, name=job_name(revision=revision, attempt=attempt), labels=labels),
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            # A pod that is being deleted may still write: a second beside it would do the work twice.
            "podReplacementPolicy": "Failed",
            "activeDeadlineSeconds": parsed.spec.training.deadline_seconds,
            "template": {
                "metadata": {"labels": labels},
                "spec": _pod(
                    model, parsed, revision=revision, store=store, champion=champion, settings=settings
                ),
            },
        },
    }


def _pod(
    model: ModelView,
    parsed: ChurnModel,
    *,
    revision: str,
    store: Store,
    champion: BundleReference | None,
    settings: Settings,
) -> Document:
    volumes, mounts = _mounts(parsed, revision=revision, store=store)
    container = {
        "name": "train",
        "image": settings.training_image,
        "imagePullPolicy": "IfNotPresent",
        "args": _arguments(revision=revision, store=store, champion=champion),
        "resources": resources_of(parsed.spec.training.resources, default=settings.training_resources),
        "securityContext": RESTRICTED_CONTAINER,
        "terminationMessagePath": TERMINATION_MESSAGE,
        # What a crash says on standard error, when it left no result.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    }
    return pod_of(model, container=container, volumes=volumes, settings=settings)


def pod_of(model: ModelView, *, container: Document, volumes: list[Document], settings: Settings) -> Document:
    """Specification of a Job's pod around its one container."""
    pod = {
        "restartPolicy": "Never",
        "serviceAccountName": service_account_name(model.name),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": RESTRICTED_POD,
        "terminationGracePeriodSeconds": TERMINATION_SECONDS,
        "containers": [container],
        "volumes": volumes,
    }
    secrets = [{"name": name} for name in settings.image_pull_secrets]
    return {**pod, "imagePullSecrets": secrets} if secrets else pod


def _arguments(*, revision: str, store: Store, champion: BundleReference | None) -> list[str]:
    arguments = [
        f"--model={MODEL_FOLDER}/{MODEL_FILE}",
        f"--revision={revision}",
        f"--output={store.uri}",
        f"--result={TERMINATION_MESSAGE}",
    ]
    if champion is None:
        return arguments
    return [*arguments, f"--champion={champion.uri}", f"--champion-digest={champion.digest}"]


def _mounts(parsed: ChurnModel, *, revision: str, store: Store) -> tuple[list[Document], list[Document]]:
    source = parsed.spec.data.source
    # A claim that holds both data and bundles is written to.
    read, written = claim_of(source.file.uri if source.file else None), claim_of(store.uri)
    claims = {claim: claim != written for claim in (read, written) if claim is not None}
    source_secret = next(
        (part.secret_name for part in (source.file, source.postgres) if part is not None), None
    )
    model_volume = {"name": "model", "configMap": {"name": model_file_name(revision)}}
    model_mount = {"name": "model", "mountPath": MODEL_FOLDER, "readOnly": True}
    tmp_volume, tmp_mount = scratch()
    claim_volumes, claim_places = claim_mounts(claims)
    secret_volumes, secret_places = secret_mounts({"source": source_secret, "store": store.secret_name})
    return (
        [model_volume, tmp_volume, *claim_volumes, *secret_volumes],
        [model_mount, tmp_mount, *claim_places, *secret_places],
    )
