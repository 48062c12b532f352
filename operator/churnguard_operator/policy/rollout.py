"""Blue and green: a candidate comes up beside what serves, takes over whole, and the old one drains, then goes.

    candidate None  ->  candidate comes up       as many pods as the old one has ready
                    ->  it is up and answers     the status says that it serves
                    ->  the Service moves        the step after, when that status is on record; `since` is now
                    ->  drain                    the old InferenceService stays that long, then it is deleted

The status goes before the Service, as a revision's number before its Job: after a crash in between the Service follows
the status, whatever else has happened meanwhile.

A candidate that does not come up stays and goes on trying, and the old one goes on serving.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from churnguard_core.churnmodel.status import RevisionInService, RevisionRecord, Status
from churnguard_core.names import revision_number
from churnguard_operator.children.traffic import predictor_selector
from churnguard_operator.observed import Observed
from churnguard_operator.policy.readiness import (
    candidate_problem,
    hopeless_problem,
    is_probe_wanted,
    standing_of,
)
from churnguard_operator.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What should serve: a revision and the name of its InferenceService with the template of now."""

    record: RevisionRecord
    inference_service: str


def roll_out(
    status: Status,
    *,
    goal: Goal | None,
    observed: Observed,
    now: datetime,
    may_start: bool,
) -> Status:
    """The status after this step of a roll-out; without a goal, what serves stays."""
    status = _with_move(status, observed=observed, now=now)
    if goal is None:
        return replace(status, candidate=None)
    serving, candidate = status.serving, status.candidate
    if serving is not None and serving.inference_service == goal.inference_service:
        return replace(status, candidate=None)
    if candidate is None or candidate.inference_service != goal.inference_service:
        return replace(status, candidate=_candidate(goal, now=now)) if may_start else status
    problem = candidate_problem(
        goal.inference_service,
        record=goal.record,
        replicas=replicas_needed(status, observed=observed),
        observed=observed,
    )
    if problem:
        return status
    return replace(status, serving=replace(candidate, since=now), candidate=None, metrics=goal.record.metrics)


def _with_move(status: Status, *, observed: Observed, now: datetime) -> Status:
    """What serves does so since its Service leads to it: when it is only now moved, the drain begins now."""
    serving = status.serving
    if serving is None or serving.inference_service is None:
        return status
    found = selected_by_service(observed)
    if found is None or found == predictor_selector(serving.inference_service):
        return status
    return replace(status, serving=replace(serving, since=now))


def selected_by_service(observed: Observed) -> Mapping[str, str] | None:
    """The labels of the pods that the stable Service leads to; None when there is no Service of ours."""
    service = observed.child("Service", observed.model.name)
    if service is None:
        return None
    selector: Mapping[str, str] = service.document.get("spec", {}).get("selector", {})
    return selector


def _candidate(goal: Goal, *, now: datetime) -> RevisionInService:
    record = goal.record
    return RevisionInService(
        revision=record.name,
        inference_service=goal.inference_service,
        algorithm=record.algorithm,
        bundle=record.bundle,
        digest=record.digest,
        trained=record.finished,
        since=now,
    )


def replicas_needed(status: Status, *, observed: Observed) -> int:
    """How many pods of a candidate must be ready before it takes over: what the old one has, at least one."""
    serving = status.serving.inference_service if status.serving else None
    return max(1, standing_of(serving, observed=observed).ready_replicas if serving else 0)


def rollout_failure(status: Status, *, observed: Observed, settings: Settings, now: datetime) -> str:
    """Why the candidate does not come up; empty while it may well do."""
    candidate = status.candidate
    if candidate is None or candidate.inference_service is None:
        return ""
    if hopeless := hopeless_problem(candidate.inference_service, observed=observed):
        return hopeless
    if candidate.since is None or now - candidate.since < settings.rollout_deadline:
        return ""
    standing = standing_of(candidate.inference_service, observed=observed)
    minutes = int(settings.rollout_deadline.total_seconds() // 60)
    return f"not up within {minutes} minutes: {standing.problem or 'its pods do not answer as they must'}"


def is_rollback(status: Status) -> bool:
    """Whether the candidate is older than what serves."""
    if status.serving is None or status.candidate is None:
        return False
    return revision_number(status.candidate.revision) < revision_number(status.serving.revision)


def drain_ends(status: Status, *, settings: Settings) -> datetime | None:
    """Until when what served before must stay; None when nothing ever served."""
    if status.serving is None or status.serving.since is None:
        return None
    return status.serving.since + settings.drain


def is_draining(status: Status, *, settings: Settings, now: datetime) -> bool:
    """Whether what served before may still get requests. A drain in the far future comes from a wrong clock."""
    ends = drain_ends(status, settings=settings)
    return ends is not None and timedelta(0) < ends - now <= settings.drain


def probes_wanted(observed: Observed) -> tuple[str, ...]:
    """InferenceServices whose pods should be asked for the score of the empty record before the next decision."""
    candidate = observed.model.status.candidate
    name = candidate.inference_service if candidate else None
    return (name,) if name is not None and is_probe_wanted(name, observed=observed) else ()
