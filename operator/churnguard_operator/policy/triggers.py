"""When to train: the spec changed, the schedule says so, somebody asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from churnguard_core.churnmodel.status import RevisionRecord, Status
from churnguard_core.churnmodel.types import Schedule
from churnguard_core.names import ANNOTATION_TRAIN_REQUESTED_AT
from churnguard_operator.observed import ModelView
from churnguard_operator.policy.history import newest_accepted
from churnguard_operator.policy.schedule import last_run, next_run

MOST_REQUEST: Final = 64
"""Characters of a request that status can echo."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The hashes of the spec as it is now."""

    inputs_hash: str
    job_hash: str


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """Why a training is due."""

    kind: Literal["SpecChanged", "Schedule", "Request"]


def due_trigger(
    model: ModelView, status: Status, *, wanted: Wanted, schedule: Schedule | None, now: datetime
) -> Trigger | None:
    """Why a training is due now; the spec comes before people, people before the clock."""
    if spec_is_untried(status, wanted=wanted):
        return Trigger(kind="SpecChanged")
    if (request := request_of(model)) is not None and request != status.handled_train_request:
        return Trigger(kind="Request")
    if due_run(model, status, schedule=schedule, now=now) is not None:
        return Trigger(kind="Schedule")
    return None


def request_of(model: ModelView) -> str | None:
    """The request to train now, as status would echo it."""
    value = model.annotations.get(ANNOTATION_TRAIN_REQUESTED_AT)
    return value[:MOST_REQUEST] if value else None


def due_run(model: ModelView, status: Status, *, schedule: Schedule | None, now: datetime) -> datetime | None:
    """The scheduled run that is due, the last one of those that were missed."""
    if schedule is None:
        return None
    return last_run(schedule, after=_last_time(model, status, now=now), until=now)


def next_training(schedule: Schedule | None, *, now: datetime) -> datetime | None:
    """When the schedule starts the next training."""
    return None if schedule is None else next_run(schedule, after=now)


def spec_is_satisfied(status: Status, *, wanted: Wanted) -> RevisionRecord | None:
    """The newest accepted revision, when it was trained from the spec as it is now."""
    record = newest_accepted(status.revisions)
    return record if record is not None and record.inputs_hash == wanted.inputs_hash else None


def spec_is_untried(status: Status, *, wanted: Wanted) -> bool:
    """Whether the spec as it is now has neither an accepted revision nor a training that says why not.

    A training that failed is tried again when anything that its Job is made from was changed since.
    """
    if spec_is_satisfied(status, wanted=wanted) is not None:
        return False
    last = status.training
    if last is None or last.inputs_hash != wanted.inputs_hash or last.outcome in ("Superseded",):
        return True
    return last.outcome not in (None, "RevisionTrained", "GateFailed") and last.job_hash != wanted.job_hash


def _last_time(model: ModelView, status: Status, *, now: datetime) -> datetime:
    # A time to come was written by a clock that was wrong; the schedule must not wait for it.
    return min(status.last_schedule_time or model.created, now)
