"""The manifests of the collector and the landing on a real node, where neither Kafka nor a database can be reached."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import trustme
import yaml
from kubernetes import client

from churnguard_cluster.namespace import run
from churnguard_cluster.node.images.image import Image
from churnguard_cluster.objects import Document, Objects
from churnguard_cluster.tools import tool
from churnguard_cluster.waiting import wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.restricted, pytest.mark.timeout(600)]

MANIFESTS: Final = Path(__file__).parents[2] / "manifests" / "collector"
SECONDS: Final = 180.0
KEY: Final = "sk_node"


@pytest.fixture
def installed(objects: Objects, namespace: str, images: dict[str, Image]) -> str:
    """Everything of the manifests with our images, and the Secrets that it mounts; its namespace."""
    for name, data in secrets().items():
        document = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}
        objects.create(document, namespace=namespace)
    text = run(str(tool("kubectl")), "kustomize", str(MANIFESTS))
    for component in ("collector", "streaming"):
        text = text.replace(f"image: churnguard-{component}\n", f"image: {images[component].name}\n")
    for document in yaml.safe_load_all(text):
        document["metadata"].pop("namespace")
        objects.create(document, namespace=namespace)
    return namespace


def secrets() -> dict[str, dict[str, str]]:
    subject_key = {"version": 1, "secret": base64.b64encode(bytes(32)).decode()}
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    key = {"id": "node", "kind": "server", "workspace": "demo", "sha256": digest}
    keys = {"workspaces": {"demo": {"subjectKey": subject_key}}, "keys": [key]}
    return {
        "churnguard-write-keys": {"keys.json": json.dumps(keys)},
        "churnguard-database": {"url": "postgresql://churnguard:Sesame4711@127.0.0.1:1/events"},
        "churnguard-cluster-ca-cert": {"ca.crt": trustme.CA().cert_pem.bytes().decode()},
        "churnguard-collector": {"password": "Sesame4712"},
        "churnguard-landing": {"password": "Sesame4713"},
    }


def pods(objects: Objects, name: str, *, namespace: str) -> list[Document]:
    return objects.list("v1", "Pod", namespace=namespace, labelSelector=f"app.kubernetes.io/name={name}")


def states(pod: Document, part: str) -> list[Document]:
    """What the container of a pod is like, and was like before; none when it has not begun."""
    found = [
        state for each in pod["status"].get(part, []) for state in (each["state"], each.get("lastState", {}))
    ]
    return [state for state in found if state]


def listens(log: Callable[[], str]) -> bool:
    return '"message":"ready"' in log()


def test_the_collector_runs_and_says_that_it_is_not_ready(
    objects: Objects, kube: Any, installed: str
) -> None:
    def running() -> list[str]:
        found = pods(objects, "churnguard-collector", namespace=installed)
        names = [
            each["metadata"]["name"]
            for each in found
            if any("running" in state for state in states(each, "containerStatuses"))
        ]
        return names if len(names) == 2 else []

    names = wait_for(
        running,
        what="two collectors to run",
        seconds=SECONDS,
        seen=lambda: pods(objects, "churnguard-collector", namespace=installed),
    )
    for name in names:
        log = functools.partial(client.CoreV1Api(kube).read_namespaced_pod_log, name, installed)
        wait_for(functools.partial(listens, log), what="it to listen", seconds=SECONDS, seen=log)
        assert "Sesame" not in log()
    # A node asks it, and it says no: there is no broker.
    for pod in pods(objects, "churnguard-collector", namespace=installed):
        (status,) = pod["status"]["containerStatuses"]
        assert (status["ready"], status["restartCount"]) == (False, 0)


def test_the_landing_waits_for_its_tables(objects: Objects, kube: Any, installed: str) -> None:
    def refused() -> list[str]:
        return [
            pod["metadata"]["name"]
            for pod in pods(objects, "churnguard-landing", namespace=installed)
            if any(
                state["terminated"]["exitCode"] == 2
                for state in states(pod, "initContainerStatuses")
                if "terminated" in state
            )
        ]

    names = wait_for(
        refused,
        what="the migration to be refused",
        seconds=SECONDS,
        seen=lambda: pods(objects, "churnguard-landing", namespace=installed),
    )
    said: str = client.CoreV1Api(kube).read_namespaced_pod_log(names[0], installed, container="migrate")
    assert "the database cannot be reached" in said
    assert "Sesame" not in said
