"""What the operator asks of a cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple, Protocol

from churnguard_operator.cluster.resources import Resource
from churnguard_operator.observed import Document


class Page(NamedTuple):
    """A part of a list, and the version of the whole: changes can be asked for from there on."""

    documents: Sequence[Document]
    version: str


class Change(NamedTuple):
    """What a watch tells: ADDED, MODIFIED, DELETED, or BOOKMARK, which is about no object but its version."""

    type: str
    document: Document


class Cluster(Protocol):
    """Reads and writes of objects. Every method raises ClusterError when it could not do what it says."""

    async def get(self, resource: Resource, *, namespace: str, name: str) -> Document:
        """An object; NotFoundError when there is none."""

    def pages(self, resource: Resource, *, namespace: str | None, selector: str = "") -> AsyncIterator[Page]:
        """All objects that a label selector selects, page by page."""

    def changes(
        self, resource: Resource, *, namespace: str | None, selector: str, since: str
    ) -> AsyncIterator[Change]:
        """What happens to such objects after a version of their list, for as long as the connection holds.

        GoneError when that version is too old to go on from.
        """

    async def apply(self, document: Document) -> Document:
        """The object after server-side apply."""

    async def apply_status(self, document: Document) -> Document:
        """The object after its status was written; ConflictError when it is not the one that was seen."""

    async def create(self, resource: Resource, document: Document) -> Document:
        """A new object; ConflictError when there is one of its name."""

    async def replace(self, resource: Resource, document: Document) -> Document:
        """The object after it was replaced; ConflictError when it is not the one that was seen."""

    async def delete(self, resource: Resource, *, namespace: str, name: str, uid: str) -> Document | None:
        """Delete this very object; the object while something holds it back, None when it is gone."""

    async def api_versions(self) -> frozenset[str]:
        """API groups with their versions, such as ``batch/v1``, that the cluster lists."""

    async def kinds_of(self, api_version: str) -> frozenset[str]:
        """Kinds of which an API group and version lets objects be made; none when the cluster does not know it."""
