"""Which objects are watched and listed: ours by their label, and others' where only their names matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from churnguard_operator.cluster.resources import (
    CHURN_MODEL,
    CLAIM,
    CONFIG_MAP,
    DEPLOYMENT,
    HTTP_ROUTE,
    INFERENCE_SERVICE,
    JOB,
    POD,
    SCALED_OBJECT,
    SERVICE,
    SERVICE_ACCOUNT,
    Resource,
)
from churnguard_operator.names import LABEL_MANAGED_BY, MANAGER

OURS: Final = f"{LABEL_MANAGED_BY}={MANAGER}"
"""Also on what KServe makes: it copies labels to Deployments and pods."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """Objects of a kind that a label selector selects."""

    resource: Resource
    selector: str = ""


MODELS: Final = Watched(resource=CHURN_MODEL)
CHILDREN: Final = (
    Watched(resource=JOB, selector=OURS),
    Watched(resource=POD, selector=OURS),
    Watched(resource=INFERENCE_SERVICE, selector=OURS),
    Watched(resource=DEPLOYMENT, selector=OURS),
    Watched(resource=CONFIG_MAP, selector=OURS),
    Watched(resource=SERVICE_ACCOUNT, selector=OURS),
    # All of them: a Service of others may bear a model's name, and claims are others' always.
    Watched(resource=SERVICE),
    Watched(resource=CLAIM),
)
OPTIONAL_CHILDREN: Final = (
    Watched(resource=SCALED_OBJECT, selector=OURS),
    Watched(resource=HTTP_ROUTE, selector=OURS),
)
"""Of kinds that a cluster may lack."""
WATCHED: Final = (MODELS, *CHILDREN, *OPTIONAL_CHILDREN)
