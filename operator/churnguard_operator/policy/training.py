"""The course of trainings: allocate a number, run attempts, judge what they leave.

Everything is a step from one status to the next. A revision's number is allocated by a status that has been written
before its Job is made: a crash in between leaves a number without a Job, never a Job without a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, get_args

from msgspec.structs import replace

from churnguard_core.churnmodel.scalars import Algorithm
from churnguard_core.churnmodel.status import (
    RevisionRecord,
    Status,
    TrainingOutcome,
    TrainingRun,
    Verdict,
)
from churnguard_core.churnmodel.types import ChurnModel, Store
from churnguard_core.names import revision_name, revision_number
from churnguard_operator.names import job_name
from churnguard_operator.observed import Observed
from churnguard_operator.policy.backoff import backoff, is_over
from churnguard_operator.policy.history import figure, find, headline
from churnguard_operator.policy.outcome import RETRIED, Ending, ending_of, vanished
from churnguard_operator.policy.triggers import (
    Trigger,
    Wanted,
    due_run,
    due_trigger,
    request_of,
    spec_is_satisfied,
)
from churnguard_operator.policy.verdict import is_accepted, judge, missed
from churnguard_operator.settings import Settings

EMPTY_SCORE_DECIMALS: Final = 9
MOST_REASON: Final = 1024

_ALGORITHMS: Final[dict[str, Algorithm]] = {name: name for name in get_args(Algorithm)}
"""A newer trainer may know more than status can hold."""

_VERDICTS: Final[dict[TrainingOutcome, Verdict]] = {
    "RevisionTrained": "Accepted",
    "GateFailed": "Rejected",
    "DataRefused": "Refused",
    "Superseded": "Superseded",
}


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What steps are made from. ``may_start`` is false while suspended, or while something must be mended first."""

    observed: Observed
    model: ChurnModel
    store: Store
    wanted: Wanted
    settings: Settings
    now: datetime
    may_start: bool


def is_running(run: TrainingRun | None) -> bool:
    """Whether a Job of this training runs, or is about to."""
    return run is not None and run.outcome is None


def is_retrying(status: Status) -> bool:
    """Whether the last attempt failed and another will follow: only what is over has a record."""
    run = status.training
    return run is not None and run.outcome is not None and find(status.revisions, run.revision) is None


def is_active(status: Status) -> bool:
    """Whether a training is under way, be it between two attempts."""
    return is_running(status.training) or is_retrying(status)


def advance(status: Status, situation: Situation) -> Status:
    """The status after what has happened to trainings and after what is due."""
    status = _settle(_note_start(status, situation), situation)
    status = _conclude(status, situation)
    if not situation.may_start:
        return status
    if is_active(status):
        return _supersede(status, situation) if _is_outdated(status, situation) else _retry(status, situation)
    trigger = due_trigger(
        situation.observed.model,
        status,
        wanted=situation.wanted,
        schedule=situation.model.spec.training.schedule,
        now=situation.now,
    )
    if trigger is None or (trigger.kind == "Schedule" and not _wait_is_over(status, situation)):
        return status
    return allocate(status, situation, trigger=trigger)


def allocate(status: Status, situation: Situation, *, trigger: Trigger) -> Status:
    """The status with a new revision to train; its number is higher than any that was ever seen."""
    number = highest_number(status, situation.observed) + 1
    model = situation.observed.model
    revision = revision_name(model=model.name, number=number)
    run = TrainingRun(
        revision=revision,
        job=job_name(revision=revision, attempt=1),
        trigger=trigger.kind,
        inputs_hash=situation.wanted.inputs_hash,
        job_hash=situation.wanted.job_hash,
        attempt=1,
    )
    due = due_run(model, status, schedule=situation.model.spec.training.schedule, now=situation.now)
    # Whatever the reason to train was, it answers the other reasons that are due too.
    return replace(
        status,
        training=run,
        last_revision=number,
        last_schedule_time=due or status.last_schedule_time,
        handled_train_request=request_of(model) or status.handled_train_request,
    )


def highest_number(status: Status, observed: Observed) -> int:
    """The highest number that a revision ever had, by status and, should that have been lost, by its children."""
    names = [
        *(record.name for record in status.revisions),
        *(job.revision for job in observed.jobs),
        *(each.revision for each in observed.inference_services),
        *([status.training.revision] if status.training else []),
    ]
    return max([status.last_revision or 0, *(_number(name) for name in names)])


def _number(name: str | None) -> int:
    try:
        return revision_number(name or "")
    except ValueError:
        return 0


def _note_start(status: Status, situation: Situation) -> Status:
    run = status.training
    if run is None or run.outcome is not None or run.started is not None:
        return status
    job = situation.observed.job(run.job)
    return status if job is None else replace(status, training=replace(run, started=job.created))


def _settle(status: Status, situation: Situation) -> Status:
    """Note how the running attempt ended."""
    run = status.training
    if run is None or run.outcome is not None or run.started is None:
        return status
    observed, now = situation.observed, situation.now
    job = observed.job(run.job)
    ending = (
        vanished(run.job or "", now=now)
        if job is None
        else ending_of(
            model=observed.model,
            revision=run.revision,
            job=job,
            pods=observed.pods_of(job),
            now=now,
            grace=situation.settings.result_grace,
        )
    )
    return status if ending is None else _noted(status, run, ending=ending, situation=situation)


def _noted(status: Status, run: TrainingRun, *, ending: Ending, situation: Situation) -> Status:
    if ending.result is not None:
        return _judged(status, run, ending=ending, situation=situation)
    ended = replace(run, outcome=ending.outcome, message=ending.message, finished=ending.finished)
    if ending.outcome == "DataRefused":
        # No failure of ours: nothing to back off from.
        return replace(status, training=ended)
    failures = (status.failures or 0) + 1
    settings = situation.settings
    wait = backoff(failures=failures, first=settings.first_backoff, longest=settings.longest_backoff)
    return replace(status, training=ended, failures=failures, retry_after=situation.now + wait)


def _judged(status: Status, run: TrainingRun, *, ending: Ending, situation: Situation) -> Status:
    result = ending.result
    if result is None or result.bundle is None:
        return status
    is_same_spec = run.inputs_hash == situation.wanted.inputs_hash
    # When the spec was edited meanwhile, the gates that it was trained under are those that the run judged itself.
    outcomes = judge(result, gates=situation.model.spec.gates) if is_same_spec else result.gates
    accepted = is_accepted(outcomes)
    message = "" if accepted else f"missed {missed(outcomes)}"[:MOST_REASON]
    record = RevisionRecord(
        name=run.revision,
        finished=ending.finished,
        verdict="Accepted" if accepted else "Rejected",
        metric=figure(result.metrics.get("rocAuc")),
        algorithm=_ALGORITHMS.get(result.algorithm),
        inputs_hash=run.inputs_hash,
        empty_score=figure(result.empty_score, decimals=EMPTY_SCORE_DECIMALS),
        metrics=headline(result),
        bundle=result.bundle.uri,
        digest=result.bundle.digest,
        secret_name=situation.store.secret_name,
        reason=message or None,
    )
    ended = replace(
        run,
        outcome="RevisionTrained" if accepted else "GateFailed",
        message=message or None,
        finished=ending.finished,
    )
    return replace(
        status,
        training=ended,
        revisions=(record, *status.revisions),
        failures=None,
        retry_after=None,
    )


def _conclude(status: Status, situation: Situation) -> Status:
    """Put a training that is not tried again on record."""
    run = status.training
    if run is None or run.outcome is None or find(status.revisions, run.revision) is not None:
        return status
    retries = situation.model.spec.training.retries
    if run.outcome in RETRIED and (run.attempt or 1) <= retries:
        return status
    return _on_record(status, run)


def _on_record(status: Status, run: TrainingRun) -> Status:
    record = RevisionRecord(
        name=run.revision,
        finished=run.finished,
        verdict="Failed" if run.outcome is None else _VERDICTS.get(run.outcome, "Failed"),
        inputs_hash=run.inputs_hash,
        reason=f"{run.outcome}: {run.message}"[:MOST_REASON],
    )
    return replace(status, revisions=(record, *status.revisions))


def _is_outdated(status: Status, situation: Situation) -> bool:
    return status.training is not None and status.training.inputs_hash != situation.wanted.inputs_hash


def _supersede(status: Status, situation: Situation) -> Status:
    run = status.training
    if run is None:
        return status
    ended = replace(
        run,
        outcome="Superseded",
        message="the spec was edited while it ran",
        finished=situation.now,
    )
    status = _on_record(replace(status, training=ended, retry_after=None), ended)
    # What a person or the clock asked for is still to come, also when the edit was taken back.
    kind = run.trigger or "SpecChanged"
    if kind == "SpecChanged" and spec_is_satisfied(status, wanted=situation.wanted) is not None:
        return status
    return allocate(status, situation, trigger=Trigger(kind=kind))


def _retry(status: Status, situation: Situation) -> Status:
    run = status.training
    if run is None or run.outcome is None or not _wait_is_over(status, situation):
        return status
    attempt = (run.attempt or 1) + 1
    return replace(
        status,
        training=TrainingRun(
            revision=run.revision,
            job=job_name(revision=run.revision, attempt=attempt),
            trigger=run.trigger,
            inputs_hash=run.inputs_hash,
            job_hash=situation.wanted.job_hash,
            attempt=attempt,
        ),
    )


def _wait_is_over(status: Status, situation: Situation) -> bool:
    longest = situation.settings.longest_backoff
    return is_over(status.retry_after, now=situation.now, longest=longest)
