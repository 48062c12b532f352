"""A namespace that enforces the Pod Security level restricted refuses pods that run as root."""

from __future__ import annotations

import http.client

import pytest
from kubernetes.client import ApiException

from churnguard_cluster.objects import Document, Objects

pytestmark = pytest.mark.apiserver

RESTRICTED_CONTAINER: Document = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
RESTRICTED_POD: Document = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def pod(*, container: Document, whole: Document) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "pod"},
        "spec": {
            "containers": [{"name": "main", "image": "any", "securityContext": container}],
            "securityContext": whole,
        },
    }


@pytest.mark.restricted
def test_a_pod_as_root_is_refused_and_the_answer_names_what_to_change(
    objects: Objects, namespace: str
) -> None:
    with pytest.raises(ApiException) as refused:
        objects.create(pod(container={}, whole={"runAsUser": 0}), namespace=namespace)
    assert refused.value.status == http.client.FORBIDDEN
    for part in (
        "restricted",
        "runAsNonRoot != true",
        "runAsUser=0",
        "seccompProfile",
        "unrestricted capabilities",
    ):
        assert part in str(refused.value.body)


@pytest.mark.restricted
def test_a_restricted_pod_is_accepted(objects: Objects, namespace: str) -> None:
    found = objects.create(pod(container=RESTRICTED_CONTAINER, whole=RESTRICTED_POD), namespace=namespace)
    assert found["status"]["phase"] == "Pending"


def test_without_the_label_a_namespace_takes_both(objects: Objects, namespace: str) -> None:
    assert objects.create(pod(container={}, whole={"runAsUser": 0}), namespace=namespace)
