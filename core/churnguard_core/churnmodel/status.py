"""``status``: what the operator has seen and done. Written by the operator only.

Conditions are observations with a closed, documented set of reasons each; there is no phase. Large data stays
in the bundle: status holds headline figures (as strings) and references.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal, get_args

from msgspec import Meta, Struct

from churnguard_core.churnmodel.scalars import Algorithm, SecretName

ConditionType = Literal["Ready", "Accepted", "Trained", "Serving", "Progressing"]
ConditionStatus = Literal["True", "False", "Unknown"]

AcceptedReason = Literal["SpecAccepted", "InvalidSpec", "NameTaken", "DependencyMissing"]
TrainingStop = Literal[
    "TrainingFailed",
    "OutOfMemory",
    "Evicted",
    "JobVanished",
    "ResultMissing",
    "DeadlineExceeded",
    "DataRefused",
    "StoreUnreachable",
    "GateFailed",
]
"""How a training ends that leaves nothing to serve."""

TrainedReason = Literal[
    "Pending",
    "RevisionTrained",
    "TrainingRunning",
    "ImagePullFailed",
    "PodPending",
    TrainingStop,
]
ServingReason = Literal["NoRevision", "RevisionServing", "InferenceServiceNotReady"]
ProgressingReason = Literal[
    "Pending",
    "UpToDate",
    "TrainingRunning",
    "TrainingRetrying",
    "ImagePullFailed",
    "PodPending",
    "RolloutInProgress",
    "RollbackInProgress",
    TrainingStop,
    "RolloutFailed",
    "RouteNotAccepted",
    "AutoscalerMissing",
    "Suspended",
    "InvalidSpec",
    "NameTaken",
    "DependencyMissing",
]
ReadyReason = Literal[
    "Pending",
    "RevisionServing",
    "NoRevision",
    "InferenceServiceNotReady",
    "TrainingRunning",
    "ImagePullFailed",
    "PodPending",
    TrainingStop,
    "RolloutInProgress",
    "RollbackInProgress",
    "RolloutFailed",
    "RouteNotAccepted",
    "InvalidSpec",
    "NameTaken",
    "DependencyMissing",
    "Suspended",
]
ConditionReason = Literal[AcceptedReason, TrainedReason, ServingReason, ProgressingReason, ReadyReason]

TrainingOutcome = Literal["RevisionTrained", TrainingStop, "Superseded"]
Verdict = Literal["Accepted", "Rejected", "Refused", "Failed", "Superseded"]

REASONS: Final[dict[ConditionReason, str]] = {
    "SpecAccepted": "The spec is valid, and what it needs was found. Secrets are not looked for.",
    "InvalidSpec": "The spec breaks a rule; the message names every field.",
    "NameTaken": "A Service or HTTPRoute of the model's name exists and is not ours.",
    "DependencyMissing": "The spec needs what is not there: a claim, Gateway API, a place for bundles, a revision.",
    "Pending": "Nothing has been tried yet for this spec.",
    "RevisionTrained": "A revision trained from the current spec met its gates.",
    "TrainingRunning": "A training Job runs.",
    "TrainingRetrying": "A training failed and is tried again; the message says why and when.",
    "ImagePullFailed": "The image of the training pod cannot be pulled; the Job goes on trying until its deadline.",
    "PodPending": "The training pod cannot start: no node has room, or a Secret or claim is missing.",
    "TrainingFailed": "The training program crashed.",
    "OutOfMemory": "Training needed more memory than `spec.training.resources.memory`.",
    "Evicted": "The training pod was evicted from its node.",
    "JobVanished": "The training Job was deleted before it ended.",
    "ResultMissing": "The training Job ended without a result that can be read.",
    "DeadlineExceeded": "Training took longer than `spec.training.deadlineSeconds`.",
    "DataRefused": "The data cannot be learnt from honestly; the message says why and what to do.",
    "StoreUnreachable": "The training program cannot use the bundle store, or the serving revision's bundle in it.",
    "GateFailed": "The revision missed a gate and was rejected; nothing changed for callers.",
    "NoRevision": "No revision has been rolled out yet.",
    "RevisionServing": "A revision answers predictions.",
    "InferenceServiceNotReady": "The serving pods do not answer.",
    "UpToDate": "Nothing to do until the next training.",
    "RolloutInProgress": "A revision is coming up; until it is ready the old one serves. Or a Gateway has to answer.",
    "RollbackInProgress": "An older revision is coming back.",
    "RolloutFailed": "The new revision did not come up; the old one goes on serving.",
    "RouteNotAccepted": "The Gateway of `spec.serving.route` does not take the HTTPRoute; the Service serves.",
    "AutoscalerMissing": "Scaling by requests needs KEDA and Prometheus; the number of pods follows the CPU meanwhile.",
    "Suspended": "`spec.suspend` is true: nothing new is started.",
}
"""Every reason and its meaning; a reason that is not here is a defect."""

REASONS_OF: Final[dict[ConditionType, tuple[ConditionReason, ...]]] = {
    "Ready": get_args(ReadyReason),
    "Accepted": get_args(AcceptedReason),
    "Trained": get_args(TrainedReason),
    "Serving": get_args(ServingReason),
    "Progressing": get_args(ProgressingReason),
}
"""The reasons that each condition may bear. Ready repeats the reason of what stands in its way."""

Time = Annotated[datetime, Meta(tz=True)]
Name = Annotated[str, Meta(max_length=63)]
Figure = Annotated[str, Meta(max_length=17)]
Digest = Annotated[str, Meta(max_length=80)]
Uri = Annotated[str, Meta(max_length=1280)]


class _Observed(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A part of status. Unknown fields are ignored: a newer operator may have written them."""


class StatusCondition(_Observed, frozen=True, kw_only=True):
    """One observation, in Kubernetes' own form."""

    type: Annotated[ConditionType, Meta(description="What is observed.", extra={"open": True})]
    status: Annotated[ConditionStatus, Meta(description="Whether it holds.")]
    reason: Annotated[
        ConditionReason, Meta(description="Why, in one word of a closed set.", extra={"open": True})
    ]
    message: Annotated[
        str, Meta(max_length=4096, description="Why, for people: what is wrong and what to do.")
    ]
    observed_generation: Annotated[int, Meta(ge=0, description="Generation of the spec that was observed.")]
    last_transition_time: Annotated[Time, Meta(description="When `status` changed last.")]


class RevisionInService(_Observed, frozen=True, kw_only=True):
    """A revision that serves or is about to."""

    revision: Annotated[Name, Meta(description="Name of the revision.")]
    inference_service: Annotated[Name | None, Meta(description="Name of its InferenceService.")] = None
    algorithm: Annotated[
        Algorithm | None, Meta(description="Algorithm that was chosen.", extra={"open": True})
    ] = None
    bundle: Annotated[Uri | None, Meta(description="Where its bundle is.")] = None
    digest: Annotated[Digest | None, Meta(description="Digest that proves the bundle.")] = None
    trained: Annotated[Time | None, Meta(description="When its training ended.")] = None
    since: Annotated[Time | None, Meta(description="Since when it serves, or is being rolled out.")] = None
    promoted: Annotated[
        Time | None, Meta(description="When it was found to answer as it must: the Service moves to it next.")
    ] = None


class TrainingRun(_Observed, frozen=True, kw_only=True):
    """The training that runs or ran last."""

    revision: Annotated[Name, Meta(description="Revision that it makes.")]
    job: Annotated[Name | None, Meta(description="Name of its Job.")] = None
    trigger: Annotated[
        Literal["SpecChanged", "Schedule", "Request"] | None,
        Meta(description="Why it was started.", extra={"open": True}),
    ] = None
    inputs_hash: Annotated[
        Digest | None, Meta(description="Hash of the part of the spec that it learns from.")
    ] = None
    job_hash: Annotated[
        Digest | None,
        Meta(description="Hash of what else its Job was made from: a change starts a failed training again."),
    ] = None
    attempt: Annotated[
        Annotated[int, Meta(ge=1)] | None, Meta(description="Which attempt it is, from 1.")
    ] = None
    started: Annotated[Time | None, Meta(description="When its Job was started.")] = None
    finished: Annotated[Time | None, Meta(description="When it ended.")] = None
    outcome: Annotated[
        TrainingOutcome | None, Meta(description="How it ended; absent before.", extra={"open": True})
    ] = None
    message: Annotated[
        Annotated[str, Meta(max_length=2048)] | None, Meta(description="Why it ended so, for people.")
    ] = None


class Headline(_Observed, frozen=True, kw_only=True):
    """Hold-out figures of the serving revision, as strings."""

    roc_auc: Annotated[Figure | None, Meta(description="Area under the ROC curve.")] = None
    pr_auc: Annotated[Figure | None, Meta(description="Area under the precision-recall curve.")] = None
    log_loss: Annotated[Figure | None, Meta(description="Log loss; lower is better.")] = None
    brier: Annotated[Figure | None, Meta(description="Brier score; lower is better.")] = None
    ece: Annotated[Figure | None, Meta(description="Expected calibration error; lower is better.")] = None
    f1: Annotated[Figure | None, Meta(description="F1 at the threshold 0.5.")] = None
    f1_tuned: Annotated[Figure | None, Meta(description="F1 at a threshold tuned on training folds.")] = None
    precision_top_decile: Annotated[
        Figure | None, Meta(description="Share of leavers among the tenth with the highest risk.")
    ] = None
    lift_top_decile: Annotated[
        Figure | None, Meta(description="That share, as a multiple of the share among all.")
    ] = None


class RevisionRecord(_Observed, frozen=True, kw_only=True):
    """A line of the model's history."""

    name: Annotated[Name, Meta(description="Name of the revision.")]
    finished: Annotated[Time | None, Meta(description="When its training ended.")] = None
    verdict: Annotated[
        Verdict | None,
        Meta(description="How it was judged.", extra={"open": True}),
    ] = None
    metric: Annotated[Figure | None, Meta(description="Its ROC AUC on the hold-out.")] = None
    algorithm: Annotated[
        Algorithm | None, Meta(description="Algorithm that was chosen.", extra={"open": True})
    ] = None
    inputs_hash: Annotated[
        Digest | None, Meta(description="Hash of the part of the spec that it learnt from.")
    ] = None
    empty_score: Annotated[
        Figure | None, Meta(description="Score of the empty record: what a healthy server of it answers.")
    ] = None
    metrics: Annotated[Headline | None, Meta(description="Its hold-out figures.")] = None
    bundle: Annotated[Uri | None, Meta(description="Where its bundle is.")] = None
    digest: Annotated[Digest | None, Meta(description="Digest that proves the bundle.")] = None
    secret_name: Annotated[
        SecretName | None, Meta(description="Secret that opens the store that its bundle was put into.")
    ] = None
    reason: Annotated[
        Annotated[str, Meta(max_length=1024)] | None,
        Meta(description="Why it was rejected, refused or failed."),
    ] = None


class Status(_Observed, frozen=True, kw_only=True):
    """What the operator has seen and done."""

    observed_generation: Annotated[
        Annotated[int, Meta(ge=0)] | None, Meta(description="Generation of the spec that was observed.")
    ] = None
    conditions: Annotated[
        tuple[StatusCondition, ...],
        Meta(max_length=16, description="Ready (the summary), Accepted, Trained, Serving, Progressing."),
    ] = ()
    url: Annotated[
        Annotated[str, Meta(max_length=512)] | None, Meta(description="Where callers send predictions.")
    ] = None
    serving: Annotated[RevisionInService | None, Meta(description="The revision that serves.")] = None
    candidate: Annotated[
        RevisionInService | None, Meta(description="The revision that is being rolled out.")
    ] = None
    training: Annotated[TrainingRun | None, Meta(description="The training that runs or ran last.")] = None
    metrics: Annotated[Headline | None, Meta(description="Hold-out figures of the serving revision.")] = None
    revisions: Annotated[
        tuple[RevisionRecord, ...], Meta(max_length=20, description="History, newest first.")
    ] = ()
    last_revision: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(description="Number of the newest revision; a number is never used twice."),
    ] = None
    last_schedule_time: Annotated[
        Time | None, Meta(description="When the schedule started a training last.")
    ] = None
    next_training_time: Annotated[
        Time | None, Meta(description="When the schedule starts the next training.")
    ] = None
    handled_train_request: Annotated[
        Annotated[str, Meta(max_length=64)] | None,
        Meta(
            description="Value of the annotation `churnguard.dev/train-requested-at` that was answered last."
        ),
    ] = None
    retry_after: Annotated[Time | None, Meta(description="No training is tried again before.")] = None
    failures: Annotated[
        Annotated[int, Meta(ge=0)] | None, Meta(description="Failures in a row since the last success.")
    ] = None
