"""How many pods an InferenceService may have, and who scales it."""

from __future__ import annotations

from churnguard_core.churnmodel.status import Status
from churnguard_core.churnmodel.types import Serving
from churnguard_operator.observed import Observed
from churnguard_operator.policy.rollout import replicas_needed
from churnguard_operator.settings import Settings


def is_scaled_by_requests(serving: Serving, *, observed: Observed, settings: Settings) -> bool:
    """Whether a ScaledObject of ours can follow the requests."""
    return serving.autoscaling.metric == "requestsPerSecond" and not missing_for_requests(
        observed, settings=settings
    )


def missing_for_requests(observed: Observed, *, settings: Settings) -> str:
    """What scaling by requests lacks; empty when it lacks nothing."""
    if "ScaledObject" not in observed.served:
        return "KEDA is not installed"
    return "" if settings.prometheus_address else "the operator's settings name no Prometheus"


def serving_replicas(serving: Serving, *, by_requests: bool) -> tuple[int, int]:
    """Fewest and most pods of what serves; only KEDA can scale to none."""
    return max(serving.replicas.min, 0 if by_requests else 1), serving.replicas.max


def candidate_replicas(serving: Serving, status: Status, *, observed: Observed) -> tuple[int, int]:
    """Fewest and most pods of a candidate: at once as many as what serves has ready."""
    needed = replicas_needed(status, observed=observed)
    return max(serving.replicas.min, needed), max(serving.replicas.max, needed)
