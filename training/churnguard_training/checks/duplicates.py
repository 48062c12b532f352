"""Rows that occur more than once: shown, and kept on one side of every split by their group."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churnguard_training.checks.findings import Finding, RowNumbers, counted, warning
from churnguard_training.checks.grouping import Hashes, mixed


def duplicate_rows(content: Hashes, label: NDArray[np.uint8], *, ids: Hashes | None) -> tuple[Finding, ...]:
    """A warning when rows equal an earlier one in every feature and the label (and the id, when there is one)."""
    rows = mixed(content) + label
    if ids is not None:
        rows = mixed(rows) + ids
    count = _repeated(rows)
    if not count:
        return ()
    verb, what = ("repeats", "an earlier row") if count == 1 else ("repeat", "earlier rows")
    text = f"{counted(count, 'row')} {verb} {what} exactly; duplicates stay on one side of every split"
    return (warning(text),)


def missing_ids(name: str, absent: NDArray[np.bool_], *, rows: RowNumbers) -> tuple[Finding, ...]:
    """A warning when rows have no id."""
    if not absent.any():
        return ()
    count = counted(int(absent.sum()), "row")
    return (
        warning(f"{name}: {count} without an id ({rows.listed(absent)}), kept together by equal features"),
    )


def duplicate_ids(ids: Hashes, *, absent: NDArray[np.bool_], name: str) -> tuple[Finding, ...]:
    """A warning when an id occurs in several rows."""
    given = ids[~absent]
    count = _repeated(given)
    if not count:
        return ()
    verb = "has" if count == 1 else "have"
    text = (
        f"{name}: {counted(count, 'row')} {verb} the id of an earlier row; they stay together in every split"
    )
    return (warning(text),)


def _repeated(hashes: Hashes) -> int:
    # Sorting is five times as fast as numpy's unique, which hashes hashes.
    ordered = np.sort(hashes)
    return int(np.count_nonzero(ordered[1:] == ordered[:-1]))
