"""An InferenceService of our serving image's shape, judged by the real KServe controller; its pods are played."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final

import pytest
from kubernetes.client import ApiException

from churnguard_cluster.cluster import Cluster
from churnguard_cluster.fixtures import or_skip
from churnguard_cluster.objects import Document, Objects, reference
from churnguard_cluster.player import Player
from churnguard_cluster.waiting import wait_for

pytestmark = [pytest.mark.apiserver, pytest.mark.restricted, pytest.mark.usefixtures("kserve")]

NAME: Final = "telco-r1-0a1b2"
DEPLOYMENT: Final = f"{NAME}-predictor"
PORT: Final = 8080
ANSWER: Final = b'{"predictions":[{"risk_score":0.71,"risk_level":"high"}]}'


def inference_service(*, replicas: int = 1) -> Document:
    probe = {"httpGet": {"path": "/v2/health/ready", "port": PORT}}
    container = {
        "name": "kserve-container",
        "image": "churnguard-serving",
        "args": ["--bundle=pvc://models/telco", "--name=telco"],
        "ports": [{"containerPort": PORT, "protocol": "TCP"}],
        "readinessProbe": probe,
        "resources": {"requests": {"cpu": "100m", "memory": "300Mi"}, "limits": {"memory": "600Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": NAME,
            "labels": {"networking.kserve.io/visibility": "cluster-local"},
            "annotations": {"serving.kserve.io/deploymentMode": "Standard"},
        },
        "spec": {
            "predictor": {
                "minReplicas": replicas,
                "maxReplicas": 3,
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 65532,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [container],
            }
        },
    }


def condition(objects: Objects, namespace: str, kind: str) -> str | None:
    status = objects.get(inference_service(), namespace=namespace).get("status", {})
    return next((each["status"] for each in status.get("conditions", []) if each["type"] == kind), None)


def wait_until(objects: Objects, namespace: str, *, kind: str, is_now: str) -> None:
    wait_for(
        lambda: condition(objects, namespace, kind) == is_now,
        what=f"{kind} of the inference service to be {is_now}",
        seen=lambda: objects.get(inference_service(), namespace=namespace).get("status"),
    )


def wait_until_gone(objects: Objects, document: Document, *, namespace: str) -> None:
    wait_for(
        lambda: objects.find(document, namespace=namespace) is None,
        what=f"{document['kind']} to be collected",
    )


def test_it_is_ready_when_its_pods_are_and_not_before(
    objects: Objects, namespace: str, player: Player
) -> None:
    objects.create(inference_service(), namespace=namespace)
    player.pods_of_deployment(DEPLOYMENT)
    wait_until(objects, namespace, kind="PredictorReady", is_now="False")
    assert condition(objects, namespace, "Ready") == "False"
    player.make_ready(deployment=DEPLOYMENT)
    wait_until(objects, namespace, kind="Ready", is_now="True")
    service = objects.get(reference("v1", "Service", DEPLOYMENT), namespace=namespace)
    assert [(each["port"], each["targetPort"]) for each in service["spec"]["ports"]] == [(80, PORT)]
    scaler = objects.get(
        reference("autoscaling/v2", "HorizontalPodAutoscaler", DEPLOYMENT), namespace=namespace
    )
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (1, 3)
    assert not objects.list("networking.k8s.io/v1", "Ingress", namespace=namespace)


def test_kserve_leaves_the_pod_as_we_wrote_it(objects: Objects, namespace: str, player: Player) -> None:
    objects.create(inference_service(), namespace=namespace)
    (pod,) = player.pods_of_deployment(DEPLOYMENT)
    (container,) = pod["spec"]["containers"]
    (wanted,) = inference_service()["spec"]["predictor"]["containers"]
    for field in ("image", "args", "ports", "securityContext"):
        assert container[field] == wanted[field]
    assert container["readinessProbe"]["httpGet"]["path"] == "/v2/health/ready"
    assert "initContainers" not in pod["spec"]


def test_it_is_no_longer_ready_when_its_pods_go_down(
    objects: Objects, namespace: str, player: Player
) -> None:
    objects.create(inference_service(), namespace=namespace)
    player.make_ready(deployment=DEPLOYMENT)
    wait_until(objects, namespace, kind="Ready", is_now="True")
    player.make_unready(deployment=DEPLOYMENT)
    wait_until(objects, namespace, kind="Ready", is_now="False")


def test_what_the_webhook_forbids_is_refused(objects: Objects, namespace: str) -> None:
    wrong = inference_service()
    wrong["spec"]["predictor"]["minReplicas"] = 5
    with pytest.raises(ApiException) as refused:
        objects.create(wrong, namespace=namespace)
    assert "MinReplicas" in str(refused.value.body)


def test_children_go_with_it(objects: Objects, namespace: str, player: Player) -> None:
    objects.create(inference_service(), namespace=namespace)
    player.make_ready(deployment=DEPLOYMENT)
    objects.delete(inference_service(), namespace=namespace)
    for child in (reference("apps/v1", "Deployment", DEPLOYMENT), reference("v1", "Service", DEPLOYMENT)):
        wait_until_gone(objects, child, namespace=namespace)


@pytest.fixture
def answering(cluster: Any, player: Player) -> Iterator[str]:
    """An address of the rig at which this test answers every prediction."""
    address = or_skip(player.addresses.answering)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(http.client.OK)
            self.send_header("Content-Length", str(len(ANSWER)))
            self.end_headers()
            self.wfile.write(ANSWER)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = HTTPServer((address, PORT), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = cluster.rig.network.listen(address, PORT)
    thread = threading.Thread(target=server.serve_forever, name="answering")
    thread.start()
    yield address
    server.shutdown()
    thread.join()
    server.server_close()


def addresses_of_service(objects: Objects, namespace: str) -> list[str]:
    slices = objects.list(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        namespace=namespace,
        labelSelector=f"kubernetes.io/service-name={DEPLOYMENT}",
    )
    endpoints = [endpoint for each in slices for endpoint in each["endpoints"] or []]
    return [address for each in endpoints if each["conditions"]["ready"] for address in each["addresses"]]


def test_its_service_leads_to_an_address_at_which_the_test_answers(
    objects: Objects, namespace: str, player: Player, cluster: Cluster, answering: str
) -> None:
    objects.create(inference_service(), namespace=namespace)
    player.make_ready(deployment=DEPLOYMENT, addresses=[answering])
    (address,) = wait_for(
        lambda: addresses_of_service(objects, namespace), what="the service to have an address"
    )
    door = cluster.open_door(address=address, port=PORT)
    connection = http.client.HTTPConnection(door.address, door.port, timeout=10)
    connection.request("POST", "/v1/models/telco:predict", body=b'{"instances":[{}]}')
    assert connection.getresponse().read() == ANSWER
    connection.close()
