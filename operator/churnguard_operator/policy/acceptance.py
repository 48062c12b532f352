"""Can this ChurnModel be acted on? The spec, what it depends on, and the names that it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from churnguard_core.churnmodel.types import ChurnModel, Store
from churnguard_operator.children.pods import claim_of
from churnguard_operator.names import NAMESPACE_LENGTH
from churnguard_operator.observed import Observed
from churnguard_operator.policy.history import find, is_servable
from churnguard_operator.policy.schedule import InvalidSchedule, check_schedule
from churnguard_operator.settings import Settings

MOST_PROBLEMS = 20


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Why a ChurnModel cannot be acted on as it stands, and what to do."""

    reason: Literal["InvalidSpec", "NameTaken", "DependencyMissing"]
    message: str


def find_obstacle(observed: Observed, *, settings: Settings) -> Finding | None:
    """The first thing that stands in the way; None when all is well."""
    model = observed.model.parsed
    if model is None:
        problems = observed.model.problems
        more = len(problems) - MOST_PROBLEMS
        shown = [*problems[:MOST_PROBLEMS], *([f"and {more} more"] if more > 0 else [])]
        return Finding(reason="InvalidSpec", message="\n".join(shown))
    for check in (_namespace, _schedule, _addresses, _service, _dependencies, _pin, _route):
        if (finding := check(model, observed, settings)) is not None:
            return finding
    return None


def store_of(model: ChurnModel, *, settings: Settings) -> Store | None:
    """Where bundles of a model go; None when neither the model nor the operator says."""
    return model.spec.store or settings.store


def _namespace(_: ChurnModel, observed: Observed, __: Settings) -> Finding | None:
    length = len(observed.model.namespace)
    if length <= NAMESPACE_LENGTH:
        return None
    text = f"metadata.namespace: {length} characters; KServe makes names of it that allow at most {NAMESPACE_LENGTH}"
    return Finding(reason="InvalidSpec", message=f"{text}; create the ChurnModel in another namespace")


def _schedule(model: ChurnModel, _: Observed, __: Settings) -> Finding | None:
    if model.spec.training.schedule is None:
        return None
    try:
        check_schedule(model.spec.training.schedule)
    except InvalidSchedule as invalid:
        return Finding(reason="InvalidSpec", message=f"spec.training.schedule: {invalid}")
    return None


def _addresses(model: ChurnModel, _: Observed, settings: Settings) -> Finding | None:
    store, file = store_of(model, settings=settings), model.spec.data.source.file
    if store is None:
        text = "spec.store: no place for bundles; name one here, or a default in the operator's settings"
        return Finding(reason="DependencyMissing", message=text)
    for path, uri in (("spec.store.uri", store.uri), ("spec.data.source.file.uri", file.uri if file else "")):
        if uri.startswith("file://"):
            text = f"{path}: {uri} is a folder of a laptop; a pod needs pvc:// or s3://"
            return Finding(reason="InvalidSpec", message=text)
    return None


def _service(model: ChurnModel, observed: Observed, _: Settings) -> Finding | None:
    name = model.metadata.name
    if ("Service", name) not in observed.foreign:
        return None
    text = f"Service {name} exists and does not belong to this ChurnModel; delete it, or give the model another name"
    return Finding(reason="NameTaken", message=text)


def _dependencies(model: ChurnModel, observed: Observed, settings: Settings) -> Finding | None:
    store, file = store_of(model, settings=settings), model.spec.data.source.file
    for path, uri in (
        ("spec.data.source.file.uri", file.uri if file else None),
        ("spec.store.uri", store.uri if store else None),
    ):
        claim = claim_of(uri)
        if claim is not None and ("PersistentVolumeClaim", claim) in observed.missing:
            text = f"{path}: PersistentVolumeClaim {claim} does not exist in namespace {observed.model.namespace}"
            return Finding(reason="DependencyMissing", message=f"{text}; create it")
    return None


def _pin(model: ChurnModel, observed: Observed, _: Settings) -> Finding | None:
    pinned = model.spec.serving.revision
    if pinned is None:
        return None
    record = find(observed.model.status.revisions, pinned)
    if record is not None and is_servable(record):
        return None
    known = [each.name for each in observed.model.status.revisions if is_servable(each)]
    problem = (
        "is not in the history"
        if record is None
        else f"cannot serve: it was {record.verdict or 'not judged'}"
    )
    choice = f"choose one of {', '.join(known)}, or" if known else "no revision can serve yet:"
    text = f"spec.serving.revision: {pinned} {problem}; {choice} remove the field"
    return Finding(reason="DependencyMissing", message=text)


def _route(model: ChurnModel, observed: Observed, _: Settings) -> Finding | None:
    route = model.spec.serving.route
    if route is None:
        return None
    if "HTTPRoute" not in observed.served:
        text = "spec.serving.route: the cluster does not serve HTTPRoute; install the Gateway API, or remove the route"
        return Finding(reason="DependencyMissing", message=text)
    if ("HTTPRoute", model.metadata.name) in observed.foreign:
        text = f"HTTPRoute {model.metadata.name} exists and does not belong to this ChurnModel; delete it"
        return Finding(reason="NameTaken", message=text)
    return None
