"""What a developer asks a pod for: its log, a shell, names; each goes through the kubelet's own certificate."""

from __future__ import annotations

import subprocess
from typing import Any, Final

import pytest

from churnguard_cluster.node.images.image import Image
from churnguard_cluster.node.workloads import container, pod_spec
from churnguard_cluster.objects import Document, Objects, reference
from churnguard_cluster.tools import tool
from churnguard_cluster.waiting import wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.restricted]

POD: Final = "waiting"
WAIT: Final = "import signal; print('I am waiting', flush=True); signal.pause()"


@pytest.fixture
def pod(objects: Objects, namespace: str, images: dict[str, Image]) -> Document:
    """A pod of the serving image that prints a line and waits."""
    waiting = container(name="main", image=images["serving"].name, command=["python3", "-c", WAIT])
    spec = pod_spec(waiting, restartPolicy="Never", terminationGracePeriodSeconds=0)
    document = {**reference("v1", "Pod", POD), "spec": spec}
    objects.create(document, namespace=namespace)
    return wait_for(
        lambda: _running(objects.get(document, namespace=namespace)),
        what="the pod to run",
        seen=lambda: objects.get(document, namespace=namespace)["status"],
    )


def _running(pod: Document) -> Document | None:
    return pod if pod["status"]["phase"] == "Running" else None


def kubectl(cluster: Any, namespace: str, *arguments: str) -> str:
    """What kubectl prints."""
    command = [str(tool("kubectl")), f"--kubeconfig={cluster.kubeconfig}", f"--namespace={namespace}"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_log_of_a_pod_can_be_read(pod: Document, cluster: Any, namespace: str) -> None:
    wait_for(lambda: kubectl(cluster, namespace, "logs", POD) == "I am waiting\n", what="the line in the log")


def test_a_command_in_a_pod_runs_as_the_user_of_our_images_and_can_write_nothing(
    pod: Document, cluster: Any, namespace: str
) -> None:
    script = "id -u; touch /app/file 2>/dev/null || echo refused"
    assert kubectl(cluster, namespace, "exec", POD, "--", "sh", "-c", script) == "65532\nrefused\n"


def test_a_pod_finds_services_by_name(pod: Document, cluster: Any, namespace: str) -> None:
    script = "import socket; print(socket.gethostbyname('kubernetes.default.svc'))"
    found = kubectl(cluster, namespace, "exec", POD, "--", "python3", "-c", script)
    assert found == "10.96.0.1\n"
