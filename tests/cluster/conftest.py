"""What the tests on a real node share: our images, and one training run whose bundle they serve."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from churnguard_cluster import namespaces
from churnguard_cluster.node.images.image import Image
from churnguard_cluster.node.node import Node
from churnguard_cluster.node.workloads import training_job
from churnguard_cluster.objects import Document, Objects, reference
from churnguard_cluster.waiting import wait_for
from churnguard_core.result import TrainingResult, decode_result

SAMPLE: Final = Path(__file__).parents[2] / "manifests" / "samples" / "telco.yaml"
NAMESPACE: Final = "training"
CLAIM: Final = "store"
JOB: Final = "telco-r1-train"
TRAINING_SECONDS: Final = 240.0


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A Job that has ended: its pod, the result that it left, and the folder behind its claim."""

    pod: Document
    result: TrainingResult
    folder: Path


@pytest.fixture(scope="session")
def images(node: Node) -> dict[str, Image]:
    """Our images by component, known to the node."""
    return node.load("training", "serving", "operator", "collector", "streaming")


@pytest.fixture(scope="session")
def trained(node: Node, kube: Any, objects: Objects, images: dict[str, Image]) -> Trained:
    """The Telco sample, trained by a Job of our image in a restricted namespace."""
    namespaces.create(kube, NAMESPACE, labels=namespaces.RESTRICTED)
    volume = node.volume(namespace=NAMESPACE, claim=CLAIM)
    volume.create(kube)
    model = {**reference("v1", "ConfigMap", "telco"), "data": {"model.yaml": SAMPLE.read_text()}}
    objects.create(model, namespace=NAMESPACE)
    job = training_job(
        name=JOB, image=images["training"].name, revision="telco-r1", claim=CLAIM, config_map="telco"
    )
    objects.create(job, namespace=NAMESPACE)
    wait_for(
        lambda: _has_ended(objects.get(job, namespace=NAMESPACE)),
        what="the training job to end",
        seconds=TRAINING_SECONDS,
        seen=lambda: objects.list("v1", "Pod", namespace=NAMESPACE),
    )
    (pod,) = objects.list("v1", "Pod", namespace=NAMESPACE, labelSelector=f"job-name={JOB}")
    (status,) = pod["status"]["containerStatuses"]
    result = decode_result(status["state"]["terminated"]["message"])
    return Trained(pod=pod, result=result, folder=volume.folder)


@pytest.fixture
def bundle(node: Node, kube: Any, namespace: str, trained: Trained) -> str:
    """Address of the trained bundle as a pod of the test's namespace sees it, ``pvc://claim/path``."""
    volume = node.volume(namespace=namespace, claim=CLAIM)
    shutil.copytree(trained.folder, volume.folder)
    volume.create(kube)
    assert trained.result.bundle is not None
    return trained.result.bundle.uri


@pytest.fixture
def open_service(cluster: Any, objects: Objects, namespace: str) -> Callable[[str], str]:
    """Opens a door to a Service of the test's namespace; returns the URL at which the host reaches it."""

    def open_it(name: str) -> str:
        service = objects.get(reference("v1", "Service", name), namespace=namespace)
        door = cluster.open_door(
            address=service["spec"]["clusterIP"], port=service["spec"]["ports"][0]["port"]
        )
        return f"http://{door.address}:{door.port}"

    return open_it


def _has_ended(job: Document) -> bool:
    conditions = job.get("status", {}).get("conditions", [])
    return any(each["type"] in ("Complete", "Failed") and each["status"] == "True" for each in conditions)
