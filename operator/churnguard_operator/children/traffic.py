"""How callers reach a model: its own Service, and the HTTPRoute to it."""

from __future__ import annotations

from typing import Final

from churnguard_core.churnmodel.types import Route
from churnguard_operator.children.inferenceservice import GRPC_PORT, HTTP_PORT
from churnguard_operator.children.metadata import labels_of, metadata_of, with_applied_hash
from churnguard_operator.names import predictor_name
from churnguard_operator.observed import Document, ModelView

SERVICE_PORT: Final = 80


def predictor_selector(inference_service: str) -> dict[str, str]:
    """What KServe labels the pods of an InferenceService with."""
    return {"app": f"isvc.{predictor_name(inference_service)}"}


def stable_service(model: ModelView, *, inference_service: str) -> Document:
    """The Service that callers know: it leads to the pods of the InferenceService that serves, and to no others."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata_of(model, name=model.name, labels=labels_of(model, purpose="traffic")),
        "spec": {
            "type": "ClusterIP",
            "selector": predictor_selector(inference_service),
            "ports": [
                {"name": "http", "port": SERVICE_PORT, "targetPort": HTTP_PORT, "protocol": "TCP"},
                {
                    "name": "grpc",
                    "port": GRPC_PORT,
                    "targetPort": GRPC_PORT,
                    "protocol": "TCP",
                    "appProtocol": "kubernetes.io/h2c",
                },
            ],
        },
    }


def http_route(model: ModelView, route: Route) -> Document:
    """The HTTPRoute from a Gateway to the model's own Service; a roll-out does not touch it."""
    namespace, _, gateway = route.gateway.rpartition("/")
    parent = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": gateway}
    spec: Document = {
        "parentRefs": [{**parent, "namespace": namespace} if namespace else parent],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": route.path}}],
                "filters": _without_prefix(route.path),
                "backendRefs": [{"name": model.name, "port": SERVICE_PORT}],
            }
        ],
    }
    if route.hostname is not None:
        spec["hostnames"] = [route.hostname]
    if not spec["rules"][0]["filters"]:
        del spec["rules"][0]["filters"]
    return with_applied_hash(
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": metadata_of(model, name=model.name, labels=labels_of(model, purpose="traffic")),
            "spec": spec,
        }
    )


def _without_prefix(path: str) -> list[Document]:
    """The server knows no prefix: what the route matches by is taken away on the way to it."""
    if path == "/":
        return []
    rewrite = {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}
    return [{"type": "URLRewrite", "urlRewrite": rewrite}]
