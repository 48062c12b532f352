"""Which objects should exist for a ChurnModel, given its status: in the order in which they are applied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from churnguard_core.churnmodel.status import RevisionInService, RevisionRecord, Status
from churnguard_core.churnmodel.types import ChurnModel, Store
from churnguard_core.result import BundleReference
from churnguard_operator.children.inferenceservice import Predictor, inference_service, name_of
from churnguard_operator.children.prune import prune_job
from churnguard_operator.children.scaledobject import scaled_object
from churnguard_operator.children.serviceaccount import service_account
from churnguard_operator.children.serving_file import serving_file
from churnguard_operator.children.traffic import http_route, stable_service
from churnguard_operator.children.training import model_file, training_job
from churnguard_operator.observed import Document, Observed
from churnguard_operator.policy.history import find
from churnguard_operator.policy.retention import bundles_to_keep, is_pruning
from churnguard_operator.policy.rollout import is_draining, leads_to
from churnguard_operator.policy.scaling import candidate_replicas, is_scaled_by_requests, serving_replicas
from churnguard_operator.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Wanting:
    """What objects are made from. ``status`` is the one after this step; the observed one has been written already."""

    observed: Observed
    model: ChurnModel
    store: Store
    status: Status
    settings: Settings
    now: datetime
    may_start: bool

    @property
    def is_by_requests(self) -> bool:
        """Whether predictors are scaled by a ScaledObject of ours."""
        return is_scaled_by_requests(self.model.spec.serving, observed=self.observed, settings=self.settings)


def wanted_objects(wanting: Wanting) -> tuple[Document, ...]:
    """Every object that should exist now, but Jobs that are over."""
    training, serving = tuple(_training(wanting)), tuple(_serving(wanting))
    prune = tuple(_prune(wanting))
    pods = (*training, *serving, *prune)
    identity = (service_account(wanting.observed.model),) if pods else ()
    # The Service moves before predictors change in any way.
    return (*identity, *training, *_traffic(wanting), *serving, *prune)


def predictor_of(
    record: RevisionRecord, *, model: ChurnModel, store: Store, observed: Observed, settings: Settings
) -> Predictor:
    """What serves a revision by the template of now."""
    return Predictor(
        revision=record.name,
        bundle=BundleReference(uri=record.bundle or "", digest=record.digest or ""),
        serving=model.spec.serving,
        secret_name=store.secret_name if is_in_store(record.bundle, store=store) else record.secret_name,
        is_scaled_by_us=is_scaled_by_requests(model.spec.serving, observed=observed, settings=settings),
    )


def is_in_store(bundle: str | None, *, store: Store) -> bool:
    """Whether a bundle lies in a store; one that was made before the ChurnModel named another store does not."""
    return bundle is not None and bundle.startswith(store.uri.rstrip("/") + "/")


def _training(wanting: Wanting) -> Iterator[Document]:
    run, observed = wanting.status.training, wanting.observed
    if run is None or run.outcome is not None or run.attempt is None:
        return
    written = observed.model.status.training
    if written is None or (written.revision, written.attempt) != (run.revision, run.attempt):
        # Its number must be on record first: the next step makes the Job.
        return
    if run.started is None and not _may_start_job(wanting):
        return
    yield model_file(observed.model, wanting.model, revision=run.revision)
    if run.started is None:
        yield training_job(
            observed.model,
            wanting.model,
            revision=run.revision,
            attempt=run.attempt,
            store=wanting.store,
            champion=_champion(wanting),
            settings=wanting.settings,
        )


def _may_start_job(wanting: Wanting) -> bool:
    """Whether no other Job of the model runs, be it one that has been superseded and is on its way out."""
    return wanting.may_start and not any(job.is_active for job in wanting.observed.jobs)


def _champion(wanting: Wanting) -> BundleReference | None:
    """The serving revision's bundle, when the Job can read it: a Job has the keys and the claim of one store."""
    serving = wanting.status.serving
    if serving is None or serving.bundle is None or serving.digest is None:
        return None
    if not is_in_store(serving.bundle, store=wanting.store):
        return None
    return BundleReference(uri=serving.bundle, digest=serving.digest)


def _serving(wanting: Wanting) -> Iterator[Document]:
    status, observed = wanting.status, wanting.observed
    if status.serving is not None:
        yield from _predictor(wanting, status.serving, replicas=_replicas_of_serving(wanting))
    if status.candidate is not None:
        replicas = candidate_replicas(wanting.model.spec.serving, status, observed=observed)
        yield from _predictor(wanting, status.candidate, replicas=replicas)


def _replicas_of_serving(wanting: Wanting) -> tuple[int, int]:
    fewest, most = serving_replicas(wanting.model.spec.serving, by_requests=wanting.is_by_requests)
    status = wanting.status
    name = status.serving.inference_service if status.serving else None
    child = wanting.observed.child("InferenceService", name or "")
    if child is None or not is_draining(status, settings=wanting.settings, now=wanting.now):
        return fewest, most
    # What has just taken over keeps the pods that it came up with until the old ones are gone.
    found = child.document.get("spec", {}).get("predictor", {}).get("minReplicas")
    came_with = found if type(found) is int else fewest
    return max(fewest, came_with), max(most, came_with)


def _predictor(wanting: Wanting, part: RevisionInService, *, replicas: tuple[int, int]) -> Iterator[Document]:
    """The objects of one InferenceService; none when it was made from a template that is gone."""
    record = find(wanting.status.revisions, part.revision)
    view, settings = wanting.observed.model, wanting.settings
    if record is None or part.inference_service is None:
        return
    predictor = predictor_of(
        record, model=wanting.model, store=wanting.store, observed=wanting.observed, settings=settings
    )
    name = name_of(view, predictor, settings=settings)
    if name != part.inference_service:
        return
    serving = wanting.model.spec.serving
    yield serving_file(view, serving, name=name, revision=record.name)
    yield inference_service(view, predictor, name=name, replicas=replicas, settings=settings)
    if predictor.is_scaled_by_us and settings.prometheus_address is not None:
        yield scaled_object(
            view,
            name=name,
            revision=record.name,
            replicas=replicas,
            target=serving.autoscaling.target,
            prometheus_address=settings.prometheus_address,
        )


def _traffic(wanting: Wanting) -> Iterator[Document]:
    view = wanting.observed.model
    name = leads_to(wanting.status)
    if name is None or name != leads_to(view.status):
        # It must be on record first: the next step moves the Service.
        return
    yield stable_service(view, inference_service=name)
    route = wanting.model.spec.serving.route
    if route is not None and "HTTPRoute" in wanting.observed.served:
        yield http_route(view, route)


def _prune(wanting: Wanting) -> Iterator[Document]:
    keep = bundles_to_keep(wanting.status, model=wanting.model)
    if not keep or not wanting.may_start or is_pruning(wanting.observed):
        return
    yield prune_job(wanting.observed.model, keep=keep, store=wanting.store, settings=wanting.settings)
