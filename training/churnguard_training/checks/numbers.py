"""Numeric columns from cells: which cells are missing, which are wrong, and in which rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churnguard_scoring.columns import NumericColumn
from churnguard_training.checks.cells import TextCells, is_blank, is_missing_marker, is_one_of
from churnguard_training.checks.findings import Finding, RowNumbers, counted, problem, warning


def numeric_column(
    name: str, cells: TextCells, *, numbers: NDArray[np.float64], wrong: NDArray[np.bool_], rows: RowNumbers
) -> tuple[NumericColumn | None, tuple[Finding, ...]]:
    """The column of a text column's numbers, and what its other cells were taken for.

    Args:
        name: Name of the column, for messages.
        cells: Its cells.
        numbers: The number of each distinct text, NaN where it is none.
        wrong: Which distinct texts are neither numbers nor missing; they count as missing, with a warning.
        rows: How rows are numbered.

    Returns:
        The column, None when it holds infinite numbers; and the findings.
    """
    values = np.append(numbers, np.nan)[cells.codes]
    infinite = np.isinf(values)
    if infinite.any():
        return None, (infinite_numbers(name, infinite, rows=rows),)
    blank = is_blank(cells.texts)
    # An empty cell is how CSV writes a missing one; only cells that hold something are worth a word.
    empty = is_one_of(cells.texts, ("",))
    kinds = (
        ("blank", blank & ~empty),
        ("marked as missing", is_missing_marker(cells.texts) & ~blank),
        ("no number", wrong),
    )
    findings = []
    for what, texts in kinds:
        found = cells.per_row(texts)
        if found.any():
            findings.append(_counts_as_missing(name, found, what=what, rows=rows))
    return NumericColumn(values), tuple(findings)


def infinite_numbers(name: str, infinite: NDArray[np.bool_], *, rows: RowNumbers) -> Finding:
    """The finding for infinite numbers."""
    return problem(
        f"{name}: {counted(int(infinite.sum()), 'infinite number')} ({rows.listed(infinite)}); empty or mend them"
    )


def _counts_as_missing(name: str, found: NDArray[np.bool_], *, what: str, rows: RowNumbers) -> Finding:
    count = int(found.sum())
    verbs = "is {} and counts" if count == 1 else "are {} and count"
    return warning(f"{name}: {counted(count, 'cell')} {verbs.format(what)} as missing ({rows.listed(found)})")
