"""Requests to the API server as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from churnguard_operator.cluster.resources import Resource
from churnguard_operator.names import MANAGER
from churnguard_operator.observed import Document

JSON: Final = "application/json"
APPLY: Final = "application/apply-patch+yaml"
CHUNK: Final = 500
"""Objects per page of a list: what a page holds is in memory twice for a moment."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request. ``is_repeatable`` means that sending it twice does what sending it once does."""

    verb: str
    method: str
    path: str
    resource: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Document | None = None
    content_type: str = JSON
    is_repeatable: bool = True

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def get(resource: Resource, *, namespace: str, name: str) -> Request:
    """Ask for one object."""
    return Request(verb="get", method="GET", path=resource.item(namespace, name), resource=resource.plural)


def get_path(path: str) -> Request:
    """Ask for what is no object: the kinds of an API, say."""
    return Request(verb="get", method="GET", path=path, resource="")


def list_page(resource: Resource, *, namespace: str | None, selector: str, following: str) -> Request:
    """Ask for a page of a list; ``following`` is the token of the page before."""
    query = {"limit": str(CHUNK)}
    if selector:
        query["labelSelector"] = selector
    if following:
        query["continue"] = following
    return Request(
        verb="list",
        method="GET",
        path=resource.collection(namespace),
        resource=resource.plural,
        query=query,
    )


def watch(resource: Resource, *, namespace: str | None, selector: str, since: str, seconds: int) -> Request:
    """Ask for what changes after a version, for so many seconds."""
    query = {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": since,
        "timeoutSeconds": str(seconds),
    }
    if selector:
        query["labelSelector"] = selector
    return Request(
        verb="watch",
        method="GET",
        path=resource.collection(namespace),
        resource=resource.plural,
        query=query,
    )


def apply(resource: Resource, document: Document) -> Request:
    """Apply an object server-side.

    Forced: the caller has seen that the object is the operator's own or absent, and what the operator wants of its own
    objects goes before what others wrote into them.
    """
    metadata = document["metadata"]
    return Request(
        verb="apply",
        method="PATCH",
        path=resource.item(metadata["namespace"], metadata["name"]),
        resource=resource.plural,
        query={"fieldManager": MANAGER, "force": "true", "fieldValidation": "Strict"},
        body=document,
        content_type=APPLY,
    )


def apply_status(resource: Resource, document: Document) -> Request:
    """Apply the status of an object; its ``uid`` and ``resourceVersion`` must be those that were seen."""
    metadata = document["metadata"]
    return Request(
        verb="apply",
        method="PATCH",
        path=f"{resource.item(metadata['namespace'], metadata['name'])}/status",
        resource=f"{resource.plural}/status",
        query={"fieldManager": MANAGER, "force": "true"},
        body=document,
        content_type=APPLY,
        # The first try may have arrived: the second would meet a newer version and be taken for a conflict, and that
        # is harmless. Looking again follows.
    )


def create(resource: Resource, document: Document) -> Request:
    """Create an object; its name makes a second try meet the first."""
    return Request(
        verb="create",
        method="POST",
        path=resource.collection(document["metadata"]["namespace"]),
        resource=resource.plural,
        query={"fieldManager": MANAGER},
        body=document,
    )


def replace(resource: Resource, document: Document) -> Request:
    """Replace an object whose ``resourceVersion`` is the one that was seen. Never sent twice."""
    metadata = document["metadata"]
    return Request(
        verb="update",
        method="PUT",
        path=resource.item(metadata["namespace"], metadata["name"]),
        resource=resource.plural,
        query={"fieldManager": MANAGER},
        body=document,
        is_repeatable=False,
    )


def delete(resource: Resource, *, namespace: str, name: str, uid: str) -> Request:
    """Delete this very object, its dependents in the background."""
    return Request(
        verb="delete",
        method="DELETE",
        path=resource.item(namespace, name),
        resource=resource.plural,
        body={
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            "propagationPolicy": "Background",
        },
    )
