"""What to do about each reason of a condition, and which events tell of a model's life: texts of the reference page.

``JOB``, ``MODEL``, ``NAME`` and ``REVISION`` stand for names; the page says where they are found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from churnguard_core.churnmodel.status import ConditionReason

NOTHING: Final = "Nothing."

REMEDIES: Final[dict[ConditionReason, str]] = {
    "SpecAccepted": NOTHING,
    "InvalidSpec": (
        "Correct the fields that the message names; `churnguard validate FILE` checks a file before you apply "
        "it. What serves goes on."
    ),
    "NameTaken": (
        "`kubectl get service MODEL -o yaml` (or `httproute`) shows whose it is. Delete it, or give the "
        "ChurnModel another name."
    ),
    "DependencyMissing": (
        "Create what the message names, or take it out of the spec: the claim; the Gateway API; a place for "
        "bundles (`spec.store`, or `--store` of the operator); for `spec.serving.revision`, a revision that "
        "the message lists. The rest follows by itself."
    ),
    "Pending": "Wait: a training starts as soon as `spec.suspend` is false and no Job deletes old bundles.",
    "RevisionTrained": NOTHING,
    "TrainingRunning": "Wait; `kubectl logs -f job/JOB` shows how far it is.",
    "TrainingRetrying": (
        "Wait for the time in the message, or mend what it names: the next attempt takes it up."
    ),
    "ImagePullFailed": (
        "Check `--training-image` and `--image-pull-secrets` of the operator; the Secret must be in the "
        "model's namespace. A Job keeps the image that it was made with: after a change, `kubectl delete job "
        "JOB`, and the next attempt takes the new one."
    ),
    "PodPending": (
        "`kubectl describe pod -l batch.kubernetes.io/job-name=JOB` says what is missing: room on a node, a "
        "Secret, a claim. After a change of `spec.training.resources`, `kubectl delete job JOB`: the next "
        "attempt takes it up."
    ),
    "TrainingFailed": (
        "`kubectl logs job/JOB` has the traceback. Edit what caused it, or ask for a training once it is "
        "mended."
    ),
    "OutOfMemory": (
        "Raise `spec.training.resources.memory`. Where no revision of this spec was accepted yet, that starts "
        "it again; else ask for a training."
    ),
    "Evicted": (
        "Make room: `kubectl describe node` says what the node lacks. Raise `spec.training.resources.memory` "
        "when the pod used more than that; it is tried again `spec.training.retries` times."
    ),
    "JobVanished": (
        "Find out who deleted it. It is tried again `spec.training.retries` times; then ask for a training."
    ),
    "ResultMissing": (
        "`kubectl logs job/JOB`; `--training-image` must be of the operator's own version. It is tried again "
        "`spec.training.retries` times; then ask for a training."
    ),
    "DeadlineExceeded": (
        "Raise `spec.training.deadlineSeconds`, as for `OutOfMemory`; or lower `spec.training.search.trials`, "
        "which trains again."
    ),
    "DataRefused": (
        "The message begins with one of the [reasons to refuse](../training.md#reasons-to-refuse) and ends "
        "with what to do. An edit of `spec.data` trains again; when only the data was mended, ask for a "
        "training."
    ),
    "StoreUnreachable": (
        "Check `spec.store` and its Secret (see [secrets](../training.md#secrets)). When the message says "
        "`ChampionUnreadable`, the serving revision's bundle was damaged: pin another by "
        "`spec.serving.revision`, then ask for a training."
    ),
    "GateFailed": (
        "The message has the gate and the figure that missed it. An edit of `spec.gates`, `spec.data` or "
        "`spec.training` trains again; when better data has come, ask for a training."
    ),
    "NoRevision": "The condition Progressing says what it waits for.",
    "RevisionServing": NOTHING,
    "InferenceServiceNotReady": (
        "`kubectl describe pod -l churnguard.dev/inference-service=NAME` and `kubectl logs` with the same "
        "`-l`. When the revision itself is at fault, pin an older one by `spec.serving.revision`."
    ),
    "UpToDate": NOTHING,
    "RolloutInProgress": (
        "Wait; `kubectl get inferenceservice,pod -l churnguard.dev/revision=REVISION` shows how far it is."
    ),
    "RollbackInProgress": "Wait, as for `RolloutInProgress`.",
    "RolloutFailed": (
        "`kubectl describe pod -l churnguard.dev/inference-service=NAME` and `kubectl logs` with the same "
        "`-l`. It goes on trying: mend what is missing, edit `spec.serving`, or give it up by pinning the "
        "serving revision."
    ),
    "RouteNotAccepted": (
        "`kubectl get httproute MODEL -o yaml` has what the Gateway's controller says. Correct "
        "`spec.serving.route`, or the Gateway: it must exist, run, and allow routes of this namespace and "
        "host name."
    ),
    "AutoscalerMissing": (
        "Install KEDA and start the operator with `--prometheus-address`, or set "
        "`spec.serving.autoscaling.metric: cpu`."
    ),
    "Suspended": "Set `spec.suspend: false`; what was due meanwhile then starts.",
}
"""What people do about each reason: which field, which command."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """An event of a model: when it is sent, and what to do."""

    type: Literal["Normal", "Warning"]
    meaning: str
    remedy: str


EVENTS: Final[dict[str, Told]] = {
    "TrainingStarted": Told(
        type="Normal",
        meaning="An attempt begins: which Job, which revision, and why (`SpecChanged`, `Schedule`, `Request`).",
        remedy=NOTHING,
    ),
    "RevisionAccepted": Told(type="Normal", meaning="A revision met its gates.", remedy=NOTHING),
    "RevisionRejected": Told(
        type="Warning",
        meaning="A revision missed a gate. What serves goes on.",
        remedy="As for the reason `GateFailed`.",
    ),
    "RevisionRefused": Told(
        type="Warning",
        meaning="The training program refused the data. What serves goes on.",
        remedy="As for the reason `DataRefused`.",
    ),
    "RevisionSuperseded": Told(
        type="Normal",
        meaning="The spec was edited while it trained: its Job is deleted, and another revision follows.",
        remedy=NOTHING,
    ),
    "RolloutStarted": Told(
        type="Normal", meaning="A revision comes up beside the one that serves.", remedy=NOTHING
    ),
    "RevisionServing": Told(type="Normal", meaning="A revision takes over all requests.", remedy=NOTHING),
    "ServingRecovered": Told(
        type="Normal",
        meaning="The serving pods answer again after `InferenceServiceNotReady`.",
        remedy=NOTHING,
    ),
    "ApplyFailed": Told(
        type="Warning",
        meaning="The API server refused an object: a quota, an admission policy, a missing right.",
        remedy="Allow what the message names. It is tried again by itself, at least every five minutes.",
    ),
}
"""Events whose reason is their own, or means something else than a condition's."""

TOLD_OF_CONDITIONS: Final[tuple[ConditionReason, ...]] = (
    "InvalidSpec",
    "NameTaken",
    "DependencyMissing",
    "ImagePullFailed",
    "PodPending",
    "TrainingFailed",
    "OutOfMemory",
    "Evicted",
    "JobVanished",
    "ResultMissing",
    "DeadlineExceeded",
    "StoreUnreachable",
    "InferenceServiceNotReady",
    "RolloutFailed",
    "RouteNotAccepted",
    "AutoscalerMissing",
)
"""Reasons of conditions that are also sent as a Warning when a condition or an attempt to train comes to bear them."""
