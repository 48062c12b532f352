"""Which children and bundles stay."""

from __future__ import annotations

from msgspec.structs import replace

from churnguard_core.churnmodel.status import Status
from churnguard_core.churnmodel.types import ChurnModel
from churnguard_core.names import LABEL_REVISION
from churnguard_operator.children.traffic import predictor_selector
from churnguard_operator.names import LABEL_INFERENCE_SERVICE, LABEL_PURPOSE
from churnguard_operator.observed import Child, JobView, Observed
from churnguard_operator.policy.history import bundle_names, newest_accepted, trimmed
from churnguard_operator.policy.rollout import leads_to, selected_by_service
from churnguard_operator.policy.training import is_active, is_running
from churnguard_operator.settings import Settings


def with_trimmed_history(status: Status, *, model: ChurnModel) -> Status:
    """The status with the history that the ChurnModel asks for."""
    newest = newest_accepted(status.revisions)
    in_use = {
        # Where a pin holds another one, this is what its end goes back to.
        newest.name if newest else None,
        status.serving.revision if status.serving else None,
        status.candidate.revision if status.candidate else None,
        status.training.revision if status.training else None,
        model.spec.serving.revision,
    }
    kept = trimmed(status.revisions, most=model.spec.history.revisions, in_use=in_use)
    return replace(status, revisions=kept)


def bundles_to_keep(status: Status, *, model: ChurnModel) -> tuple[str, ...]:
    """The bundles that stay when it is time to delete the others; empty when it is not.

    Never while a training runs or will run: what it stores is not on record yet and would go.
    """
    beyond_history = (status.last_revision or 0) > model.spec.history.revisions
    if not beyond_history or is_active(status):
        return ()
    return bundle_names(status.revisions)


def is_pruning(observed: Observed) -> bool:
    """Whether bundles are being deleted: no training may store one meanwhile."""
    return any(job.purpose == "Prune" and job.is_active for job in observed.jobs)


def jobs_to_delete(
    observed: Observed, status: Status, *, prune_job: str | None, settings: Settings
) -> tuple[JobView, ...]:
    """Jobs that run and should not, and finished ones beyond those that stay for people to read."""
    run = status.training
    current = run.job if run is not None and run.outcome != "Superseded" else None
    trainings = [job for job in observed.jobs if job.purpose == "Training" and job.name != current]
    finished = sorted(
        (job for job in trainings if not job.is_active), key=lambda job: (job.created, job.name), reverse=True
    )
    room = settings.finished_jobs - (1 if observed.job(current) is not None else 0)
    prunes = [
        job
        for job in observed.jobs
        if job.purpose == "Prune" and not job.is_active and job.name != prune_job and prune_job is not None
    ]
    running = [job for job in trainings if job.is_active]
    return tuple(job for job in (*running, *finished[max(0, room) :], *prunes) if not job.is_deleting)


def inference_services_to_keep(observed: Observed, status: Status, *, is_draining: bool) -> frozenset[str]:
    """Names of the InferenceServices that stay: what serves, what served until now, what is to serve."""
    written = observed.model.status
    named = [
        each.inference_service
        for each in (written.serving, status.serving, status.candidate)
        if each is not None and each.inference_service is not None
    ]
    if (promoted := leads_to(written)) is not None:
        # The Service may have been moved to it by an answer that got lost.
        named.append(promoted)
    existing = [view.name for view in observed.inference_services]
    selector = selected_by_service(observed)
    selected = [name for name in existing if predictor_selector(name) == selector]
    return frozenset([*named, *selected, *(existing if is_draining else ())])


def children_to_delete(
    observed: Observed, status: Status, *, kept: frozenset[str], model: ChurnModel
) -> tuple[Child, ...]:
    """Children whose purpose is gone."""
    return tuple(
        child
        for child in observed.children
        if not child.is_deleting and not _has_purpose(child, status, kept=kept, model=model)
    )


def _has_purpose(child: Child, status: Status, *, kept: frozenset[str], model: ChurnModel) -> bool:
    labels = child.document.get("metadata", {}).get("labels", {})
    if child.kind == "InferenceService":
        return child.name in kept
    if child.kind == "HTTPRoute":
        return model.spec.serving.route is not None
    if (inference_service := labels.get(LABEL_INFERENCE_SERVICE)) is not None:
        return inference_service in kept
    if labels.get(LABEL_PURPOSE) == "training":
        run = status.training
        return run is not None and is_running(run) and labels.get(LABEL_REVISION) == run.revision
    return True
