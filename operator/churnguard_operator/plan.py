"""What is to be done, as data: apply, then write the status, then delete, then tell of it.

Nothing is deleted by a plan whose status could not be written: it was made from something that is no longer so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from churnguard_core.churnmodel.status import Status
from churnguard_operator.drift import has_drifted
from churnguard_operator.events import Event
from churnguard_operator.observed import Child, Document, JobView, Observed


@dataclass(frozen=True, kw_only=True)
class Deletion:
    """An object to delete, and only this one: an object of the same name that is newer has another uid."""

    api_version: str
    kind: str
    name: str
    uid: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One step towards what is wanted.

    Args:
        apply: Objects to apply server-side, in this order.
        delete: Objects to delete, with their dependents, in the background.
        status: The status to write with the resourceVersion that was seen; None when it is written already.
        events: What to tell once the status is written.
        requeue_after: When to look again though nothing happens; None when there is no reason to.
    """

    apply: tuple[Document, ...] = ()
    delete: tuple[Deletion, ...] = ()
    status: Status | None = None
    events: tuple[Event, ...] = ()
    requeue_after: timedelta | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be written."""
        return not self.apply and not self.delete and self.status is None


def to_apply(wanted: Iterable[Document], *, observed: Observed) -> tuple[Document, ...]:
    """The wanted objects that are missing or differ.

    An object of the same name that is not ours is left alone; one on its way out must be gone first. A Job that is
    there stays as it is: its template cannot change.
    """
    return tuple(document for document in wanted if _is_to_apply(document, observed=observed))


def _is_to_apply(document: Document, *, observed: Observed) -> bool:
    kind, name = document["kind"], document["metadata"]["name"]
    if (kind, name) in observed.foreign:
        return False
    if kind == "Job":
        return observed.job(name) is None
    child = observed.child(kind, name)
    return child is None or (not child.is_deleting and has_drifted(document, found=child.document))


def is_blocked(wanted: Iterable[Document], *, observed: Observed) -> bool:
    """Whether an object that is wanted must wait for one of its name to go."""
    return any(
        (kind, name) in observed.foreign
        or ((child := observed.child(kind, name)) is not None and child.is_deleting)
        for kind, name in ((document["kind"], document["metadata"]["name"]) for document in wanted)
    )


def deletion_of(child: Child | JobView) -> Deletion:
    """How to name an object that is to be deleted."""
    if isinstance(child, JobView):
        return Deletion(api_version="batch/v1", kind="Job", name=child.name, uid=child.uid)
    return Deletion(api_version=child.api_version, kind=child.kind, name=child.name, uid=child.uid)
