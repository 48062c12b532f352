"""Pods of our images as a namespace that enforces ``restricted`` takes them; plain documents, for tests to change."""

from __future__ import annotations

from typing import Any, Final

from churnguard_cluster.objects import Document, reference

POD_SECURITY: Final[Document] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
CONTAINER_SECURITY: Final[Document] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
TERMINATION_LOG: Final = "/dev/termination-log"
CLAIM_ROOT: Final = "/mnt/churnguard"
MODEL_FOLDER: Final = "/etc/churnguard"
PORT: Final = 8080


def container(*, name: str, image: str, **fields: Any) -> Document:
    """A container without any right, small enough to run several on two processors."""
    requests = {"cpu": "100m", "memory": "200Mi"}
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "resources": {"requests": requests},
        "securityContext": CONTAINER_SECURITY,
        **fields,
    }


def pod_spec(*containers: Document, **fields: Any) -> Document:
    return {
        "automountServiceAccountToken": False,
        "securityContext": POD_SECURITY,
        "containers": list(containers),
        **fields,
    }


def training_job(*, name: str, image: str, revision: str, claim: str, config_map: str) -> Document:
    """A Job that trains the ``model.yaml`` of a ConfigMap and stores its bundle in a claim."""
    mounts = [
        {"name": "store", "mountPath": f"{CLAIM_ROOT}/{claim}"},
        {"name": "model", "mountPath": MODEL_FOLDER, "readOnly": True},
        {"name": "scratch", "mountPath": "/tmp"},
    ]
    volumes = [
        {"name": "store", "persistentVolumeClaim": {"claimName": claim}},
        {"name": "model", "configMap": {"name": config_map}},
        {"name": "scratch", "emptyDir": {}},
    ]
    arguments = [
        f"--model={MODEL_FOLDER}/model.yaml",
        f"--revision={revision}",
        f"--output=pvc://{claim}/bundles",
        f"--result={TERMINATION_LOG}",
    ]
    trainer = container(name="train", image=image, args=arguments, volumeMounts=mounts)
    pod = pod_spec(trainer, restartPolicy="Never", volumes=volumes)
    return {
        **reference("batch/v1", "Job", name),
        "spec": {"backoffLimit": 0, "template": {"spec": pod}},
    }


def inference_service(
    *, name: str, image: str, model: str, digest: str, bundle_uri: str, **predictor: Any
) -> Document:
    """An InferenceService in Standard mode whose bundle KServe mounts (``pvc://claim/path``)."""
    server = container(
        name="kserve-container",  # KServe takes no other name
        image=image,
        args=["--bundle=file:///mnt/models", f"--digest={digest}", f"--name={model}", "--drain-seconds=1"],
        env=[{"name": "STORAGE_URI", "value": bundle_uri}],
        ports=[{"containerPort": PORT, "protocol": "TCP"}],
        readinessProbe={"httpGet": {"path": "/v2/health/ready", "port": PORT}, "periodSeconds": 1},
    )
    document = reference("serving.kserve.io/v1beta1", "InferenceService", name)
    document["metadata"] |= {
        "labels": {"networking.kserve.io/visibility": "cluster-local"},
        "annotations": {"serving.kserve.io/deploymentMode": "Standard"},
    }
    spec = {"minReplicas": 1, "maxReplicas": 3, "scaleMetric": "cpu", "scaleTarget": 50, **predictor}
    return {**document, "spec": {"predictor": {**pod_spec(server), **spec}}}
