"""What the API server wrote down of what an account asked, and what the account may ask."""

from __future__ import annotations

import http
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from churnguard_cluster.objects import Document


class Right(NamedTuple):
    """What RBAC grants. A resource has its subresource behind a slash."""

    verb: str
    group: str
    resource: str


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request of the account."""

    right: Right
    name: str
    code: int
    is_forbidden: bool
    """Whether the account has no right to it; a quota refuses with the same code."""


def asked_by(account: str, *, namespace: str, log: Path) -> Iterator[Asked]:
    """All that an account has asked for objects, oldest first; a watch when it began and when it ended."""
    user = f"system:serviceaccount:{namespace}:{account}"
    with log.open() as lines:
        for line in lines:
            # Few of many lines are this account's.
            if f'"{user}"' in line and line.endswith("\n"):
                event = json.loads(line)
                if event["user"]["username"] == user and "objectRef" in event:
                    yield _asked(event)


def _asked(event: Document) -> Asked:
    reference = event["objectRef"]
    parts = [reference["resource"], reference.get("subresource", "")]
    return Asked(
        right=Right(event["verb"], reference.get("apiGroup", ""), "/".join(filter(None, parts))),
        name=reference.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0),
        is_forbidden=event.get("annotations", {}).get("authorization.k8s.io/decision") == "forbid",
    )


def rights_used(asked: Iterable[Asked]) -> frozenset[Right]:
    """The rights that these requests took."""
    return frozenset(right for each in asked for right in _taken(each))


def _taken(asked: Asked) -> Iterator[Right]:
    yield asked.right
    if asked.right.verb == "patch" and asked.code == http.HTTPStatus.CREATED:
        # Who applies what is not there needs both.
        yield asked.right._replace(verb="create")


def rights_granted(documents: Iterable[Document]) -> frozenset[Right]:
    """The rights in Roles and ClusterRoles."""
    return frozenset(
        Right(verb, group, resource)
        for document in documents
        if document["kind"] in ("Role", "ClusterRole")
        for rule in document["rules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    )
