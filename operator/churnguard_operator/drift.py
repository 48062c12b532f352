"""Does an object hold what is wanted? Compared as server-side apply would see it, so that nothing is applied in vain.

The server adds defaults, other managers add fields: more than is wanted is no drift, except where a list or map belongs
to us as a whole. A field that is no longer wanted shows by the hash of what was applied (see ``with_applied_hash``).
"""

from __future__ import annotations

from typing import Any, Final

from churnguard_operator.observed import Document
from churnguard_operator.quantities import amount

_MERGED_LISTS: Final = {
    "containers": "name",
    "env": "name",
    "ownerReferences": "uid",
    "ports": "name",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
"""Lists whose entries have owners of their own, and the key that tells the entries apart."""

_WHOLE_MAPS: Final = frozenset({"selector"})
"""Maps that belong to one manager: a foreign key in a Service's selector leads callers astray."""

_QUANTITIES: Final = frozenset({"requests", "limits"})


def has_drifted(wanted: Document, *, found: Document) -> bool:
    """Whether applying ``wanted`` would change ``found``."""
    return not _holds(wanted, found, name="")


def _holds(wanted: Any, found: Any, *, name: str) -> bool:
    match wanted:
        case dict():
            return isinstance(found, dict) and _holds_map(wanted, found, name=name)
        case list():
            return isinstance(found, list) and _holds_list(wanted, found, name=name)
    return bool(type(wanted) is type(found) and wanted == found)


def _holds_map(wanted: Document, found: Document, *, name: str) -> bool:
    if name in _WHOLE_MAPS and wanted.keys() != found.keys():
        return False
    if name in _QUANTITIES:
        return all(key in found and _is_same_amount(value, found[key]) for key, value in wanted.items())
    return all(
        # An empty map or list is dropped by some types on the way.
        _holds(value, found[key], name=key) if key in found else value in ({}, [])
        for key, value in wanted.items()
    )


def _holds_list(wanted: list[Any], found: list[Any], *, name: str) -> bool:
    key = _MERGED_LISTS.get(name)
    if key is None:
        return len(wanted) == len(found) and all(
            _holds(one, other, name="") for one, other in zip(wanted, found, strict=True)
        )
    by_key = {entry[key]: entry for entry in found if isinstance(entry, dict) and key in entry}
    return all(entry[key] in by_key and _holds(entry, by_key[entry[key]], name="") for entry in wanted)


def _is_same_amount(wanted: object, found: object) -> bool:
    return wanted == found or (amount(wanted) is not None and amount(wanted) == amount(found))
