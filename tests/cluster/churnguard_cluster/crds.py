"""Custom resource definitions from files and folders of YAML: ours, KServe's, and others' on request.

The files go to the API server as they are. Some hold two megabytes, which Python would take longer to read than the
API server to establish.
"""

from __future__ import annotations

import functools
import http.client
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from kubernetes import client

from churnguard_cluster.errors import ClusterError
from churnguard_cluster.objects import DISCOVERY, Document, request
from churnguard_cluster.waiting import wait_for

PATH: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
YAML: Final = "application/yaml"
KIND: Final = re.compile(r"^kind: CustomResourceDefinition$", re.MULTILINE)
NAME: Final = re.compile(r"^metadata:\n(?:  .*\n)*?  name: [\"']?([^\s\"']+)", re.MULTILINE)


def apply_crds(kube: Any, *sources: Path) -> list[str]:
    """Creates the definitions of files and folders that are not there yet; returns the names of all when served."""
    names = [_create(kube, text) for source in sources for text in definitions(source)]
    for name in names:
        _wait_until_served(kube, name)
    return names


def definitions(source: Path) -> Iterator[str]:
    """Text of each definition in a file, or in the YAML files of a folder; ClusterError when there is none."""
    files = sorted(source.glob("*.yaml")) if source.is_dir() else [source]
    documents = [
        text for file in files for text in re.split(r"^---.*$", file.read_text(), flags=re.MULTILINE)
    ]
    found = [text for text in documents if KIND.search(text)]
    if not found:
        raise ClusterError(f"no custom resource definition in {source}")
    yield from found


def _create(kube: Any, text: str) -> str:
    name = NAME.search(text)
    if name is None:
        raise ClusterError(f"a custom resource definition without a name begins with:\n{text[:300]}")
    try:
        request(kube, "POST", PATH, body=text, content_type=YAML, fieldValidation="Strict")
    except client.ApiException as error:
        if error.status != http.client.CONFLICT:
            raise
    return name[1]


def _wait_until_served(kube: Any, name: str) -> None:
    # By what the API server says that it serves, which takes an established definition: to read a large one again
    # and again costs it more than to establish it.
    plural, _, group = name.partition(".")

    def versions() -> list[str]:
        found = request(kube, "GET", "/apis", accept=DISCOVERY)["items"]
        of_group = [
            version for each in found if each["metadata"].get("name") == group for version in each["versions"]
        ]
        return [
            version["version"]
            for version in of_group
            if plural in [resource["resource"] for resource in version.get("resources", [])]
        ]

    found = wait_for(
        versions,
        what=f"{name} to be served",
        seen=lambda: conditions(request(kube, "GET", f"{PATH}/{name}")),
    )
    for version in found:
        # It answers a moment after it says so.
        path = f"/apis/{group}/{version}/{plural}"
        wait_for(functools.partial(_is_served, kube, path), what=f"{path} to answer")


def _is_served(kube: Any, path: str) -> bool:
    try:
        request(kube, "GET", path, limit="1")
    except client.ApiException as error:
        if error.status != http.client.NOT_FOUND:
            raise
        return False
    return True


def conditions(document: Document) -> dict[str, str]:
    """Status of each condition of an object; there are none until somebody has looked at it."""
    return {each["type"]: each["status"] for each in document.get("status", {}).get("conditions") or []}
