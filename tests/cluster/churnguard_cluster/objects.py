"""Objects of any kind as plain documents, over the official client.

The client's own classes are one per kind, and its dynamic client keeps what it discovers in a file named by the
server's address, which the next rig may have again.
"""

from __future__ import annotations

import functools
import http.client
import json
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from kubernetes.client import ApiException

Document: TypeAlias = dict[str, Any]

JSON: Final = "application/json"
# All that the API server serves, in one answer.
DISCOVERY: Final = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
APPLY: Final = "application/apply-patch+yaml"
MERGE: Final = "application/merge-patch+json"


def request(
    kube: Any,
    method: str,
    path: str,
    *,
    body: Document | str | None = None,
    content_type: str = JSON,
    accept: str = JSON,
    **query: str,
) -> Document:
    """The API server's answer; ApiException when it refuses."""
    headers = {"Accept": accept, "Content-Type": content_type}
    # The client does not write documents as YAML, which an apply patch is; JSON is YAML too.
    content = json.dumps(body) if content_type == APPLY else body
    response = kube.call_api(
        *kube.param_serialize(
            method,
            path,
            query_params=list(query.items()),
            header_params=headers,
            body=content,
            auth_settings=["BearerToken"],
        )
    )
    response.read()
    if response.status >= http.client.BAD_REQUEST:
        raise ApiException.from_response(http_resp=response, body=response.data.decode(), data=None)
    answer: Document = json.loads(response.data)
    return answer


class Objects:
    """Objects of a cluster, each addressed by its apiVersion, kind, namespace and name."""

    def __init__(self, kube: Any) -> None:
        self.kube = kube
        self._resources = functools.cache(self._ask_resources)

    def create(self, document: Document, *, namespace: str | None = None) -> Document:
        """The new object; unknown fields are refused."""
        path = self._collection(document, namespace=namespace)
        return request(self.kube, "POST", path, body=document, fieldValidation="Strict")

    def ensure(self, document: Document, *, namespace: str | None = None) -> Document:
        """The object, created when it is not there yet, else as it is."""
        try:
            return self.create(document, namespace=namespace)
        except ApiException as error:
            if error.status != http.client.CONFLICT:
                raise
        return self.get(document, namespace=namespace)

    def apply(
        self, document: Document, *, manager: str, namespace: str | None = None, **query: str
    ) -> Document:
        """The object after server-side apply by this field manager; ``force="true"`` takes others' fields."""
        path = self._path(document, namespace=namespace)
        options = {"fieldManager": manager, "fieldValidation": "Strict", **query}
        return request(self.kube, "PATCH", path, body=document, content_type=APPLY, **options)

    def replace(self, document: Document, *, namespace: str | None = None) -> Document:
        """The object after it was overwritten; ApiException 409 when ``resourceVersion`` is not the newest."""
        return request(self.kube, "PUT", self._path(document, namespace=namespace), body=document)

    def merge(self, document: Document, *, namespace: str | None = None, part: str = "") -> Document:
        """The object after a merge patch of it, or of its ``part`` (``status``)."""
        path = self._path(document, namespace=namespace) + (f"/{part}" if part else "")
        return request(self.kube, "PATCH", path, body=document, content_type=MERGE)

    def create_part(
        self, document: Document, *, part: str, body: Document, namespace: str | None = None
    ) -> Document:
        """The API server's answer to a new ``part`` of the object: ``binding``, ``eviction``."""
        path = self._path(document, namespace=namespace)
        return request(self.kube, "POST", f"{path}/{part}", body=body)

    def get(self, document: Document, *, namespace: str | None = None) -> Document:
        """The object as it is now; ``document`` needs apiVersion, kind and name only."""
        return request(self.kube, "GET", self._path(document, namespace=namespace))

    def find(self, document: Document, *, namespace: str | None = None) -> Document | None:
        """The object as it is now, or none."""
        try:
            return self.get(document, namespace=namespace)
        except ApiException as error:
            if error.status != http.client.NOT_FOUND:
                raise
            return None

    def list(
        self, api_version: str, kind: str, *, namespace: str | None = None, **query: str
    ) -> list[Document]:
        """All objects of a kind, those of one namespace, or those that a ``labelSelector`` selects."""
        path = self._collection({"apiVersion": api_version, "kind": kind}, namespace=namespace)
        items: list[Document] = request(self.kube, "GET", path, **query)["items"]
        return items

    def delete(self, document: Document, *, namespace: str | None = None, **query: str) -> None:
        """Deletes the object; what it owns goes later, unless ``propagationPolicy`` says otherwise."""
        options = {"propagationPolicy": "Background", **query}
        request(self.kube, "DELETE", self._path(document, namespace=namespace), **options)

    def _path(self, document: Document, *, namespace: str | None) -> str:
        return f"{self._collection(document, namespace=namespace)}/{document['metadata']['name']}"

    def _collection(self, document: Mapping[str, Any], *, namespace: str | None) -> str:
        api_version, kind = document["apiVersion"], document["kind"]
        try:
            plural, is_namespaced = self._resources(api_version)[kind]
        except KeyError:
            self._resources.cache_clear()  # its definition may be new
            plural, is_namespaced = self._resources(api_version)[kind]
        inside = namespace or document.get("metadata", {}).get("namespace")
        within = f"/namespaces/{inside}" if is_namespaced and inside else ""
        return f"{group_path(api_version)}{within}/{plural}"

    def _ask_resources(self, api_version: str) -> dict[str, tuple[str, bool]]:
        found = request(self.kube, "GET", group_path(api_version))["resources"]
        return {each["kind"]: (each["name"], each["namespaced"]) for each in found if "/" not in each["name"]}


def group_path(api_version: str) -> str:
    """Where the API server serves a group and version."""
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def reference(api_version: str, kind: str, name: str) -> Document:
    """What names an object, to get, find or delete it."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}}
