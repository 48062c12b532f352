"""Which rows are held out, and which fold a row is in: always whole groups, never by chance of row order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from churnguard_core.evaluation import HoldoutMethod
from churnguard_training.table import Table

HOLDOUT_SHARE: Final = 0.2

Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False, kw_only=True)
class Split:
    """Row numbers of the training part and of the hold-out."""

    training: Rows
    holdout: Rows
    method: HoldoutMethod


def split_holdout(table: Table, *, has_id: bool) -> Split:
    """Hold out a fifth: the latest rows when there is a time, else the groups whose hash falls below a fifth.

    Neither depends on the seed or on the other rows (a later time cut only moves on), so a champion is never scored
    on rows that it learnt from, and duplicates stay on one side.
    """
    if table.time is not None:
        held = _latest(table.time)
        method: HoldoutMethod = "time"
    else:
        held = mix(table.groups, salt=0) < np.uint64(HOLDOUT_SHARE * 2**64)
        method = "id" if has_id else "features"
    return Split(training=np.flatnonzero(~held), holdout=np.flatnonzero(held), method=method)


def _latest(time: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    ordered = np.sort(time)
    cut = ordered[int(len(ordered) * (1 - HOLDOUT_SHARE))]
    return np.asarray(time >= cut)


def assign_folds(
    *, label: NDArray[np.uint8], groups: NDArray[np.uint64], folds: int, seed: int
) -> NDArray[np.intp]:
    """Fold of every row: whole groups, dealt out in an order shuffled by the seed, one class after the other."""
    _, first, member = np.unique(groups, return_index=True, return_inverse=True)
    order = np.lexsort((mix(groups[first], salt=seed + 1), label[first]))
    fold_of_group = np.empty(len(first), dtype=np.intp)
    fold_of_group[order] = np.arange(len(first)) % folds
    return fold_of_group[member]


def subsample(*, groups: NDArray[np.uint64], most: int, seed: int) -> Rows:
    """At most this many rows, chosen by the groups' hash, in their order."""
    if len(groups) <= most:
        return np.arange(len(groups))
    return np.sort(np.argsort(mix(groups, salt=seed + 2), kind="stable")[:most])


def mix(hashes: NDArray[np.uint64], *, salt: int) -> NDArray[np.uint64]:
    """Hash of a hash (the finaliser of splitmix64), so that fold, sample and hold-out are independent of each other."""
    with np.errstate(over="ignore"):
        mixed = hashes + np.uint64((salt + 1) * 0x9E3779B97F4A7C15 % 2**64)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))
