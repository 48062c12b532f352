"""Which bundles of a model go, and removing them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from churnguard_core.names import BUNDLE_NAME, MODEL_NAME
from churnguard_storage import BundleStore
from churnguard_training.errors import Refused

LEFTOVER_AGE: Final = timedelta(days=1)
"""What a killed writer left is removed after this time; no writer that lives takes as long."""

_MODEL = re.compile(rf"[a-z0-9][-a-z0-9]*/(?P<name>{MODEL_NAME})")


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """What is gone: bundles, and leftovers of killed writers; paths below the store's root."""

    bundles: tuple[str, ...]
    leftovers: tuple[str, ...]


def bundles_to_delete(*, model: str, paths: Sequence[str], keep: Collection[str]) -> tuple[str, ...]:
    """The bundles of a model that nobody keeps, in the order of ``paths``.

    Args:
        model: ``<namespace>/<name>``.
        paths: Paths of bundles in a store; only ``<model>/<name>-r<number>-<digest12>`` is ever chosen.
        keep: Names of the bundles that stay, ``<revision>-<digest12>``.
    """
    namespace, _, name = model.partition("/")
    chosen = []
    for path in paths:
        folder, _, bundle = path.rpartition("/")
        match = BUNDLE_NAME.fullmatch(bundle)
        if folder == f"{namespace}/{name}" and match and match["model"] == name and bundle not in keep:
            chosen.append(path)
    return tuple(chosen)


def prune(store: BundleStore, *, model: str, keep: Collection[str], now: datetime) -> Pruned:
    """Delete the bundles of a model that are not kept, and leftovers of killed writers older than a day.

    Args:
        store: Where.
        model: ``<namespace>/<name>``.
        keep: Names of the bundles that stay, ``<revision>-<digest12>``; at least one.
        now: The present, with a time zone.

    Raises:
        Refused: InvalidSpec when ``model`` or ``keep`` is malformed or ``keep`` is empty (a slip would delete
            everything).
        StorageError: The store cannot be used.
    """
    problems = _problems(model=model, keep=keep)
    if not keep:
        problems.append(f"nothing is kept: every bundle of {model} would be deleted")
    if problems:
        raise Refused(
            reason="InvalidSpec",
            problems=problems,
            hint="--model NAMESPACE/NAME --keep REVISION-DIGEST12, such as --keep telco-r7-0a1b2c3d4e5f",
        )
    return _delete(store, model=model, keep=keep, now=now)


def prune_all(store: BundleStore, *, model: str, now: datetime) -> Pruned:
    """Delete every bundle of a model: it is being removed for good. Otherwise as :func:`prune`."""
    problems = _problems(model=model, keep=())
    if problems:
        raise Refused(reason="InvalidSpec", problems=problems)
    return _delete(store, model=model, keep=(), now=now)


def _problems(*, model: str, keep: Collection[str]) -> list[str]:
    match = _MODEL.fullmatch(model)
    if match is None:
        return [f"{model!r} is no NAMESPACE/NAME of a ChurnModel"]
    problems = []
    for bundle in keep:
        parsed = BUNDLE_NAME.fullmatch(bundle)
        if parsed is None or parsed["model"] != match["name"]:
            problems.append(f"{bundle!r} is no bundle of {model}")
    return problems


def _delete(store: BundleStore, *, model: str, keep: Collection[str], now: datetime) -> Pruned:
    bundles = bundles_to_delete(model=model, paths=store.list(model), keep=keep)
    for path in bundles:
        store.delete(path)
    return Pruned(bundles=bundles, leftovers=store.sweep(model, before=now - LEFTOVER_AGE))
