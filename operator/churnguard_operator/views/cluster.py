"""All objects around a ChurnModel, taken apart: what is ours, what is not, and what each of them says."""

from __future__ import annotations

from collections.abc import Iterable

from churnguard_operator.observed import Child, Document, Observed, OptionalKind, Probe
from churnguard_operator.views.fields import controller_uid, is_deleting, text
from churnguard_operator.views.jobs import view_job, view_pod
from churnguard_operator.views.model import view_model
from churnguard_operator.views.routing import view_route
from churnguard_operator.views.serving import view_deployment, view_inference_service


def view_cluster(
    model: Document,
    *,
    objects: Iterable[Document],
    probes: Iterable[Probe] = (),
    served: frozenset[OptionalKind] = frozenset(),
    missing: frozenset[tuple[str, str]] = frozenset(),
) -> Observed:
    """What is seen of one ChurnModel.

    Args:
        model: The ChurnModel.
        objects: Objects that bear the model's label or a name that a child of it would have, with ``apiVersion`` and
            ``kind``; also the Deployments of its InferenceServices and the pods of both, whoever owns those.
        probes: What pods of InferenceServices answered.
        served: Optional kinds that the cluster serves.
        missing: Dependencies known not to exist.
    """
    view = view_model(model)
    by_kind: dict[str, list[Document]] = {}
    foreign = set()
    for document in objects:
        kind = text(document, "kind")
        # Pods are owned by Jobs and ReplicaSets, Deployments by InferenceServices.
        if kind not in ("Pod", "Deployment") and controller_uid(document) != view.uid:
            foreign.add((kind, text(document, "metadata", "name")))
        else:
            by_kind.setdefault(kind, []).append(document)
    return Observed(
        model=view,
        jobs=tuple(map(view_job, by_kind.get("Job", ()))),
        pods=tuple(map(view_pod, by_kind.get("Pod", ()))),
        inference_services=tuple(map(view_inference_service, by_kind.get("InferenceService", ()))),
        deployments=tuple(map(view_deployment, by_kind.get("Deployment", ()))),
        route=next(map(view_route, by_kind.get("HTTPRoute", ())), None),
        children=tuple(
            _child(document)
            for kind, documents in by_kind.items()
            if kind not in ("Job", "Pod", "Deployment")
            for document in documents
        ),
        probes=tuple(probes),
        foreign=frozenset(foreign),
        served=served,
        missing=missing,
    )


def _child(document: Document) -> Child:
    return Child(
        api_version=text(document, "apiVersion"),
        kind=text(document, "kind"),
        name=text(document, "metadata", "name"),
        uid=text(document, "metadata", "uid"),
        document=document,
        is_deleting=is_deleting(document),
    )
