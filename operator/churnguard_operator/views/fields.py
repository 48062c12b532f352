"""Reading fields of objects that others wrote: what is missing or of another type reads as empty."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from churnguard_operator.observed import Document

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


def mapping(document: Mapping[str, Any], *path: str) -> Document:
    """The mapping at a path; empty when there is none."""
    found: Any = document
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, dict) else {}


def text(document: Mapping[str, Any], *path: str) -> str:
    """The text at a path; empty when there is none."""
    found = mapping(document, *path[:-1]).get(path[-1])
    return found if isinstance(found, str) else ""


def number(document: Mapping[str, Any], *path: str) -> int:
    """The whole number at a path; 0 when there is none."""
    found = mapping(document, *path[:-1]).get(path[-1])
    return found if type(found) is int else 0


def entries(document: Mapping[str, Any], *path: str) -> list[Document]:
    """The mappings in the list at a path."""
    found = mapping(document, *path[:-1]).get(path[-1])
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def time(document: Mapping[str, Any], *path: str) -> datetime | None:
    """The time at a path."""
    try:
        found = datetime.fromisoformat(text(document, *path))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def created(document: Document) -> datetime:
    """When an object was created."""
    return time(document, "metadata", "creationTimestamp") or BEGINNING


def condition(document: Document, kind: str) -> Document:
    """The condition of a type; empty when there is none."""
    return next((each for each in entries(document, "status", "conditions") if each.get("type") == kind), {})


def is_true(found: Document) -> bool:
    """Whether a condition holds."""
    return found.get("status") == "True"


def is_deleting(document: Document) -> bool:
    """Whether an object is on its way out."""
    return bool(text(document, "metadata", "deletionTimestamp"))


def controller_uid(document: Document) -> str:
    """The uid of the controller that owns an object; empty when none does."""
    owners = entries(document, "metadata", "ownerReferences")
    return next((text(owner, "uid") for owner in owners if owner.get("controller") is True), "")
