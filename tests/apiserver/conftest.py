"""ChurnModels on a real API server. The cluster itself comes from the plugin ``churnguard_cluster.fixtures``."""

from __future__ import annotations

import http.client
import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client

from churnguard_cluster import namespaces
from churnguard_core.names import GROUP, PLURAL, VERSION


class ChurnModels:
    """ChurnModels on the API server, in one namespace."""

    def __init__(self, *, api: Any, namespace: str) -> None:
        self.api = api
        self.place = {"group": GROUP, "version": VERSION, "plural": PLURAL, "namespace": namespace}

    def judge(self, document: dict[str, Any]) -> dict[str, Any]:
        """The object as it would be stored, defaults filled in; ApiException when it is rejected."""
        answer: dict[str, Any] = self.api.create_namespaced_custom_object(
            **self.place, body=document, dry_run="All", field_validation="Strict"
        )
        return answer

    def rejection(self, document: dict[str, Any]) -> str:
        """Why the object would be rejected, in the API server's words; empty when it would be accepted."""
        try:
            self.judge(document)
        except client.ApiException as error:
            if error.status not in (http.client.BAD_REQUEST, http.client.UNPROCESSABLE_ENTITY):
                raise
            return str(json.loads(error.body)["message"])
        return ""


@pytest.fixture(scope="session")
def crd(kube: Any, definitions: list[str]) -> dict[str, Any]:
    """Our CustomResourceDefinition, as the API server holds it once it is served."""
    (name,) = definitions
    found: dict[str, Any] = client.CustomObjectsApi(kube).get_cluster_custom_object(
        group="apiextensions.k8s.io", version="v1", plural="customresourcedefinitions", name=name
    )
    return found


@pytest.fixture(scope="session")
def churn_models(kube: Any, crd: dict[str, Any]) -> Iterator[ChurnModels]:
    """ChurnModels on a server that knows our CRD, in a namespace of this session."""
    namespace = f"churn-models-{secrets.token_hex(3)}"
    namespaces.create(kube, namespace, labels={})
    yield ChurnModels(api=client.CustomObjectsApi(kube), namespace=namespace)
    namespaces.delete(kube, namespace)
