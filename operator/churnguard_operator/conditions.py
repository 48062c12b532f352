"""The five conditions: observations, each with a reason of the closed set and a message that says what to do.

| situation                    | Ready | Trained               | Serving               | Progressing           |
|---|---|---|---|---|
| first training runs          | False | False TrainingRunning | False NoRevision      | True TrainingRunning  |
| serves, spec satisfied       | True  | True                  | True                  | False UpToDate        |
| retrain rejected or failed   | True  | True (older revision) | True                  | False GateFailed, ... |
| edited, training rejected    | False | False GateFailed      | True (older revision) | False GateFailed      |
| candidate does not come up   | True  | True                  | True (older revision) | False RolloutFailed   |
| its Gateway takes no route   | False | True                  | True                  | False RouteNotAccepted |
| serving pods are down        | False | True                  | False InferenceServiceNotReady | ...          |
| spec invalid, name taken     | False | ...                   | ...                   | False, as Accepted    |
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from churnguard_core.churnmodel.status import (
    REASONS_OF,
    ConditionReason,
    ConditionStatus,
    ConditionType,
    RevisionRecord,
    Status,
    StatusCondition,
)
from churnguard_operator.policy.acceptance import Finding
from churnguard_operator.policy.routing import RouteProblem
from churnguard_operator.policy.training import is_active, is_retrying, is_running

MOST_MESSAGE: Final = 4096


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What conditions are made from, beside the status.

    Args:
        obstacle: Why the ChurnModel cannot be acted on.
        satisfied_by: The accepted revision that was trained from the spec as it is.
        serving_problem: Why what serves does not answer; empty when it does.
        rollout_failure: Why the candidate does not come up; empty when it may.
        is_rollback: Whether the candidate is older than what serves.
        training_obstacle: Why the training pod does not start; None when it does.
        is_suspended: Whether nothing new is started.
        route_problem: Why callers do not come by the route; None when they do, or none is asked for.
        autoscaler_problem: What scaling by requests lacks; empty when it is not asked for.
        is_tried: Whether the last training was made from the spec as it is.
    """

    obstacle: Finding | None = None
    satisfied_by: RevisionRecord | None = None
    serving_problem: str = ""
    rollout_failure: str = ""
    is_rollback: bool = False
    training_obstacle: tuple[ConditionReason, str] | None = None
    is_suspended: bool = False
    route_problem: RouteProblem | None = None
    autoscaler_problem: str = ""
    is_tried: bool = True


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A condition without its times."""

    status: ConditionStatus
    reason: ConditionReason
    message: str


def conditions_of(
    status: Status, seen: Seen, *, generation: int, now: datetime
) -> tuple[StatusCondition, ...]:
    """All five, in the order that people read them."""
    accepted = _accepted(seen)
    trained = _trained(status, seen)
    serving = _serving(status, seen)
    progressing = _progressing(status, seen)
    verdicts: dict[ConditionType, Verdict] = {
        "Ready": _ready(accepted, trained, serving, progressing, route=_unrouted(status, seen)),
        "Accepted": accepted,
        "Trained": trained,
        "Serving": serving,
        "Progressing": progressing,
    }
    before = {condition.type: condition for condition in status.conditions}
    return tuple(
        _timed(kind, verdict, before=before.get(kind), generation=generation, now=now)
        for kind, verdict in verdicts.items()
    )


def _timed(
    kind: ConditionType,
    verdict: Verdict,
    *,
    before: StatusCondition | None,
    generation: int,
    now: datetime,
) -> StatusCondition:
    same = before is not None and before.status == verdict.status
    return StatusCondition(
        type=kind,
        status=verdict.status,
        reason=verdict.reason,
        message=verdict.message[:MOST_MESSAGE],
        observed_generation=generation,
        last_transition_time=before.last_transition_time if before is not None and same else now,
    )


def _accepted(seen: Seen) -> Verdict:
    if seen.obstacle is not None:
        return Verdict(status="False", reason=seen.obstacle.reason, message=seen.obstacle.message)
    return Verdict(status="True", reason="SpecAccepted", message="the spec is valid")


def _trained(status: Status, seen: Seen) -> Verdict:
    run = status.training
    if seen.obstacle is not None and seen.obstacle.reason == "InvalidSpec":
        return _as_before(status, "Trained", otherwise="the spec is invalid: nothing is trained from it")
    if seen.satisfied_by is not None:
        name = seen.satisfied_by.name
        return Verdict(status="True", reason="RevisionTrained", message=f"{name} met its gates")
    if run is None or not seen.is_tried:
        return Verdict(status="False", reason="Pending", message="not trained from this spec yet")
    if is_running(run):
        if seen.is_suspended and run.started is None:
            return Verdict(
                status="False", reason="Pending", message=f"{run.revision} waits until spec.suspend is false"
            )
        if seen.training_obstacle is not None:
            reason, message = seen.training_obstacle
            return Verdict(status="False", reason=reason, message=message)
        return Verdict(
            status="False", reason="TrainingRunning", message=f"Job {run.job} trains {run.revision}"
        )
    reason = _reason_of_end(status)
    return Verdict(status="False", reason=reason, message=f"{run.revision}: {run.message or reason}")


def _as_before(status: Status, kind: ConditionType, *, otherwise: str) -> Verdict:
    for condition in status.conditions:
        if condition.type == kind:
            return Verdict(status=condition.status, reason=condition.reason, message=condition.message)
    return Verdict(status="False", reason="Pending", message=otherwise)


def _reason_of_end(status: Status) -> ConditionReason:
    outcome = status.training.outcome if status.training else None
    # Superseded is followed by another training at once; its record may have been written and that one's not.
    return "Pending" if outcome is None or outcome == "Superseded" else outcome


def _serving(status: Status, seen: Seen) -> Verdict:
    if status.serving is None:
        return Verdict(status="False", reason="NoRevision", message="no revision has been rolled out yet")
    name = status.serving.revision
    if seen.serving_problem:
        message = f"{name} does not answer: {seen.serving_problem}"
        return Verdict(status="False", reason="InferenceServiceNotReady", message=message)
    return Verdict(status="True", reason="RevisionServing", message=f"{name} answers")


def _progressing(status: Status, seen: Seen) -> Verdict:
    policies = (_unacceptable, _rolling_out, _training, _unrouted, _suspended, _stuck, _stopped, _unscaled)
    for policy in policies:
        if (verdict := policy(status, seen)) is not None:
            return verdict
    if seen.satisfied_by is None:
        return Verdict(status="False", reason="Pending", message="a training will start")
    return Verdict(status="False", reason="UpToDate", message="nothing to do until the next training")


def _unacceptable(_: Status, seen: Seen) -> Verdict | None:
    if seen.obstacle is None:
        return None
    return Verdict(status="False", reason=seen.obstacle.reason, message=seen.obstacle.message)


def _rolling_out(status: Status, seen: Seen) -> Verdict | None:
    if status.candidate is None or seen.rollout_failure:
        return None
    verb = "comes back" if seen.is_rollback else "comes up"
    reason: ConditionReason = "RollbackInProgress" if seen.is_rollback else "RolloutInProgress"
    still = f"; {status.serving.revision} serves until it answers" if status.serving else ""
    return Verdict(status="True", reason=reason, message=f"{status.candidate.revision} {verb}{still}")


def _training(status: Status, seen: Seen) -> Verdict | None:
    run = status.training
    if run is None or not is_active(status):
        return None
    if seen.is_suspended and (run.started is None or is_retrying(status)):
        return None
    if is_retrying(status):
        when = f" at {status.retry_after.isoformat()}" if status.retry_after else ""
        what = f"attempt {run.attempt or 1} of {run.revision} ended as {run.outcome}"
        message = f"{what}, tried again{when}: {run.message}"
        return Verdict(status="True", reason="TrainingRetrying", message=message)
    if seen.training_obstacle is not None:
        reason, message = seen.training_obstacle
        return Verdict(status="False", reason=reason, message=message)
    why = {"SpecChanged": "the spec changed", "Schedule": "it was due", "Request": "it was asked for"}
    message = f"Job {run.job} trains {run.revision}: {why.get(run.trigger or '', 'it was due')}"
    return Verdict(status="True", reason="TrainingRunning", message=message)


def _unrouted(status: Status, seen: Seen) -> Verdict | None:
    problem = seen.route_problem
    if problem is None or status.serving is None:
        return None
    message = f"{status.serving.revision} serves in the cluster; {problem.message}"
    if problem.is_settled:
        return Verdict(status="False", reason="RouteNotAccepted", message=message)
    return Verdict(status="True", reason="RolloutInProgress", message=message)


def _suspended(_: Status, seen: Seen) -> Verdict | None:
    if not seen.is_suspended:
        return None
    message = "spec.suspend is true: nothing new is started; set it to false to go on"
    return Verdict(status="False", reason="Suspended", message=message)


def _stuck(status: Status, seen: Seen) -> Verdict | None:
    if status.candidate is None or not seen.rollout_failure:
        return None
    message = f"{status.candidate.revision} does not come up: {seen.rollout_failure}"
    still = f"; {status.serving.revision} goes on serving" if status.serving else ""
    return Verdict(status="False", reason="RolloutFailed", message=message + still)


def _stopped(status: Status, seen: Seen) -> Verdict | None:
    run = status.training
    if run is None or run.outcome in (None, "RevisionTrained", "Superseded"):
        return None
    if seen.satisfied_by is not None and not seen.is_tried:
        # The edit that it was made for was taken back.
        return None
    hint = "edit the spec, or set the annotation churnguard.dev/train-requested-at to train again"
    message = f"{run.revision}: {run.message or run.outcome}; {hint}"
    return Verdict(status="False", reason=_reason_of_end(status), message=message)


def _unscaled(_: Status, seen: Seen) -> Verdict | None:
    if not seen.autoscaler_problem:
        return None
    message = f"scaling by requestsPerSecond waits: {seen.autoscaler_problem}; pods follow the CPU meanwhile"
    return Verdict(status="False", reason="AutoscalerMissing", message=message)


def _ready(
    accepted: Verdict, trained: Verdict, serving: Verdict, progressing: Verdict, *, route: Verdict | None
) -> Verdict:
    verdicts = (accepted, trained, serving)
    if all(verdict.status == "True" for verdict in verdicts):
        if route is not None:
            # Who asks for a route waits for callers to come by it.
            return Verdict(status="False", reason=route.reason, message=route.message)
        return Verdict(status="True", reason="RevisionServing", message=serving.message)
    # What is broken now comes before what is yet to come.
    is_down = serving.reason == "InferenceServiceNotReady"
    order = (accepted, serving, trained) if is_down else (accepted, trained, serving)
    first = next(verdict for verdict in order if verdict.status != "True")
    if first.reason in ("NoRevision", "Pending") and progressing.reason in REASONS_OF["Ready"]:
        # Why there is none yet says more.
        first = progressing
    return Verdict(status="False", reason=first.reason, message=first.message)
