"""What the operator sees of one ChurnModel and its children, at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from churnguard_core.churnmodel.status import Status
from churnguard_core.churnmodel.types import ChurnModel

Document: TypeAlias = dict[str, Any]
"""A Kubernetes object as JSON."""

OptionalKind = Literal["ScaledObject", "HTTPRoute"]
Purpose = Literal["Training", "Prune"]


@dataclass(frozen=True, kw_only=True)
class ModelView:
    """The ChurnModel itself. ``parsed`` is None when the spec breaks rules; ``problems`` then names them."""

    name: str
    namespace: str
    uid: str
    generation: int
    resource_version: str
    created: datetime
    is_deleting: bool = False
    annotations: Mapping[str, str] = field(default_factory=dict)
    parsed: ChurnModel | None
    problems: tuple[str, ...] = ()
    status: Status


@dataclass(frozen=True, kw_only=True)
class JobView:
    """A Job of the model. ``reason`` and ``finished`` are those of its final condition."""

    name: str
    uid: str
    purpose: Purpose
    revision: str | None
    created: datetime
    state: Literal["Active", "Complete", "Failed"]
    reason: str = ""
    message: str = ""
    finished: datetime | None = None
    is_deleting: bool = False

    @property
    def is_active(self) -> bool:
        """Whether its pod may run."""
        return self.state == "Active"


@dataclass(frozen=True, kw_only=True)
class PodView:
    """A pod of a Job (``job``) or of an InferenceService (``inference_service``), with its one container of interest.

    ``exit_*`` say how the container ended, or ended last; ``waiting_*`` why it does not run; ``unschedulable`` why no
    node takes the pod. ``is_disrupted`` means evicted, preempted or drained.
    """

    name: str
    created: datetime
    job: str | None = None
    owner_uid: str = ""
    inference_service: str | None = None
    exit_code: int | None = None
    exit_reason: str = ""
    exit_message: str = ""
    waiting_reason: str = ""
    waiting_message: str = ""
    unschedulable: str = ""
    is_started: bool = False
    is_disrupted: bool = False


@dataclass(frozen=True, kw_only=True)
class InferenceServiceView:
    """An InferenceService of the model, as KServe judges it."""

    name: str
    revision: str | None
    is_ready: bool
    problem: str = ""
    has_failed_load: bool = False
    is_deleting: bool = False


@dataclass(frozen=True, kw_only=True)
class DeploymentView:
    """The Deployment that KServe made for an InferenceService.

    ``is_current`` means that its controller has seen its newest spec and that every pod is made from it.
    """

    inference_service: str
    wanted: int
    ready: int
    is_current: bool


@dataclass(frozen=True, kw_only=True)
class GatewayAnswer:
    """What a Gateway's controller says of an HTTPRoute. ``problem`` says why it is not taken; empty when it is."""

    namespace: str
    name: str
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class RouteView:
    """The HTTPRoute of the model, and what was answered to it: nothing while no controller has taken notice."""

    name: str
    created: datetime
    answers: tuple[GatewayAnswer, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What the pods of an InferenceService answered to the empty record: one score, or what is wrong."""

    inference_service: str
    score: float | None = None
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Child:
    """An object of ours that can be changed after it was made, as it is now."""

    api_version: str
    kind: str
    name: str
    uid: str
    document: Document
    is_deleting: bool = False


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Everything that decisions are made from.

    Args:
        foreign: Kind and name of objects that bear a name of ours and are not ours.
        served: Optional kinds that the cluster serves.
        missing: Kind and name of what the spec depends on and is known not to exist. What cannot be read (Secrets) is
            never in it.
    """

    model: ModelView
    jobs: tuple[JobView, ...] = ()
    pods: tuple[PodView, ...] = ()
    inference_services: tuple[InferenceServiceView, ...] = ()
    deployments: tuple[DeploymentView, ...] = ()
    route: RouteView | None = None
    children: tuple[Child, ...] = ()
    probes: tuple[Probe, ...] = ()
    foreign: frozenset[tuple[str, str]] = frozenset()
    served: frozenset[OptionalKind] = frozenset()
    missing: frozenset[tuple[str, str]] = frozenset()

    def job(self, name: str | None) -> JobView | None:
        """The Job of a name."""
        return next((job for job in self.jobs if job.name == name), None)

    def pods_of(self, job: JobView) -> tuple[PodView, ...]:
        """The pods of a Job, the newest last; not those of a Job of the same name that is gone."""
        pods = [pod for pod in self.pods if pod.job == job.name and pod.owner_uid == job.uid]
        return tuple(sorted(pods, key=lambda pod: (pod.created, pod.name)))

    def inference_service(self, name: str | None) -> InferenceServiceView | None:
        """The InferenceService of a name."""
        return next((each for each in self.inference_services if each.name == name), None)

    def deployment(self, inference_service: str) -> DeploymentView | None:
        """The Deployment of an InferenceService."""
        return next((each for each in self.deployments if each.inference_service == inference_service), None)

    def probe(self, inference_service: str) -> Probe | None:
        """What an InferenceService answered."""
        return next((each for each in self.probes if each.inference_service == inference_service), None)

    def child(self, kind: str, name: str) -> Child | None:
        """The child of a kind and name."""
        return next((each for each in self.children if (each.kind, each.name) == (kind, name)), None)
