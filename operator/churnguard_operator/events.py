"""What is worth telling: one event per real change, found by comparing two statuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from churnguard_core.churnmodel.status import ConditionType, Status, StatusCondition

MOST_MESSAGE: Final = 1024


@dataclass(frozen=True, kw_only=True)
class Event:
    """An event on the ChurnModel, to be sent once the status that it tells of is written."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


_TOLD: Final[tuple[tuple[ConditionType, frozenset[str]], ...]] = (
    ("Accepted", frozenset({"InvalidSpec", "NameTaken", "DependencyMissing"})),
    ("Serving", frozenset({"InferenceServiceNotReady"})),
    ("Ready", frozenset({"RouteNotAccepted"})),
    ("Progressing", frozenset({"RolloutFailed", "AutoscalerMissing", "ImagePullFailed", "PodPending"})),
)
"""Conditions and those of their reasons that no other event tells of."""


def events_between(before: Status, after: Status) -> tuple[Event, ...]:
    """The events of a step from one status to the next."""
    return (*_training(before, after), *_rollout(before, after), *_conditions(before, after))


def _event(kind: Literal["Normal", "Warning"], reason: str, message: str) -> Event:
    return Event(type=kind, reason=reason, message=message[:MOST_MESSAGE])


def _training(before: Status, after: Status) -> Iterator[Event]:
    known = {record.name for record in before.revisions}
    for record in reversed(after.revisions):
        if record.name not in known and record.verdict != "Failed":
            accepted = record.verdict == "Accepted"
            said = f": {record.reason}" if record.reason else ""
            yield _event(
                "Normal" if accepted or record.verdict == "Superseded" else "Warning",
                f"Revision{record.verdict}",
                f"{record.name} was {(record.verdict or 'judged').lower()}{said}",
            )
    old, new = before.training, after.training
    if new is None:
        return
    is_same = old is not None and (old.revision, old.attempt) == (new.revision, new.attempt)
    if not is_same:
        yield _event("Normal", "TrainingStarted", f"{new.job} trains {new.revision} ({new.trigger})")
    failed = new.outcome not in (None, "RevisionTrained", "GateFailed", "DataRefused", "Superseded")
    if failed and new.outcome is not None and (not is_same or old is None or old.outcome is None):
        yield _event("Warning", new.outcome, f"{new.job}: {new.message}")


def _rollout(before: Status, after: Status) -> Iterator[Event]:
    old = before.candidate.inference_service if before.candidate else None
    serving = before.serving.inference_service if before.serving else None
    if after.candidate is not None and after.candidate.inference_service not in (old, serving):
        name = after.candidate.inference_service
        yield _event("Normal", "RolloutStarted", f"{after.candidate.revision} comes up as {name}")
    if after.serving is not None and after.serving.inference_service != serving:
        yield _event("Normal", "RevisionServing", f"{after.serving.revision} takes over all requests")


def _conditions(before: Status, after: Status) -> Iterator[Event]:
    for kind, reasons in _TOLD:
        old, new = _condition(before, kind), _condition(after, kind)
        if new is None:
            continue
        if new.reason in reasons and (old is None or old.reason != new.reason):
            yield _event("Warning", new.reason, new.message)
    old, new = _condition(before, "Serving"), _condition(after, "Serving")
    is_mended = old is not None and old.reason == "InferenceServiceNotReady"
    if is_mended and new is not None and new.status == "True":
        yield _event("Normal", "ServingRecovered", new.message)


def _condition(status: Status, kind: ConditionType) -> StatusCondition | None:
    return next((each for each in status.conditions if each.type == kind), None)
