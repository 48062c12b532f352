"""The value column: money per customer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churnguard_scoring.columns import NumericColumn
from churnguard_training.checks.cells import Cells, TimeCells
from churnguard_training.checks.findings import Finding, RowNumbers, counted, problem
from churnguard_training.checks.types import numbers_of


def read_amounts(
    name: str, cells: Cells, *, rows: RowNumbers
) -> tuple[NDArray[np.float64] | None, tuple[Finding, ...]]:
    """Amounts, missing as NaN; None with the reasons when they are no money: text, infinite, negative, all missing."""
    if isinstance(cells, TimeCells):
        return None, (problem(f"{name}: columns.value must hold money, not dates"),)
    typed = numbers_of(name, cells, rows=rows)
    if not isinstance(typed.column, NumericColumn):
        empty = () if any(finding.reason for finding in typed.findings) else (_empty(name),)
        return None, (*typed.findings, *empty)
    negative = typed.column.values < 0
    if negative.any():
        count = counted(int(negative.sum()), "negative amount")
        text = (
            f"{name}: {count} ({rows.listed(negative)}); columns.value is the money that a customer is worth"
        )
        return None, (problem(text),)
    return typed.column.values, typed.findings


def _empty(name: str) -> Finding:
    return problem(f"{name}: columns.value names a column without any amount")
