"""The kinds that the operator knows, and where the API server has them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from churnguard_core.names import API_VERSION, KIND, PLURAL


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A kind of object in namespaces."""

    api_version: str
    kind: str
    plural: str

    @property
    def group(self) -> str:
        """The API group; empty for the core."""
        return self.api_version.rpartition("/")[0]

    @property
    def root(self) -> str:
        """Path of the API that has it."""
        return f"/apis/{self.api_version}" if self.group else f"/api/{self.api_version}"

    def collection(self, namespace: str | None) -> str:
        """Path of all objects of a namespace; of all namespaces without one."""
        return (
            f"{self.root}/{self.plural}"
            if namespace is None
            else f"{self.root}/namespaces/{namespace}/{self.plural}"
        )

    def item(self, namespace: str, name: str) -> str:
        """Path of one object."""
        return f"{self.collection(namespace)}/{name}"


CHURN_MODEL: Final = Resource(api_version=API_VERSION, kind=KIND, plural=PLURAL)
CLAIM: Final = Resource(api_version="v1", kind="PersistentVolumeClaim", plural="persistentvolumeclaims")
CONFIG_MAP: Final = Resource(api_version="v1", kind="ConfigMap", plural="configmaps")
DEPLOYMENT: Final = Resource(api_version="apps/v1", kind="Deployment", plural="deployments")
ENDPOINT_SLICE: Final = Resource(
    api_version="discovery.k8s.io/v1", kind="EndpointSlice", plural="endpointslices"
)
EVENT: Final = Resource(api_version="events.k8s.io/v1", kind="Event", plural="events")
HTTP_ROUTE: Final = Resource(
    api_version="gateway.networking.k8s.io/v1", kind="HTTPRoute", plural="httproutes"
)
INFERENCE_SERVICE: Final = Resource(
    api_version="serving.kserve.io/v1beta1", kind="InferenceService", plural="inferenceservices"
)
JOB: Final = Resource(api_version="batch/v1", kind="Job", plural="jobs")
LEASE: Final = Resource(api_version="coordination.k8s.io/v1", kind="Lease", plural="leases")
POD: Final = Resource(api_version="v1", kind="Pod", plural="pods")
SCALED_OBJECT: Final = Resource(api_version="keda.sh/v1alpha1", kind="ScaledObject", plural="scaledobjects")
SERVICE: Final = Resource(api_version="v1", kind="Service", plural="services")
SERVICE_ACCOUNT: Final = Resource(api_version="v1", kind="ServiceAccount", plural="serviceaccounts")

OPTIONAL: Final = (SCALED_OBJECT, HTTP_ROUTE)
"""Kinds that a cluster may lack."""


def by_kind(resources: Iterable[Resource]) -> dict[str, Resource]:
    """Resources by their kind."""
    return {each.kind: each for each in resources}


RESOURCES: Final = by_kind(
    (
        CHURN_MODEL,
        CLAIM,
        CONFIG_MAP,
        DEPLOYMENT,
        ENDPOINT_SLICE,
        EVENT,
        HTTP_ROUTE,
        INFERENCE_SERVICE,
        JOB,
        LEASE,
        POD,
        SCALED_OBJECT,
        SERVICE,
        SERVICE_ACCOUNT,
    )
)
