"""Our images on a real node, in a namespace that enforces ``restricted``: train, serve, scale."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

from churnguard_cluster.node.images.image import Image
from churnguard_cluster.node.workloads import inference_service
from churnguard_cluster.objects import Document, Objects, reference
from churnguard_cluster.waiting import wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.restricted, pytest.mark.timeout(600)]

SERVICE: Final = "telco-r1-0a1b2"
PREDICTOR: Final = f"{SERVICE}-predictor"
READY_SECONDS: Final = 120.0
# Figures of new pods come after two readings, and the autoscaler looks every fifteen seconds.
SCALING_SECONDS: Final = 240.0
CALLERS: Final = 2
EVERY_CUSTOMER: Final = [{"tenure": month} for month in range(200)]


def ask(url: str, verb: str, instances: list[dict[str, Any]]) -> Any:
    body = json.dumps({"instances": instances}).encode()
    request = urllib.request.Request(f"{url}/v1/models/telco:{verb}", data=body)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        return json.load(answer)


@pytest.fixture
def service(
    kserve: None, objects: Objects, namespace: str, images: dict[str, Image], trained: Any, bundle: str
) -> Document:
    """Our server of the trained bundle as an InferenceService, ready."""
    document = inference_service(
        name=SERVICE,
        image=images["serving"].name,
        model="telco",
        digest=trained.result.bundle.digest,
        bundle_uri=bundle,
    )
    objects.create(document, namespace=namespace)
    wait_for(
        lambda: _is_ready(objects.get(document, namespace=namespace)),
        what="the inference service to be ready",
        seconds=READY_SECONDS,
        seen=lambda: objects.list("v1", "Pod", namespace=namespace),
    )
    return objects.get(document, namespace=namespace)


def _is_ready(document: Document) -> bool:
    conditions = document.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def ready_replicas(objects: Objects, namespace: str) -> int:
    deployment = objects.get(reference("apps/v1", "Deployment", PREDICTOR), namespace=namespace)
    return int(deployment.get("status", {}).get("readyReplicas", 0))


def scaler(objects: Objects, namespace: str) -> Document:
    return objects.get(reference("autoscaling/v2", "HorizontalPodAutoscaler", PREDICTOR), namespace=namespace)


@contextmanager
def constant_load(url: str) -> Iterator[None]:
    """Callers who ask for explanations one after the other, as long as the block lasts; each must be answered."""
    enough, failures = threading.Event(), list[Exception]()

    def call() -> None:
        while not enough.is_set():
            try:
                ask(url, "explain", EVERY_CUSTOMER)
            except Exception as error:  # told when the block ends
                failures.append(error)
                return

    threads = [threading.Thread(target=call, name=f"caller {number}") for number in range(CALLERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        enough.set()
        for thread in threads:
            thread.join()
    assert not failures


def test_a_job_of_the_training_image_leaves_its_result_in_the_termination_message(trained: Any) -> None:
    (status,) = trained.pod["status"]["containerStatuses"]
    assert status["state"]["terminated"]["exitCode"] == 0
    assert (trained.result.verdict, trained.result.model) == ("Trained", "telco")
    assert trained.result.metrics["rocAuc"] > 0.80
    folder = trained.folder / trained.result.bundle.uri.removeprefix("pvc://store/")
    assert (folder / "manifest.json").is_file()


def test_an_inference_service_of_the_serving_image_predicts_through_its_service(
    service: Document, open_service: Callable[[str], str], trained: Any
) -> None:
    assert service["status"]["deploymentMode"] == "Standard"
    answer = ask(open_service(PREDICTOR), "predict", [{}])
    assert answer["revision"] == "telco-r1"
    (prediction,) = answer["predictions"]
    assert prediction["risk_score"] == pytest.approx(trained.result.empty_score, abs=1e-6)


@pytest.mark.slow
def test_load_scales_the_server_to_three_pods_and_silence_back_to_one(
    service: Document, objects: Objects, namespace: str, open_service: Callable[[str], str]
) -> None:
    def wait_for_replicas(count: int) -> None:
        wait_for(
            lambda: ready_replicas(objects, namespace) == count,
            what=f"{count} ready pods",
            seconds=SCALING_SECONDS,
            seen=lambda: scaler(objects, namespace)["status"],
        )

    assert ready_replicas(objects, namespace) == 1
    with constant_load(open_service(PREDICTOR)):
        wait_for_replicas(3)
    wait_for_replicas(1)
