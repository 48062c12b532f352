"""The InferenceService of a revision and serving template: a Deployment of our server, made by KServe.

What its pods are made from is the template, and its hash is in the name: another template is another
InferenceService, brought up beside the old one. Numbers of replicas are no part of it and change in place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from churnguard_core.churnmodel.types import Resources, Serving
from churnguard_core.result import BundleReference
from churnguard_operator.children.metadata import labels_of, metadata_of
from churnguard_operator.children.pods import (
    RESTRICTED_CONTAINER,
    RESTRICTED_POD,
    claim_of,
    resources_of,
    scratch,
    secret_mounts,
)
from churnguard_operator.children.serving_file import SERVING_FILE, SERVING_FOLDER, serving_text
from churnguard_operator.names import LABEL_INFERENCE_SERVICE, inference_service_name, service_account_name
from churnguard_operator.observed import Document, ModelView
from churnguard_operator.quantities import amount
from churnguard_operator.settings import Settings

API_VERSION: Final = "serving.kserve.io/v1beta1"
HTTP_PORT: Final = 8080
GRPC_PORT: Final = 8081
MODEL_FOLDER: Final = "/mnt/models"
"""Where KServe mounts a claim's folder; only it may be there."""

KSERVE_CPU_LIMIT: Final = 1
"""Cores that KServe's usual configuration allows a container that names no limit."""

FINISHING_SECONDS: Final = 40
"""After its drain the server lets requests that have begun take up to half a minute."""


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """What one InferenceService serves, and how its pods are counted."""

    revision: str
    bundle: BundleReference
    serving: Serving
    secret_name: str | None
    """Secret of the store that the bundle is in."""
    is_scaled_by_us: bool
    """Whether a ScaledObject of ours scales it; else KServe makes an autoscaler for CPU or memory."""


def template_of(model: ModelView, predictor: Predictor, *, settings: Settings) -> Document:
    """Everything that the pods are made from."""
    return {
        "pod": _pod(model, predictor, name="", settings=settings),
        "settings": serving_text(predictor.serving),
        "autoscaler": _autoscaler_class(predictor),
    }


def name_of(model: ModelView, predictor: Predictor, *, settings: Settings) -> str:
    """Name of the InferenceService: the revision and a hash of its template."""
    template = template_of(model, predictor, settings=settings)
    return inference_service_name(
        model=model.name, namespace=model.namespace, revision=predictor.revision, template=template
    )


def inference_service(
    model: ModelView, predictor: Predictor, *, name: str, replicas: tuple[int, int], settings: Settings
) -> Document:
    """The InferenceService, with the fewest and most replicas that it may have now."""
    # Beside each other, KServe's labels `serving.kserve.io/inferenceservice` and `component` on an object of ours would
    # have KServe delete it: none of ours bears either.
    labels = {
        **labels_of(model, purpose="serving", revision=predictor.revision),
        LABEL_INFERENCE_SERVICE: name,
        "networking.kserve.io/visibility": "cluster-local",
    }
    annotations = {
        "serving.kserve.io/deploymentMode": "Standard",
        "serving.kserve.io/autoscalerClass": _autoscaler_class(predictor),
    }
    fewest, most = replicas
    predictor_spec: dict[str, Any] = {
        "minReplicas": fewest,
        "maxReplicas": most,
        **_scaling(predictor),
        **_pod(model, predictor, name=name, settings=settings),
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "InferenceService",
        "metadata": metadata_of(model, name=name, labels=labels, annotations=annotations),
        "spec": {"predictor": predictor_spec},
    }


def _autoscaler_class(predictor: Predictor) -> str:
    return "external" if predictor.is_scaled_by_us else "hpa"


def _scaling(predictor: Predictor) -> Document:
    scaling = predictor.serving.autoscaling
    if predictor.is_scaled_by_us:
        return {}
    if scaling.metric == "requestsPerSecond":
        # What it falls back to while the cluster cannot count requests.
        return {"scaleMetric": "cpu", "scaleTarget": FALLBACK_CPU_PERCENT}
    return {"scaleMetric": scaling.metric, "scaleTarget": scaling.target}


FALLBACK_CPU_PERCENT: Final = 70


def _pod(model: ModelView, predictor: Predictor, *, name: str, settings: Settings) -> Document:
    volumes, mounts = _mounts(predictor, name=name)
    pod = {
        "serviceAccountName": service_account_name(model.name),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": RESTRICTED_POD,
        "terminationGracePeriodSeconds": int(settings.server_drain.total_seconds()) + FINISHING_SECONDS,
        "containers": [_container(model, predictor, mounts=mounts, settings=settings)],
        "volumes": volumes,
    }
    secrets = [{"name": secret} for secret in settings.image_pull_secrets]
    return {**pod, "imagePullSecrets": secrets} if secrets else pod


def _container(
    model: ModelView, predictor: Predictor, *, mounts: list[Document], settings: Settings
) -> Document:
    uri = predictor.bundle.uri
    is_claim = claim_of(uri) is not None
    container = {
        "name": "kserve-container",
        "image": settings.serving_image,
        "imagePullPolicy": "IfNotPresent",
        "args": [
            f"--bundle=file://{MODEL_FOLDER}" if is_claim else f"--bundle={uri}",
            f"--digest={predictor.bundle.digest}",
            f"--name={model.name}",
            f"--serving={SERVING_FOLDER}/{SERVING_FILE}",
            f"--port={HTTP_PORT}",
            f"--grpc-port={GRPC_PORT}",
            f"--drain-seconds={int(settings.server_drain.total_seconds())}",
        ],
        "ports": [
            {"name": "http", "containerPort": HTTP_PORT, "protocol": "TCP"},
            {"name": "grpc", "containerPort": GRPC_PORT, "protocol": "TCP"},
        ],
        "readinessProbe": _probe("/v2/health/ready", period=2, failures=2),
        "livenessProbe": _probe("/v2/health/live", period=10, failures=6),
        # Fetching and checking a bundle takes seconds, a slow store minutes; liveness begins afterwards.
        "startupProbe": _probe("/v2/health/ready", period=2, failures=150),
        "resources": _resources(predictor.serving.resources, settings=settings),
        "securityContext": RESTRICTED_CONTAINER,
        # The last lines of the log say why a server refused its bundle.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    }
    # KServe mounts the claim's folder read-only at MODEL_FOLDER; what it cannot mount, our server fetches.
    return {**container, "env": [{"name": "STORAGE_URI", "value": uri}]} if is_claim else container


def _resources(wanted: Resources, *, settings: Settings) -> Document:
    """As everywhere, but for a limit where KServe would put one of its own that is below the request."""
    found = resources_of(wanted, default=settings.serving_resources)
    cpu = found["requests"]["cpu"]
    if (amount(cpu) or 0) <= KSERVE_CPU_LIMIT:
        return found
    return {**found, "limits": {**found["limits"], "cpu": cpu}}


def _probe(path: str, *, period: int, failures: int) -> Document:
    return {
        "httpGet": {"path": path, "port": HTTP_PORT},
        "periodSeconds": period,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }


def _mounts(predictor: Predictor, *, name: str) -> tuple[list[Document], list[Document]]:
    tmp_volume, tmp_mount = scratch()
    settings_volume = {"name": "serving", "configMap": {"name": name}}
    settings_mount = {"name": "serving", "mountPath": SERVING_FOLDER, "readOnly": True}
    is_claim = claim_of(predictor.bundle.uri) is not None
    secret = None if is_claim else predictor.secret_name
    secret_volumes, secret_mounts_ = secret_mounts({"store": secret})
    return [tmp_volume, settings_volume, *secret_volumes], [tmp_mount, settings_mount, *secret_mounts_]
