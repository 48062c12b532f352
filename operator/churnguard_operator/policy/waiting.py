"""Why the pod of a training Job does not start."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal

from churnguard_core.churnmodel.status import TrainingRun
from churnguard_operator.observed import Observed, PodView

START_TIME: Final = timedelta(minutes=2)
"""How long a pod may take to start before people are told."""

_PULLING: Final = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})

WaitingReason = Literal["ImagePullFailed", "PodPending"]


def waiting_of(
    run: TrainingRun | None, *, observed: Observed, now: datetime
) -> tuple[WaitingReason, str] | None:
    """Why the running training's pod has not started, and what to do; None when it has or may yet."""
    job = observed.job(run.job) if run is not None and run.outcome is None else None
    pods = observed.pods_of(job) if job is not None else ()
    return _waiting(pods[-1], now=now) if pods else None


def _waiting(pod: PodView, *, now: datetime) -> tuple[WaitingReason, str] | None:
    if pod.is_started:
        return None
    if pod.waiting_reason in _PULLING:
        return "ImagePullFailed", f"pod {pod.name} cannot pull its image: {_said(pod)}"
    if pod.unschedulable:
        return "PodPending", f"no node takes pod {pod.name}: {pod.unschedulable}"
    if pod.waiting_reason == "CreateContainerConfigError":
        return "PodPending", f"pod {pod.name} cannot start: {_said(pod)}"
    if now - pod.created >= START_TIME:
        text = "do the Secrets and claims that the spec names exist? See the pod's events"
        return "PodPending", f"pod {pod.name} has not started for {int(START_TIME.total_seconds())} s; {text}"
    return None


def starts_late_at(run: TrainingRun | None, *, observed: Observed, now: datetime) -> datetime | None:
    """When to look again whether the pod has started."""
    job = observed.job(run.job) if run is not None and run.outcome is None else None
    late = [
        pod.created + START_TIME
        for pod in (observed.pods_of(job) if job is not None else ())
        if not pod.is_started and pod.created + START_TIME > now
    ]
    return min(late, default=None)


def _said(pod: PodView) -> str:
    return pod.waiting_message or pod.waiting_reason
