"""The decision: from what is seen to what is to be done. Pure, total and deterministic.

    observed  ->  is the spec acceptable  ->  trainings  ->  roll-out  ->  history  ->  status
                                                                                      |
                                          what should exist, what should go, conditions, events

Steps are small: whatever is decided twice, after a crash in between say, is decided the same, and what has been done
is not done again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from msgspec.structs import replace

from churnguard_core.churnmodel.status import Status
from churnguard_core.churnmodel.types import ChurnModel, Store
from churnguard_operator.children.inferenceservice import name_of
from churnguard_operator.conditions import Seen, conditions_of
from churnguard_operator.events import events_between
from churnguard_operator.names import prune_job_name
from churnguard_operator.observed import Child, JobView, Observed
from churnguard_operator.plan import Plan, deletion_of, is_blocked, to_apply
from churnguard_operator.policy.acceptance import Finding, find_obstacle, store_of
from churnguard_operator.policy.inputs import inputs_hash, job_hash
from churnguard_operator.policy.readiness import serving_problem
from churnguard_operator.policy.retention import (
    bundles_to_keep,
    children_to_delete,
    inference_services_to_keep,
    is_pruning,
    jobs_to_delete,
    with_trimmed_history,
)
from churnguard_operator.policy.rollout import (
    Goal,
    is_draining,
    is_rollback,
    roll_out,
    rollout_failure,
)
from churnguard_operator.policy.routing import route_problem
from churnguard_operator.policy.scaling import missing_for_requests
from churnguard_operator.policy.target import target_of
from churnguard_operator.policy.training import Situation, advance
from churnguard_operator.policy.triggers import Wanted, next_training, spec_is_satisfied
from churnguard_operator.policy.waiting import waiting_of
from churnguard_operator.requeue import requeue_after
from churnguard_operator.settings import Settings
from churnguard_operator.wanted import Wanting, predictor_of, wanted_objects


@dataclass(frozen=True, kw_only=True)
class Step:
    """A ChurnModel that can be read, and a place for its bundles: what all but the very first checks need."""

    observed: Observed
    model: ChurnModel
    store: Store
    obstacle: Finding | None
    settings: Settings
    now: datetime

    @property
    def may_start(self) -> bool:
        """Whether anything new may be started."""
        return self.obstacle is None and not self.model.spec.suspend

    @cached_property
    def wanted(self) -> Wanted:
        """The hashes of the spec."""
        return Wanted(inputs_hash=inputs_hash(self.model), job_hash=job_hash(self.model, store=self.store))


def decide(observed: Observed, *, settings: Settings, now: datetime) -> Plan:
    """What to do about a ChurnModel.

    Args:
        observed: What is seen of it. Its status is the one that was written last.
        settings: The operator's.
        now: The present, with a time zone.
    """
    if observed.model.is_deleting:
        # Its children go with it.
        return Plan()
    now = now.replace(microsecond=0)
    obstacle = find_obstacle(observed, settings=settings)
    model = observed.model.parsed
    store = store_of(model, settings=settings) if model is not None else None
    if model is None or store is None:
        return _only_conditions(observed, obstacle=obstacle, now=now)
    step = Step(observed=observed, model=model, store=store, obstacle=obstacle, settings=settings, now=now)
    return _plan(step, _next_status(step))


def _only_conditions(observed: Observed, *, obstacle: Finding | None, now: datetime) -> Plan:
    """Nothing is done about an invalid spec; what serves goes on."""
    before = observed.model.status
    seen = Seen(obstacle=obstacle, serving_problem=_serving_problem(before, observed))
    generation = observed.model.generation
    status = replace(
        before,
        observed_generation=generation,
        conditions=conditions_of(before, seen, generation=generation, now=now),
    )
    return Plan(
        status=None if status == before else status,
        events=events_between(before, status),
    )


def _next_status(step: Step) -> Status:
    observed, model = step.observed, step.model
    situation = Situation(
        observed=observed,
        model=model,
        store=step.store,
        wanted=step.wanted,
        settings=step.settings,
        now=step.now,
        may_start=step.may_start and not is_pruning(observed),
    )
    status = advance(observed.model.status, situation)
    status = roll_out(
        status, goal=_goal(status, step), observed=observed, now=step.now, may_start=step.may_start
    )
    status = with_trimmed_history(status, model=model)
    schedule = model.spec.training.schedule if step.may_start else None
    generation = observed.model.generation
    url = f"http://{observed.model.name}.{observed.model.namespace}.svc" if status.serving else None
    return replace(
        status,
        url=url,
        observed_generation=generation,
        next_training_time=next_training(schedule, now=step.now),
        conditions=conditions_of(status, _seen(status, step), generation=generation, now=step.now),
    )


def _goal(status: Status, step: Step) -> Goal | None:
    record = target_of(status, pinned=step.model.spec.serving.revision)
    if record is None:
        return None
    predictor = predictor_of(
        record, model=step.model, store=step.store, observed=step.observed, settings=step.settings
    )
    return Goal(
        record=record,
        inference_service=name_of(step.observed.model, predictor, settings=step.settings),
    )


def _seen(status: Status, step: Step) -> Seen:
    observed, serving = step.observed, step.model.spec.serving
    run = status.training
    scaling = serving.autoscaling.metric == "requestsPerSecond"
    return Seen(
        obstacle=step.obstacle,
        satisfied_by=spec_is_satisfied(status, wanted=step.wanted),
        serving_problem=_serving_problem(status, observed),
        rollout_failure=rollout_failure(status, observed=observed, settings=step.settings, now=step.now),
        is_rollback=is_rollback(status),
        training_obstacle=waiting_of(run, observed=observed, now=step.now),
        is_suspended=step.model.spec.suspend,
        route_problem=route_problem(serving.route, observed=observed, now=step.now),
        autoscaler_problem=missing_for_requests(observed, settings=step.settings) if scaling else "",
        is_tried=run is not None and run.inputs_hash == step.wanted.inputs_hash,
    )


def _serving_problem(status: Status, observed: Observed) -> str:
    name = status.serving.inference_service if status.serving else None
    return serving_problem(name, observed=observed) if name else ""


def _plan(step: Step, status: Status) -> Plan:
    observed, before = step.observed, step.observed.model.status
    wanting = Wanting(
        observed=observed,
        model=step.model,
        store=step.store,
        status=status,
        settings=step.settings,
        now=step.now,
        may_start=step.may_start,
    )
    wanted = wanted_objects(wanting)
    draining = is_draining(status, settings=step.settings, now=step.now)
    kept = inference_services_to_keep(observed, status, is_draining=draining)
    keep = bundles_to_keep(status, model=step.model)
    prune = prune_job_name(model=observed.model.name, keep=keep) if keep else None
    gone: tuple[Child | JobView, ...] = (
        *jobs_to_delete(observed, status, prune_job=prune, settings=step.settings),
        *children_to_delete(observed, status, kept=kept, model=step.model),
    )
    return Plan(
        apply=to_apply(wanted, observed=observed),
        delete=tuple(map(deletion_of, gone)),
        status=None if status == before else status,
        events=events_between(before, status),
        requeue_after=_requeue_after(status, step, is_blocked=is_blocked(wanted, observed=observed)),
    )


def _requeue_after(status: Status, step: Step, *, is_blocked: bool) -> timedelta | None:
    return requeue_after(
        status, observed=step.observed, settings=step.settings, now=step.now, is_blocked=is_blocked
    )
