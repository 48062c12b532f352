"""Blue and green: a candidate comes up beside what serves, takes over whole, and the old one drains, then goes.

    candidate None  ->  candidate comes up       as many pods as the old one has ready
                    ->  it is up and answers     the status says that it is promoted
                    ->  the Service moves        the step after, when that status is on record
                    ->  it serves                once the Service is seen to lead to it; `since` is now
                    ->  drain                    the old InferenceService stays that long, then it is deleted

The promotion goes on record before the Service moves, as a revision's number before its Job: who looks at an older
status cannot write its own, and moves nothing. That it serves is said after the Service has moved: whoever reads that a
revision serves reaches it. After a crash in between the next step goes on from what the Service leads to.

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
from churnguard_operator.policy.history import find
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
    status = _with_move(_taken_over(status, observed=observed, now=now), observed=observed, now=now)
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
    # It must still answer when the Service moves: a promotion that came to nothing is withdrawn.
    promoted = None if problem else candidate.promoted or now
    return replace(status, candidate=replace(candidate, promoted=promoted))


def _taken_over(status: Status, *, observed: Observed, now: datetime) -> Status:
    """What was promoted serves once its Service leads to it, whatever is wanted by now: it has the requests."""
    candidate = status.candidate
    if candidate is None or candidate.promoted is None or candidate.inference_service is None:
        return status
    if selected_by_service(observed) != predictor_selector(candidate.inference_service):
        return status
    record = find(status.revisions, candidate.revision)
    metrics = record.metrics if record is not None else None
    return replace(
        status, serving=replace(candidate, since=now, promoted=None), candidate=None, metrics=metrics
    )


def leads_to(status: Status) -> str | None:
    """The InferenceService that the stable Service should lead to: what was promoted, else what serves."""
    candidate = status.candidate
    if candidate is not None and candidate.promoted is not None:
        return candidate.inference_service
    return status.serving.inference_service if status.serving is not None else None


def _with_move(status: Status, *, observed: Observed, now: datetime) -> Status:
    """When the Service is only now led back to what serves, the drain of whatever it led to begins now."""
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
    otherwise = (
        "its pods do not answer as they must" if candidate.promoted is None else "its Service does not move"
    )
    return f"not up within {minutes} minutes: {standing.problem or otherwise}"


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
