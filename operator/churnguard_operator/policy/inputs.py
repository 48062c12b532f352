"""What of a ChurnModel influences a training, as hashes: the same hash needs no other training."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from churnguard_core.churnmodel.types import ChurnModel, Store
from churnguard_operator.names import digest_of

HASH_LENGTH: Final = 16

# What is left out is named, not what is taken: a field that is new and forgotten here trains once too often.
_NOT_OF_THE_MODEL: Final = frozenset({"history", "serving", "store", "suspend"})
_NOT_OF_THE_TRAINING: Final = frozenset({"deadlineSeconds", "resources", "retries", "schedule"})


def inputs_hash(model: ChurnModel) -> str:
    """Hash of what a revision is learnt from and judged by: data, training, gates.

    Fields at their defaults count as absent, so a new version with another field changes no hash. The operator's images
    are left out: an upgrade trains nothing.
    """
    spec: dict[str, Any] = msgspec.to_builtins(model.spec)
    inputs = _without(spec, _NOT_OF_THE_MODEL)
    inputs["training"] = _without(spec.get("training", {}), _NOT_OF_THE_TRAINING)
    return digest_of(_without_empty(inputs))[:HASH_LENGTH]


def job_hash(model: ChurnModel, *, store: Store) -> str:
    """Hash of what else a training's Job is made from; another one is a reason to try a failed training again."""
    training = model.spec.training
    return digest_of([training.deadline_seconds, training.resources, store])[:HASH_LENGTH]


def _without_empty(value: Any) -> Any:
    """A part that is all default is left out by one way of writing it, and empty by another."""
    if not isinstance(value, dict):
        return value
    found = {key: _without_empty(entry) for key, entry in value.items()}
    return {key: entry for key, entry in found.items() if entry not in ({}, [], ())}


def _without(part: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name not in names}
