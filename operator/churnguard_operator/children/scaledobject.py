"""KEDA's ScaledObject for a predictor that is scaled by requests per second."""

from __future__ import annotations

from typing import Final

from churnguard_operator.children.metadata import labels_of, metadata_of, with_applied_hash
from churnguard_operator.names import LABEL_INFERENCE_SERVICE, predictor_name
from churnguard_operator.observed import Document, ModelView

POLLING_SECONDS: Final = 15
COOLDOWN_SECONDS: Final = 300


def scaled_object(
    model: ModelView,
    *,
    name: str,
    revision: str,
    replicas: tuple[int, int],
    target: int,
    prometheus_address: str,
) -> Document:
    """Scale the predictor of an InferenceService to ``target`` requests per second and pod."""
    fewest, most = replicas
    deployment = predictor_name(name)
    pods = f'namespace="{model.namespace}",pod=~"{deployment}-.*"'
    labels = labels_of(model, purpose="serving", revision=revision)
    return with_applied_hash(
        {
            "apiVersion": "keda.sh/v1alpha1",
            "kind": "ScaledObject",
            "metadata": metadata_of(model, name=name, labels={**labels, LABEL_INFERENCE_SERVICE: name}),
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment},
                "minReplicaCount": fewest,
                "maxReplicaCount": most,
                "pollingInterval": POLLING_SECONDS,
                "cooldownPeriod": COOLDOWN_SECONDS,
                "triggers": [
                    {
                        "type": "prometheus",
                        "metricType": "AverageValue",
                        "metadata": {
                            "serverAddress": prometheus_address,
                            "query": f"sum(rate(churnguard_predictor_requests_total{{{pods}}}[1m]))",
                            "threshold": str(target),
                        },
                    }
                ],
            },
        }
    )
