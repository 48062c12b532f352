"""What a request to the API server asks, read from its method and target, in RBAC's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

WRITES: Final = frozenset({"create", "update", "patch", "delete"})
VERBS: Final = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
LEASES: Final = "leases"


@dataclass(frozen=True, kw_only=True)
class ApiRequest:
    """A request. ``resource`` has its subresource behind a slash, and is empty where no objects are asked for."""

    verb: str
    resource: str = ""
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.resource} {self.name}".rstrip()

    @property
    def is_watch(self) -> bool:
        return self.verb == "watch"

    @property
    def is_write(self) -> bool:
        """Whether it changes an object; who holds the Lease is no change of the world."""
        return self.verb in WRITES and self.resource != LEASES


def parse_request(method: str, target: str) -> ApiRequest:
    """The request of this method and target."""
    split = urlsplit(target)
    parts = [part for part in split.path.split("/") if part]
    # /api/v1/... of the core group, /apis/<group>/<version>/... of the others.
    rest = parts[2:] if parts[:1] == ["api"] else parts[3:]
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces":
        namespace, rest = rest[1], rest[2:]
    if not rest:
        return ApiRequest(verb="get")
    name = rest[1] if len(rest) > 1 else ""
    return ApiRequest(
        verb=VERBS.get(method) or _reading(has_name=bool(name), query=split.query),
        resource="/".join([rest[0], *rest[2:]]),
        namespace=namespace,
        name=name,
    )


def _reading(*, has_name: bool, query: str) -> str:
    if parse_qs(query).get("watch", [""])[-1] in ("true", "1"):
        return "watch"
    return "get" if has_name else "list"
