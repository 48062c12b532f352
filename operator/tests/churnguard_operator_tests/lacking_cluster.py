"""A cluster that may lack kinds, as far as the runtime asks for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from churnguard_operator.cluster.errors import ApiError, ConflictError, NotFoundError, UnreachableError
from churnguard_operator.cluster.protocol import Change, Page
from churnguard_operator.cluster.resources import HTTP_ROUTE, SCALED_OBJECT, Resource
from churnguard_operator.observed import Document


def a_document(resource: Resource, *, version: int, name: str = "telco", **more: Any) -> Document:
    labels = {"app.kubernetes.io/managed-by": "churnguard-operator", "churnguard.dev/model": name}
    metadata = {"name": name, "namespace": "retention", "uid": name, "labels": labels}
    metadata["resourceVersion"] = str(version)
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, **more}


@dataclass
class Cluster:
    """Serves these kinds, has these objects, and refuses what is of another kind."""

    served: set[str] = field(default_factory=set)
    objects: list[Document] = field(default_factory=list)
    events: list[Document] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)
    refusal: ApiError | None = None
    is_reachable: bool = True
    lists_groups: bool = True

    def _expect(self, kind: str) -> None:
        if kind in ("HTTPRoute", "ScaledObject") and kind not in self.served:
            raise NotFoundError(status=404, reason="", message="404 page not found", request=kind)

    async def api_versions(self) -> frozenset[str]:
        if not self.is_reachable:
            raise UnreachableError("no answer")
        groups = {"HTTPRoute": HTTP_ROUTE.api_version, "ScaledObject": SCALED_OBJECT.api_version}
        return frozenset(groups[kind] for kind in self.served if self.lists_groups)

    async def kinds_of(self, api_version: str) -> frozenset[str]:
        known = (HTTP_ROUTE, SCALED_OBJECT)
        return frozenset(each.kind for each in known if each.api_version == api_version) & self.served

    async def pages(
        self, resource: Resource, *, namespace: str | None, selector: str = ""
    ) -> AsyncIterator[Page]:
        self._expect(resource.kind)
        self.listed.append(resource.kind)
        yield Page([each for each in self.objects if each["kind"] == resource.kind], "10")

    def changes(
        self, resource: Resource, *, namespace: str | None, selector: str, since: str
    ) -> AsyncIterator[Change]:
        raise AssertionError("nothing is watched here")

    async def get(self, resource: Resource, *, namespace: str, name: str) -> Document:
        raise NotFoundError(status=404, reason="NotFound", message="not found", request=resource.kind)

    async def apply(self, document: Document) -> Document:
        assert self.refusal is not None, "nothing else is applied here"
        raise self.refusal

    async def apply_status(self, document: Document) -> Document:
        raise ConflictError(status=409, reason="Conflict", message="newer", request="status")

    async def create(self, resource: Resource, document: Document) -> Document:
        self.events.append(document)
        return document

    async def replace(self, resource: Resource, document: Document) -> Document:
        raise AssertionError("nothing is replaced here")

    async def delete(self, resource: Resource, *, namespace: str, name: str, uid: str) -> Document | None:
        raise AssertionError("nothing is deleted here")
