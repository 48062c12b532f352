"""What KServe made of an InferenceService, as the operator sees it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from churnguard_core.names import LABEL_REVISION
from churnguard_operator.observed import DeploymentView, Document, InferenceServiceView
from churnguard_operator.views.fields import condition, entries, is_deleting, is_true, mapping, number, text

SUFFIX: Final = "-predictor"
FAILED_LOADS: Final = ("BlockedByFailedLoad", "InvalidSpec")


def view_inference_service(document: Document) -> InferenceServiceView:
    """An InferenceService; ready when KServe says so and no load is in progress."""
    ready = condition(document, "Ready")
    transition = text(document, "status", "modelStatus", "transitionStatus")
    failure = text(document, "status", "modelStatus", "lastFailureInfo", "message")
    return InferenceServiceView(
        name=text(document, "metadata", "name"),
        revision=text(document, "metadata", "labels", LABEL_REVISION) or None,
        is_ready=is_true(ready) and transition in ("", "UpToDate"),
        problem=failure or text(ready, "message") or text(ready, "reason"),
        has_failed_load=transition in FAILED_LOADS,
        is_deleting=is_deleting(document),
    )


def view_deployment(document: Document) -> DeploymentView:
    """The Deployment of an InferenceService.

    KServe's own readiness may be that of an older spec: the Deployment's counts tell the truth (facts: KServe's
    ``observedGeneration`` is the Deployment's).
    """
    generation = number(document, "metadata", "generation")
    # The API server's default, when an autoscaler of ours has not spoken yet.
    wanted = mapping(document, "spec").get("replicas", 1)
    wanted = wanted if type(wanted) is int else 1
    return DeploymentView(
        inference_service=text(document, "metadata", "name").removesuffix(SUFFIX),
        wanted=wanted,
        ready=number(document, "status", "readyReplicas"),
        is_current=number(document, "status", "observedGeneration") >= generation
        and number(document, "status", "updatedReplicas") == number(document, "status", "replicas"),
    )


def ready_addresses(slices: Iterable[Document]) -> tuple[str, ...]:
    """Addresses of the ready pods behind a Service, from its EndpointSlices; for probes."""
    found = {
        address
        for each in slices
        for endpoint in entries(each, "endpoints")
        # Unknown counts as ready, as Kubernetes asks of those who read slices.
        if mapping(endpoint, "conditions").get("ready") is not False
        for address in endpoint.get("addresses", ())
    }
    return tuple(sorted(found))
