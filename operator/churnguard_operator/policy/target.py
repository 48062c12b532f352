"""Which revision should serve: the pinned one, else the newest that was accepted."""

from __future__ import annotations

from churnguard_core.churnmodel.status import RevisionRecord, Status
from churnguard_operator.policy.history import find, is_servable, newest_accepted


def target_of(status: Status, *, pinned: str | None) -> RevisionRecord | None:
    """The record of the revision that should serve; None when none can.

    A pin to a revision that cannot serve changes nothing. A new revision with the digest of the serving one is the same
    model: nothing needs rolling out.
    """
    serving = find(status.revisions, status.serving.revision if status.serving else None)
    if pinned is not None:
        record = find(status.revisions, pinned)
        return record if record is not None and is_servable(record) else serving
    newest = newest_accepted(status.revisions)
    if newest is not None and serving is not None and newest.digest == serving.digest:
        return serving
    return newest
