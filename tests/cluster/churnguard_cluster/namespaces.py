"""Namespaces of tests: one each, ready for pods, gone afterwards."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from typing import Any, Final

from kubernetes import client

from churnguard_cluster.objects import Objects, reference, request
from churnguard_cluster.player import NODE
from churnguard_cluster.waiting import wait_for

RESTRICTED: Final = {"pod-security.kubernetes.io/enforce": "restricted"}


def create(kube: Any, name: str, *, labels: Mapping[str, str]) -> None:
    """A new namespace that takes pods, which it does once it has its service account."""
    objects = Objects(kube)
    document = reference("v1", "Namespace", name)
    document["metadata"]["labels"] = dict(labels)
    objects.create(document)
    account = reference("v1", "ServiceAccount", "default")
    wait_for(lambda: objects.find(account, namespace=name), what=f"the service account of namespace {name}")


def delete(kube: Any, name: str) -> None:
    """Has the namespace deleted with all that is in it; does not wait for that."""
    pods = f"/api/v1/namespaces/{name}/pods"
    # No kubelet says that the containers of played pods have ended: they would stay, and the namespace with them.
    played = {"fieldSelector": f"spec.nodeName={NODE}", "gracePeriodSeconds": "0"}
    request(kube, "DELETE", pods, **played)
    try:
        Objects(kube).delete(reference("v1", "Namespace", name))
    except client.ApiException as error:
        if error.status != http.client.NOT_FOUND:
            raise
