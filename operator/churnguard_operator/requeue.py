"""When to look at a ChurnModel again though nothing happens to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from churnguard_core.churnmodel.status import Status
from churnguard_operator.observed import Observed
from churnguard_operator.policy.readiness import standing_of
from churnguard_operator.policy.rollout import drain_ends, leads_to
from churnguard_operator.policy.routing import answer_due
from churnguard_operator.policy.training import is_running
from churnguard_operator.policy.waiting import starts_late_at
from churnguard_operator.settings import Settings

BLOCKED_INTERVAL: Final = timedelta(seconds=5)
AT_ONCE: Final = timedelta(0)


def requeue_after(
    status: Status, *, observed: Observed, settings: Settings, now: datetime, is_blocked: bool
) -> timedelta | None:
    """How long from now; None when only an event can change anything."""
    written = observed.model.status
    if is_running(status.training) and status.training != written.training:
        # The number is on record once this status is written; its Job is the next step.
        return AT_ONCE
    if leads_to(status) != leads_to(written) or status.serving != written.serving:
        # So is what was promoted; its Service moves next.
        return AT_ONCE
    moments = [moment for moment in _moments(status, observed, settings, now) if moment is not None]
    waits = [moment - now for moment in moments if moment > now]
    if is_blocked:
        waits.append(BLOCKED_INTERVAL)
    candidate = status.candidate.inference_service if status.candidate is not None else None
    if candidate is not None and standing_of(candidate, observed=observed).is_up:
        # Its pods are up: only asking them again tells when they answer as they must.
        waits.append(settings.probe_interval)
    return min(waits, default=None)


def _moments(
    status: Status, observed: Observed, settings: Settings, now: datetime
) -> Iterator[datetime | None]:
    yield status.next_training_time
    # A scheduled run may be held back by failures.
    yield status.retry_after
    yield drain_ends(status, settings=settings)
    parsed = observed.model.parsed
    yield answer_due(parsed.spec.serving.route if parsed is not None else None, observed=observed)
    yield starts_late_at(status.training, observed=observed, now=now)
    if status.candidate is not None and status.candidate.since is not None:
        yield status.candidate.since + settings.rollout_deadline
    job = observed.job(status.training.job) if status.training is not None else None
    if job is not None and job.finished is not None and is_running(status.training):
        yield job.finished + settings.result_grace
