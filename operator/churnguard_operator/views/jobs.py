"""Jobs and pods as the operator sees them."""

from __future__ import annotations

from typing import Final, Literal

from churnguard_core.names import LABEL_REVISION
from churnguard_operator.names import LABEL_INFERENCE_SERVICE, LABEL_PURPOSE
from churnguard_operator.observed import Document, JobView, PodView
from churnguard_operator.views.fields import (
    condition,
    controller_uid,
    created,
    entries,
    is_deleting,
    is_true,
    mapping,
    text,
    time,
)

JOB_LABELS: Final = ("batch.kubernetes.io/job-name", "job-name")
CONTAINERS: Final = ("train", "prune", "kserve-container")


def view_job(document: Document) -> JobView:
    """A Job and how it ended."""
    labels = mapping(document, "metadata", "labels")
    state, final = _end(document)
    return JobView(
        name=text(document, "metadata", "name"),
        uid=text(document, "metadata", "uid"),
        purpose="Prune" if labels.get(LABEL_PURPOSE) == "prune" else "Training",
        revision=text(labels, LABEL_REVISION) or None,
        created=created(document),
        state=state,
        reason=text(final, "reason"),
        message=text(final, "message"),
        finished=time(final, "lastTransitionTime"),
        is_deleting=is_deleting(document),
    )


def _end(document: Document) -> tuple[Literal["Active", "Complete", "Failed"], Document]:
    complete, failed = condition(document, "Complete"), condition(document, "Failed")
    if is_true(complete):
        return "Complete", complete
    return ("Failed", failed) if is_true(failed) else ("Active", {})


def view_pod(document: Document) -> PodView:
    """A pod and the state of its main container."""
    labels = mapping(document, "metadata", "labels")
    container = _main_container(document)
    ended = mapping(container, "state", "terminated") or mapping(container, "lastState", "terminated")
    waiting = mapping(container, "state", "waiting")
    scheduled = condition(document, "PodScheduled")
    exit_code = ended.get("exitCode")
    return PodView(
        name=text(document, "metadata", "name"),
        created=created(document),
        job=next((text(labels, name) for name in JOB_LABELS if name in labels), None),
        owner_uid=controller_uid(document),
        inference_service=text(labels, LABEL_INFERENCE_SERVICE) or None,
        exit_code=exit_code if type(exit_code) is int else None,
        exit_reason=text(ended, "reason"),
        exit_message=text(ended, "message"),
        waiting_reason=text(waiting, "reason"),
        waiting_message=text(waiting, "message"),
        unschedulable=text(scheduled, "message") if scheduled.get("status") == "False" else "",
        is_started="running" in mapping(container, "state") or bool(ended),
        is_disrupted=text(document, "status", "reason") in ("Evicted", "Preempting", "NodeLost", "Shutdown")
        or is_true(condition(document, "DisruptionTarget")),
    )


def _main_container(document: Document) -> Document:
    found = entries(document, "status", "containerStatuses")
    return next((each for each in found if each.get("name") in CONTAINERS), {})
