"""How a training Job ended, from the Job, its pod and the result that the pod left."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from churnguard_core.churnmodel.status import TrainingOutcome
from churnguard_core.names import bundle_path
from churnguard_core.result import EXIT_REFUSED, TrainingResult, decode_result
from churnguard_core.undecodable import UNDECODABLE
from churnguard_operator.observed import JobView, ModelView, PodView

MOST_MESSAGE: Final = 1000
MOST_URI: Final = 1280
"""Bound of status."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

RETRIED: Final[frozenset[TrainingOutcome]] = frozenset(
    {"TrainingFailed", "Evicted", "JobVanished", "ResultMissing", "StoreUnreachable"}
)
"""Ends after which the same training may go well. Memory and deadline would be too small again, data refused again."""

_UNREACHABLE: Final = frozenset({"StoreUnreachable", "ChampionUnreadable"})


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a training ended; ``result`` only where it was trained, whatever its gates say."""

    outcome: TrainingOutcome
    message: str
    finished: datetime
    result: TrainingResult | None = None


def ending_of(
    *,
    model: ModelView,
    revision: str,
    job: JobView,
    pods: tuple[PodView, ...],
    now: datetime,
    grace: timedelta,
) -> Ending | None:
    """How a Job ended; None while it runs, or while its pod's result may still come to sight.

    Args:
        model: Whose Job it is.
        revision: What it trains.
        job: The Job.
        pods: The Job's own pods, the newest last.
        now: The present.
        grace: How long after the Job's end to wait for its pod's.
    """
    if job.is_active:
        return None
    finished = job.finished or now
    if job.reason == "DeadlineExceeded":
        text = "stopped at its deadline: raise spec.training.deadlineSeconds, or search less"
        return Ending(outcome="DeadlineExceeded", message=text, finished=finished)
    ended = [pod for pod in pods if pod.exit_code is not None or pod.is_disrupted]
    if not ended:
        if now - finished < grace:
            return None
        return _without_pod(job, finished=finished)
    outcome, message, result = _end_of_pod(
        ended[-1], model=model, revision=revision, is_complete=job.state == "Complete"
    )
    return Ending(outcome=outcome, message=_cut(message), finished=finished, result=result)


def vanished(job: str, *, now: datetime) -> Ending:
    """The end of a Job that was there and is there no more."""
    text = f"Job {job} was deleted before its result was seen"
    return Ending(outcome="JobVanished", message=text, finished=now)


def _without_pod(job: JobView, *, finished: datetime) -> Ending:
    text = f"Job {job.name} ended and its pod is gone, and with it the result"
    return Ending(outcome="ResultMissing", message=f"{text}: {job.message}".rstrip(": "), finished=finished)


def _end_of_pod(
    pod: PodView, *, model: ModelView, revision: str, is_complete: bool
) -> tuple[TrainingOutcome, str, TrainingResult | None]:
    result = _result(pod.exit_message)
    if is_complete:
        problem = _problem(result, model=model, revision=revision)
        if result is None or problem:
            return "ResultMissing", f"the pod ended well and left {problem or 'no result'}", None
        return "RevisionTrained", result.message, result
    if pod.exit_reason == "OOMKilled":
        text = "the pod needed more memory than it may have: raise spec.training.resources.memory"
        return "OutOfMemory", text, None
    if pod.is_disrupted:
        return "Evicted", f"pod {pod.name} was evicted from its node", None
    if pod.exit_code == EXIT_REFUSED and result is not None and result.verdict == "Refused":
        outcome: TrainingOutcome = "StoreUnreachable" if result.reason in _UNREACHABLE else "DataRefused"
        return outcome, f"{result.reason}: {result.message}", None
    said = result.message if result is not None else pod.exit_message.strip()
    return "TrainingFailed", f"exit code {pod.exit_code}: {said or 'without a word; see its log'}", None


def _result(message: str) -> TrainingResult | None:
    try:
        return decode_result(message)
    except UNDECODABLE:
        return None


def _problem(result: TrainingResult | None, *, model: ModelView, revision: str) -> str:
    """What is wrong with the result of a Job that ended well; empty when nothing is."""
    if result is None:
        return "no result that can be read"
    if result.revision != revision:
        return f"the result of {result.revision[:60]}"
    if result.verdict != "Trained" or result.bundle is None or result.empty_score is None:
        return "a result without a bundle and what it answers"
    if not _DIGEST.fullmatch(result.bundle.digest):
        return "a result whose bundle has no digest"
    # What a pod says is believed within its bounds: a bundle of this revision, at the place that is made for it.
    place = bundle_path(
        namespace=model.namespace, model=model.name, revision=revision, digest=result.bundle.digest
    )
    if not result.bundle.uri.endswith(f"/{place}") or len(result.bundle.uri) > MOST_URI:
        return "a result whose bundle is in a place that is not its own"
    return ""


def _cut(message: str) -> str:
    # The end holds the hint what to do.
    return message if len(message) <= MOST_MESSAGE else f"{message[:700]} … {message[-290:]}"
