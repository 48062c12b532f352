"""What happened to models since this process leads: counted at each status that it writes, forgotten with the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from typing import NamedTuple

from churnguard_core.churnmodel.status import RevisionInService, Status
from churnguard_core.names import revision_number
from churnguard_operator.observed import ModelView


class Happening(NamedTuple):
    """Something that is counted: the name of its metric, and the values of that metric's own labels."""

    metric: str
    labels: tuple[str, ...]


class Happenings:
    """Counts by model. A model is its uid: a namesake that comes later begins at nought."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[Happening]] = {}

    def moved(self, model: ModelView, *, to: Status) -> None:
        """A model's status was written."""
        if found := list(happenings_between(model.status, to)):
            self._counts.setdefault(model.uid, Counter()).update(found)

    def of(self, uid: str) -> Counter[Happening]:
        """What happened to a model, and how often."""
        return self._counts.get(uid, Counter())

    def forget_all_but(self, uids: Collection[str]) -> None:
        """Models that are gone."""
        for uid in self._counts.keys() - set(uids):
            del self._counts[uid]


def happenings_between(before: Status, after: Status) -> Iterator[Happening]:
    """What of a step from one status to the next is counted."""
    yield from _trainings(before, after)
    yield from _promotions(before, after)


def _trainings(before: Status, after: Status) -> Iterator[Happening]:
    known = {record.name for record in before.revisions}
    run = before.training
    for record in after.revisions:
        if record.name not in known and record.verdict is not None:
            trigger = run.trigger if run is not None and run.revision == record.name else None
            yield Happening("training_runs_total", (trigger or "", record.verdict))


def _promotions(before: Status, after: Status) -> Iterator[Happening]:
    old, new = before.serving, after.serving
    if new is not None and (old is None or old.inference_service != new.inference_service):
        yield Happening("promotions_total", ("promoted", _reason(old, new)))
    if after.candidate is not None and _has_failed(after) and not _has_failed(before):
        yield Happening("promotions_total", ("failed", _reason(after.serving, after.candidate)))


def _has_failed(status: Status) -> bool:
    return any(each.reason == "RolloutFailed" for each in status.conditions)


def _reason(old: RevisionInService | None, new: RevisionInService) -> str:
    if old is None or old.revision == new.revision:
        return "NewRevision" if old is None else "NewTemplate"
    is_older = revision_number(new.revision) < revision_number(old.revision)
    return "Rollback" if is_older else "NewRevision"
